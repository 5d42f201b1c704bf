/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/narrow.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "tests/check.h"

#define TOKEN "licit_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG_000000"
#define ID    "tok-0123456789abcdefghij"

static struct narrowed begin(void)
{
    struct narrowed it;
    struct why why = { 0 };
    check_ok(narrow_begin(TOKEN, ID, &it, &why), &why);
    return it;
}

/* Made with Python's hmac, hashlib and base64: the form is fixed, since people keep such texts. */
static void test_narrow_write_known_answer(void **state)
{
    struct narrowed it = begin();
    struct why why = { 0 };
    char text[NARROW_TEXT_MAX + 1];
    check_ok(narrow_add(&it, "model=credit*", &why), &why);
    check_ok(narrow_add(&it, "expires=1800000000", &why), &why);
    check_ok(narrow_write(&it, text, &why), &why);
    check_text(text, "licitn_tok-0123456789abcdefghij.bW9kZWw9Y3JlZGl0KgpleHBpcmVzPTE4MDAwMDAwMDA.G2a9txXvzvD6gcMhQq8c0NjnXzYPFRj-T3gt2S0o2J0");
}

static void test_narrow_goes_on_from_a_text(void **state)
{
    struct narrowed at_once = begin(), first = begin(), second;
    struct why why = { 0 };
    char text[NARROW_TEXT_MAX + 1], whole[NARROW_TEXT_MAX + 1];
    unsigned char start[DIGEST_BYTES];
    check_ok(narrow_add(&at_once, "path=/a*", &why), &why);
    check_ok(narrow_add(&at_once, "path=/a/b", &why), &why);
    check_ok(narrow_write(&at_once, whole, &why), &why);

    check_ok(narrow_add(&first, "path=/a*", &why), &why);
    check_ok(narrow_write(&first, text, &why), &why);
    check(narrow_is(text) && !narrow_is(TOKEN) && !narrow_is(""));
    check_ok(narrow_read(text, &second, &why), &why);
    check_ok(narrow_add(&second, "path=/a/b", &why), &why);
    check_ok(narrow_write(&second, text, &why), &why);
    check_text(text, whole);

    check_text(narrow_next(&second, NULL), "path=/a*");
    check_text(narrow_next(&second, narrow_next(&second, NULL)), "path=/a/b");
    check(narrow_next(&second, narrow_next(&second, narrow_next(&second, NULL))) == NULL);
    narrow_start(TOKEN, ID, start);
    check(narrow_is_genuine(&second, start));
    start[31] ^= 1;
    check(!narrow_is_genuine(&second, start));
}

/* mac_0 would let its holder write any caveat: it is never handed on. */
static void test_narrow_never_shows_where_it_starts(void **state)
{
    const struct narrowed it = begin();
    struct why why = { 0 };
    char text[NARROW_TEXT_MAX + 1];
    unsigned char start[DIGEST_BYTES];
    narrow_start(TOKEN, ID, start);
    check_rc(narrow_write(&it, text, &why), RC_INVALID);
    check_contains(why.text, "nothing makes it narrower");
    check(!narrow_is_genuine(&it, start));
}

static void test_narrow_begin_refuses(void **state)
{
    struct narrowed it;
    struct why why = { 0 };
    check_rc(narrow_begin("Bearer x", ID, &it, &why), RC_INVALID);
    check_contains(why.text, "licit_");
    static const char *const bad[] = { "", "tok-", "tok-0123456789abcdefghi", "tok-0123456789abcdefghijk", "job-0123456789abcdefghij", "tok-0123456789abcdefghiz" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check_rc(narrow_begin(TOKEN, bad[i], &it, &why), RC_INVALID);
        check_contains(why.text, "tok- and 20 characters");
    }
}

static void test_narrow_add_has_ceilings(void **state)
{
    struct why why = { 0 };
    char caveat[NARROW_CAVEAT_MAX + 2], text[NARROW_TEXT_MAX + 1];
    struct narrowed it = begin();
    memset(caveat, 'x', sizeof(caveat));
    caveat[NARROW_CAVEAT_MAX + 1] = '\0';
    check_rc(narrow_add(&it, caveat, &why), RC_TOO_LARGE);
    check_rc(narrow_add(&it, "", &why), RC_INVALID);
    check_rc(narrow_add(&it, "a\nb", &why), RC_INVALID);
    check_rc(narrow_add(&it, "a\x7f", &why), RC_INVALID);
    for (int i = 0; i < NARROW_CAVEATS_MAX; i++) {
        check_ok(narrow_add(&it, "x", &why), &why);
    }
    check_rc(narrow_add(&it, "x", &why), RC_TOO_LARGE);
    check_contains(why.text, "32 caveats");

    struct narrowed wide = begin();
    int taken = 0;
    caveat[100] = '\0';
    while (narrow_add(&wide, caveat, &why) == RC_OK) {
        taken++;
    }
    check_contains(why.text, "1400 bytes");
    check_int(taken, NARROW_BYTES_MAX / 101);
    check_ok(narrow_write(&wide, text, &why), &why);
    check_ok(narrow_read(text, &it, &why), &why);
    check_int(it.count, taken);
}

/* licitn_ID.caveats.mac, with whatever bytes between the dots. */
static void test_narrow_read_refuses(void **state)
{
    static const char mac[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    static const struct {
        const char *id, *caveats;
        size_t n;
        const char *mac, *words;
    } rows[] = {
        { ID, "", 0, mac, "well-formed" },
        { ID, "a\n", 2, mac, "empty" },
        { ID, "\na", 2, mac, "empty" },
        { ID, "a\n\nb", 4, mac, "empty" },
        { ID, "a\0b", 3, mac, "control" },
        { ID, "a\rb", 3, mac, "control" },
        { ID, "a\tb", 3, mac, "control" },
        { ID, "a", 1, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", "well-formed" },
        { ID, "a", 1, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "well-formed" },
        { ID, "a", 1, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "well-formed" },
        { ID, "a", 1, "", "well-formed" },
        { "tok-0123456789abcdefghi", "a", 1, mac, "well-formed" },
        { "tok-0123456789abcdefghiz", "a", 1, mac, "well-formed" },
        { "", "a", 1, mac, "well-formed" },
        { ID, "1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n1\n2\n3", 65, mac, "32 caveats" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[400], caveats[200];
        struct narrowed it;
        struct why why = { 0 };
        base64_write(rows[i].caveats, rows[i].n, caveats);
        (void)snprintf(text, sizeof(text), "licitn_%s.%s.%s", rows[i].id, caveats, rows[i].mac);
        check_rc(narrow_read(text, &it, &why), RC_INVALID);
        check_contains(why.text, rows[i].words);
    }
}

static void test_narrow_read_refuses_what_is_long(void **state)
{
    enum {
        LENGTH = 1 << 20
    };

    AUTO_FREE char *text = mem_alloc(LENGTH + 1);
    struct narrowed it;
    struct why why = { 0 };
    memset(text, 'A', LENGTH);
    memcpy(text, "licitn_" ID ".", strlen("licitn_" ID "."));
    text[LENGTH - 44] = '.';
    check_rc(narrow_read(text, &it, &why), RC_INVALID);
    check_contains(why.text, "longer than 2000");
    text[NARROW_TEXT_MAX] = '\0';
    text[NARROW_TEXT_MAX - 44] = '.';
    check_rc(narrow_read(text, &it, &why), RC_INVALID);
    check_contains(why.text, "512 bytes");
    for (; text[0] != '\0'; text[strlen(text) - 1] = '\0') {
        check_rc(narrow_read(text, &it, &why), RC_INVALID);
    }
}

CHECK_MAIN("core/vault/narrow",
           CHECK(test_narrow_write_known_answer),
           CHECK(test_narrow_goes_on_from_a_text),
           CHECK(test_narrow_never_shows_where_it_starts),
           CHECK(test_narrow_begin_refuses),
           CHECK(test_narrow_add_has_ceilings),
           CHECK(test_narrow_read_refuses),
           CHECK(test_narrow_read_refuses_what_is_long))
