/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_SEAL_H
#define CORE_VAULT_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/rc.h"

/*
 * Sealing: what is kept at rest can be read and changed only with its key.
 *
 *     sealed = form (1 byte) | number of the key (4, big-endian) | nonce (12) | cipher text | tag (16)
 *
 * Form 1 is AES-256-GCM with a random nonce, which is good for 2^32 seals of one
 * key. What the bytes are about ("token tok-...") is authenticated with them,
 * and so is what stands before the nonce: sealed bytes that are moved to another
 * row, or said to be of another key, do not open. A key is wrapped by sealing its
 * bytes under another one; the number says which, so that keys can be renewed.
 *
 * Threads: any. Memory: the caller wipes keys and what was opened. Logs: no.
 */

#define SEAL_KEY_BYTES 32
#define SEAL_OVERHEAD  33 /* sealed bytes over plain ones */

/* A key for one purpose. */
struct seal_key {
    uint32_t number; /* 0: derived from the root key, of which there is one */
    unsigned char bytes[SEAL_KEY_BYTES];
};

/* The key for what the label says ("licit token chain v1"): HKDF-SHA-256 of a secret of SEAL_KEY_BYTES. */
void seal_derive(const unsigned char *secret, const char *label, struct seal_key *ret);

/* Appends the sealed bytes. RC_NO_MEMORY, RC_TOO_LARGE (the buffer's ceiling), RC_INTERNAL: the system has no entropy. */
enum rc seal_close(const struct seal_key *key, const char *about, const void *bytes, size_t n, struct buf *ret) MUST_CHECK;

/* Appends what was sealed, in one piece of memory. RC_CORRUPT: it was not sealed with this key, for this, or it was
 * changed; RC_UNSUPPORTED: a form that this program does not know; RC_NO_MEMORY, RC_TOO_LARGE. */
enum rc seal_open(const struct seal_key *key, const char *about, const void *sealed, size_t n, struct buf *ret) MUST_CHECK;

/* Which key opens it? false: it is no sealed thing. */
bool seal_get_number(const void *sealed, size_t n, uint32_t *ret);

#endif
