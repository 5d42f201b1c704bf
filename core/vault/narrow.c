/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/narrow.h"

#include <string.h>

#include "core/base/base64.h"
#include "core/base/mem.h"

#define PLAIN_PREFIX  "licit_"
#define PREFIX        "licitn_"
#define PREFIX_LENGTH 7
#define LABEL         "licit chain v1"
#define MAC_LENGTH    BASE64_LENGTH(DIGEST_BYTES)

_Static_assert(PREFIX_LENGTH + ID_SIZE - 1 + 2 + BASE64_LENGTH(NARROW_BYTES_MAX) + MAC_LENGTH <= NARROW_TEXT_MAX,
               "what narrow_add() lets in can be written");

bool narrow_is(const char *text)
{
    return strncmp(text, PREFIX, PREFIX_LENGTH) == 0;
}

void narrow_start(const char *token, const char *id, unsigned char ret[DIGEST_BYTES])
{
    digest_hmac(token, strlen(token), LABEL, strlen(LABEL), ret);
    digest_hmac(ret, DIGEST_BYTES, id, strlen(id), ret);
}

enum rc narrow_begin(const char *token, const char *id, struct narrowed *ret, struct why *why)
{
    if (strncmp(token, PLAIN_PREFIX, strlen(PLAIN_PREFIX)) != 0) {
        return why_fail(why, RC_INVALID, NULL, "the token must begin with " PLAIN_PREFIX " or " PREFIX);
    }
    if (!id_is(id, "tok")) {
        return why_fail(why, RC_INVALID, NULL, "the id must be that of the token, tok- and 20 characters, got \"%.40s\"", id);
    }
    *ret = (struct narrowed){ .count = 0 };
    memcpy(ret->id, id, ID_SIZE);
    narrow_start(token, id, ret->mac);
    return RC_OK;
}

/* Why may these n bytes be no caveat? A line end would make two of one. */
static enum rc check_caveat(const char *caveat, size_t n, struct why *why)
{
    if (n == 0) {
        return why_fail(why, RC_INVALID, NULL, "a caveat is empty");
    }
    if (n > NARROW_CAVEAT_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "a caveat must be of at most %d bytes, got %zu", NARROW_CAVEAT_MAX, n);
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)caveat[i] < 0x20 || caveat[i] == 0x7f) {
            return why_fail(why, RC_INVALID, NULL, "a caveat holds control characters");
        }
    }
    return RC_OK;
}

/* Keeps one caveat; the mac is the caller's business. */
static enum rc keep(struct narrowed *it, const char *caveat, size_t n, struct why *why)
{
    const enum rc rc = check_caveat(caveat, n, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (it->count >= NARROW_CAVEATS_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "a token must carry at most %d caveats", NARROW_CAVEATS_MAX);
    }
    if (n >= sizeof(it->_caveats) - it->_used) {
        return why_fail(why, RC_TOO_LARGE, NULL, "the caveats of a token must be of at most %d bytes together", NARROW_BYTES_MAX);
    }
    memcpy(it->_caveats + it->_used, caveat, n);
    it->_caveats[it->_used + n] = '\0';
    it->_used += n + 1;
    it->count++;
    return RC_OK;
}

enum rc narrow_add(struct narrowed *it, const char *caveat, struct why *why)
{
    const enum rc rc = keep(it, caveat, strlen(caveat), why);
    if (rc == RC_OK) {
        digest_hmac(it->mac, sizeof(it->mac), caveat, strlen(caveat), it->mac);
    }
    return rc;
}

/* The n bytes that stood between the dots. */
static enum rc read_caveats(struct narrowed *it, const char *joined, size_t n, struct why *why)
{
    enum rc rc = RC_OK;
    for (const char *at = joined, *end = joined + n; rc == RC_OK; at++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((stop == NULL ? end : stop) - at);
        rc = keep(it, at, length, why);
        at += length;
        if (stop == NULL) {
            break;
        }
    }
    return rc;
}

enum rc narrow_read(const char *text, struct narrowed *ret, struct why *why)
{
    const size_t n = strnlen(text, NARROW_TEXT_MAX + 1);
    const size_t around = PREFIX_LENGTH + ID_SIZE + 1 + MAC_LENGTH; /* with both dots */
    if (n > NARROW_TEXT_MAX) {
        return why_fail(why, RC_INVALID, NULL, "the narrowed token is longer than %d characters", NARROW_TEXT_MAX);
    }
    if (n <= around || !narrow_is(text) || text[PREFIX_LENGTH + ID_SIZE - 1] != '.' || text[n - MAC_LENGTH - 1] != '.') {
        return why_fail(why, RC_INVALID, NULL, "the narrowed token is not well-formed; was it copied whole?");
    }
    const char *id = text + PREFIX_LENGTH, *caveats = id + ID_SIZE;
    unsigned char joined[BASE64_BYTES(NARROW_TEXT_MAX)];
    ret->count = ret->_used = 0;
    memcpy(ret->id, id, ID_SIZE - 1);
    ret->id[ID_SIZE - 1] = '\0';
    if (!id_is(ret->id, "tok") || !base64_read(caveats, n - around, joined) || !base64_read(text + n - MAC_LENGTH, MAC_LENGTH, ret->mac)) {
        return why_fail(why, RC_INVALID, NULL, "the narrowed token is not well-formed; was it copied whole?");
    }
    const enum rc rc = read_caveats(ret, (const char *)joined, BASE64_BYTES(n - around), why);
    return rc == RC_OK ? RC_OK : RC_INVALID; /* the words say which ceiling */
}

enum rc narrow_write(const struct narrowed *it, char ret[NARROW_TEXT_MAX + 1], struct why *why)
{
    if (it->count == 0) {
        return why_fail(why, RC_INVALID, NULL, "nothing makes it narrower: name a model, a path, a time or an address");
    }
    char joined[sizeof(it->_caveats)];
    const size_t n = it->_used - 1; /* without the last NUL */
    memcpy(joined, it->_caveats, n);
    for (char *nul = memchr(joined, '\0', n); nul != NULL; nul = memchr(nul, '\0', (size_t)(joined + n - nul))) {
        *nul = '\n';
    }
    memcpy(ret, PREFIX, PREFIX_LENGTH);
    memcpy(ret + PREFIX_LENGTH, it->id, ID_SIZE - 1);
    char *at = ret + PREFIX_LENGTH + ID_SIZE - 1;
    *at++ = '.';
    base64_write(joined, n, at);
    at += BASE64_LENGTH(n);
    *at++ = '.';
    base64_write(it->mac, sizeof(it->mac), at);
    return RC_OK;
}

const char *narrow_next(const struct narrowed *it, const char *caveat)
{
    const char *next = caveat == NULL ? it->_caveats : caveat + strlen(caveat) + 1;
    return next < it->_caveats + it->_used ? next : NULL;
}

bool narrow_is_genuine(const struct narrowed *it, const unsigned char start[DIGEST_BYTES])
{
    unsigned char mac[DIGEST_BYTES];
    memcpy(mac, start, sizeof(mac));
    for (const char *caveat = narrow_next(it, NULL); caveat != NULL; caveat = narrow_next(it, caveat)) {
        digest_hmac(mac, sizeof(mac), caveat, strlen(caveat), mac);
    }
    const bool genuine = it->count > 0 && digest_equal(mac, it->mac, sizeof(mac));
    mem_wipe(mac, sizeof(mac));
    return genuine;
}
