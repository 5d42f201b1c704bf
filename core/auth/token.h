/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_AUTH_TOKEN_H
#define CORE_AUTH_TOKEN_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/vault/digest.h"

/*
 * The text of a token: "licit_", 43 base62 digits of 256 random bits, "_", and
 * six base62 digits of the CRC-32 of all before the last "_". The check lets
 * scanners of leaked secrets tell a token from noise, and typing errors be told
 * from revoked tokens, without asking the store. Digits: 0-9 A-Z a-z.
 *
 * Threads: any. Memory: the caller wipes the text. Logs: no, and never the text.
 */

#define TOKEN_SIZE 57 /* 6 + 43 + 1 + 6 and a NUL */

/* A new token. RC_INTERNAL: the system has no entropy. */
enum rc token_make(char ret[TOKEN_SIZE]) MUST_CHECK;

/* Has it the form, and does the check fit? */
bool token_is_well_formed(const char *text);

/* What the store keeps: SHA-256 of the text. RC_NO_MEMORY. */
enum rc token_digest(const char *text, char ret[DIGEST_HEX_SIZE]) MUST_CHECK;

#endif
