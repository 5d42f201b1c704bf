/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_DIGEST_H
#define CORE_VAULT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"

/*
 * SHA-256, HMAC-SHA-256 and HKDF-SHA-256 (FIPS 180-4, RFC 2104, RFC 5869), in
 * one piece; SHA-256 also streamed.
 *
 *     AUTO(digest) struct digest digest;
 *     rc = digest_init(&digest);
 *     digest_add(&digest, bytes, n); ...
 *     digest_end(&digest, sha256);
 *
 * Threads: one at a time. Memory: digest_finish() frees. Logs: no.
 */

#define DIGEST_BYTES    32
#define DIGEST_HEX_SIZE 65 /* 64 lower-case digits and a NUL */

struct evp_md_ctx_st; /* OpenSSL's; it does not leave core/vault */

struct digest {
    struct evp_md_ctx_st *_context;
};

/* RC_NO_MEMORY; the digest may be finished also then. */
enum rc digest_init(struct digest *digest) MUST_CHECK;
void digest_finish(struct digest *digest);
DEFINE_AUTO(digest)

void digest_add(struct digest *digest, const void *bytes, size_t n);

/* The digest of all that was added; afterwards it starts anew. */
void digest_end(struct digest *digest, unsigned char ret[DIGEST_BYTES]);
void digest_end_hex(struct digest *digest, char ret[DIGEST_HEX_SIZE]);

/* One call; RC_NO_MEMORY. */
enum rc digest_sha256(const void *bytes, size_t n, unsigned char ret[DIGEST_BYTES]) MUST_CHECK;
enum rc digest_sha256_hex(const void *bytes, size_t n, char ret[DIGEST_HEX_SIZE]) MUST_CHECK;

/* Key and bytes may be those of ret. */
void digest_hmac(const void *key, size_t key_n, const void *bytes, size_t n, unsigned char ret[DIGEST_BYTES]);

/* A key of n bytes (at most DIGEST_HKDF_MAX) out of a secret; info says what the key is for. No salt: RFC 5869's zeros. */
#define DIGEST_HKDF_MAX (255 * DIGEST_BYTES)

struct digest_hkdf {
    const void *secret, *salt, *info;
    size_t secret_n, salt_n, info_n;
};

void digest_hkdf(const struct digest_hkdf *from, void *ret, size_t n);

/* n bytes as 2n lower-case digits and a NUL. */
void digest_hex(const void *bytes, size_t n, char *ret);

/* Exactly 2n digits of lower case, else false and *ret is not defined. */
bool digest_from_hex(const char *text, size_t n, unsigned char *ret);

/* Takes the same time whatever differs: the only comparison for secrets. */
bool digest_equal(const void *a, const void *b, size_t n);

#endif
