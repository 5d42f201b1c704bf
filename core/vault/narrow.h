/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_NARROW_H
#define CORE_VAULT_NARROW_H

#include <stdbool.h>

#include "core/base/id.h"
#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/vault/digest.h"

/*
 * Narrowed tokens: what the holder of a token may hand on without asking the
 * server, and which never allows more than the token itself.
 *
 *     chain     = HMAC(key = text of the token, "licit chain v1")
 *     mac_0     = HMAC(chain, id of the token)             where narrowing starts
 *     mac_(i+1) = HMAC(mac_i, caveat_i)
 *     narrowed  = "licitn_" id "." base64url(caveats joined by "\n") "." base64url(mac)
 *
 * Whoever holds mac_i can add caveats and can take none away: that would want a
 * mac_j before it, which the HMAC does not give back. The server checks with
 * mac_0, which it keeps sealed; neither the digest of the token nor the narrowed
 * text leads there. What a caveat says is the business of core/auth/caveat.h;
 * here it is bytes without control characters.
 *
 * Threads: any. Memory: the caller's; a struct narrowed is a secret: wipe it. Logs: no, and never the text.
 */

#define NARROW_TEXT_MAX    2000 /* characters of the whole: it has to fit in a header */
#define NARROW_CAVEATS_MAX 32
#define NARROW_CAVEAT_MAX  512  /* bytes of one */
#define NARROW_BYTES_MAX   1400 /* of all of them, joined */

struct narrowed {
    char id[ID_SIZE]; /* of the token that it was narrowed from */
    unsigned char mac[DIGEST_BYTES];
    size_t count;                        /* of caveats; 0: begun, and not narrower yet */
    size_t _used;                        /* bytes of _caveats */
    char _caveats[NARROW_BYTES_MAX + 1]; /* each closed by a NUL */
};

/* Has the text the prefix of a narrowed token? */
bool narrow_is(const char *text);

/* mac_0 of a token. */
void narrow_start(const char *token, const char *id, unsigned char ret[DIGEST_BYTES]);

/* Begins to narrow a plain token of this id. RC_INVALID: it is no token, or the id is none. */
enum rc narrow_begin(const char *token, const char *id, struct narrowed *ret, struct why *why) MUST_CHECK;

/* Takes the text of a narrowed token apart; whether the mac is right is not looked at. RC_INVALID: its form. */
enum rc narrow_read(const char *text, struct narrowed *ret, struct why *why) MUST_CHECK;

/* One caveat more. RC_INVALID: empty, or with control characters; RC_TOO_LARGE: over the ceilings. */
enum rc narrow_add(struct narrowed *it, const char *caveat, struct why *why) MUST_CHECK;

/* The text to hand on. RC_INVALID: there is no caveat in it. */
enum rc narrow_write(const struct narrowed *it, char ret[NARROW_TEXT_MAX + 1], struct why *why) MUST_CHECK;

/* The caveat behind this one; NULL: the first, or there is no more. */
const char *narrow_next(const struct narrowed *it, const char *caveat);

/* Is the mac the one that follows from this start and the caveats? In the same time whatever differs. */
bool narrow_is_genuine(const struct narrowed *it, const unsigned char start[DIGEST_BYTES]);

#endif
