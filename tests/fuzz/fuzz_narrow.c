/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/auth/caveat.h"
#include "core/base/str.h"
#include "core/vault/narrow.h"
#include "tests/fuzz/fuzz.h"

/*
 * Narrowed tokens: two bytes that alter a text, a line with the request (path,
 * model, address, time, separated by blanks), a line that claims to be a narrowed
 * token, then a caveat a line.
 *
 * What must hold: every caveat more allows the same or less. What is written is read
 * back the same and is genuine. A changed text, one without its last caveat, and
 * one that somebody thought up are refused, or say the very same caveats. Paths,
 * models and times are let through as a second statement of the rules says (below).
 */

#define TOKEN "licit_0000000000000000000000000000000000000000000_3Llial"
#define ID    "tok-00000000000000000000"

static bool matches(const char *pattern, const char *text)
{
    const size_t n = strlen(pattern);
    const bool open = n > 0 && pattern[n - 1] == '*';
    return n > 0 && text != NULL && strlen(text) >= n - open && memcmp(text, pattern, n - open) == 0 && (open || strlen(text) == n);
}

static void check_caveat(const char *caveat, const struct caveat_ask *ask)
{
    struct why why = { 0 };
    const bool allowed = caveat_check(caveat, ask, &why) == RC_OK;
    const char *equals = strchr(caveat, '=');
    const size_t n = equals == NULL ? 0 : (size_t)(equals - caveat);
    int64_t end;
    MUST(allowed || why.text[0] != '\0');
    if (n == 4 && memcmp(caveat, "path", n) == 0) {
        MUST(allowed == matches(equals + 1, ask->path));
    } else if (n == 5 && memcmp(caveat, "model", n) == 0) {
        MUST(allowed == matches(equals + 1, ask->model));
    } else if (n == 7 && memcmp(caveat, "expires", n) == 0) {
        MUST(allowed == (str_to_int64(equals + 1, &end) && ask->now < end));
    } else {
        MUST(!allowed || (n == 7 && memcmp(caveat, "address", n) == 0 && ask->address->family != ADDRESS_NONE));
    }
}

/* Do all caveats let the request through? */
static bool is_allowed(const struct narrowed *it, const struct caveat_ask *ask)
{
    bool allowed = true;
    for (const char *caveat = narrow_next(it, NULL); caveat != NULL; caveat = narrow_next(it, caveat)) {
        check_caveat(caveat, ask);
        allowed = allowed && caveat_check(caveat, ask, NULL) == RC_OK;
    }
    return allowed;
}

static bool is_same(const struct narrowed *a, const struct narrowed *b)
{
    const char *x = narrow_next(a, NULL), *y = narrow_next(b, NULL);
    while (x != NULL && y != NULL && strcmp(x, y) == 0) {
        x = narrow_next(a, x);
        y = narrow_next(b, y);
    }
    return x == NULL && y == NULL && a->count == b->count && strcmp(a->id, b->id) == 0;
}

/* A text that is not ours to be believed: refused, or the same. */
static void check_forged(const char *text, const struct narrowed *it, const unsigned char *start)
{
    struct narrowed forged;
    struct why why = { 0 };
    if (narrow_read(text, &forged, &why) == RC_OK) {
        /* With another id the server would begin elsewhere. */
        MUST(strcmp(forged.id, ID) != 0 || !narrow_is_genuine(&forged, start) || (it != NULL && is_same(&forged, it)));
    } else {
        MUST(why.text[0] != '\0');
    }
}

static void check_text(const struct narrowed *it, const struct narrowed *before, const unsigned char *alter, const unsigned char *start)
{
    char text[NARROW_TEXT_MAX + 1];
    struct narrowed again;
    if (narrow_write(it, text, NULL) != RC_OK) {
        return; /* too long for a header */
    }
    MUST(narrow_is(text) && narrow_read(text, &again, NULL) == RC_OK);
    MUST(is_same(it, &again) && narrow_is_genuine(&again, start));
    struct narrowed shorter = *before; /* the last caveat taken away, its mac kept */
    memcpy(shorter.mac, it->mac, sizeof(shorter.mac));
    MUST(!narrow_is_genuine(&shorter, start));
    const size_t place = alter[0] * 7u % strlen(text);
    text[place] = (char)(alter[1] == 0 ? '\0' : alter[1]);
    check_forged(text, it, start);
}

static void read_ask(char *line, struct caveat_ask *ask, struct address *address)
{
    char *rest = NULL;
    ask->path = strtok_r(line, " ", &rest);
    ask->path = ask->path == NULL ? "" : ask->path;
    ask->model = strtok_r(NULL, " ", &rest);
    const char *from = strtok_r(NULL, " ", &rest), *now = strtok_r(NULL, " ", &rest);
    if (from == NULL || !address_read(from, strlen(from), address)) {
        *address = (struct address){ .family = ADDRESS_NONE };
    }
    ask->address = address;
    (void)(now != NULL && str_to_int64(now, &ask->now)); /* else it stays 0 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    unsigned char start[DIGEST_BYTES];
    const unsigned char alter[2] = { fuzz_byte(&input), fuzz_byte(&input) };
    AUTO_FREE char *line = fuzz_line(&input), *claimed = fuzz_line(&input);
    struct caveat_ask ask = { .path = "" };
    struct address address = { .family = ADDRESS_NONE };
    struct narrowed it;
    if (claimed == NULL) {
        return 0;
    }
    read_ask(line, &ask, &address);
    narrow_start(TOKEN, ID, start);
    check_forged(claimed, NULL, start);
    MUST(narrow_begin(TOKEN, ID, &it, NULL) == RC_OK);
    bool allowed = true;
    for (char *caveat = fuzz_line(&input); caveat != NULL; caveat = fuzz_line(&input)) {
        const struct narrowed before = it;
        if (narrow_add(&it, caveat, NULL) == RC_OK) {
            const bool now = is_allowed(&it, &ask);
            MUST(allowed || !now);
            allowed = now;
            check_text(&it, &before, alter, start);
        }
        mem_free(caveat);
    }
    return 0;
}
