/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_GCM_H
#define CORE_VAULT_GCM_H

#include <stddef.h>

#include "core/base/rc.h"

/*
 * AES-256-GCM (NIST SP 800-38D) with a nonce of 96 bits: the bare cipher under
 * core/vault/seal.h, which is what everybody else uses. A key must never see
 * the same nonce twice.
 *
 * Threads: any. Memory: the caller's. Logs: no.
 */

#define GCM_KEY_BYTES   32
#define GCM_NONCE_BYTES 12
#define GCM_TAG_BYTES   16

/* Key, nonce, and what is authenticated but not hidden; n is at most INT_MAX here and below. */
struct gcm {
    const unsigned char *key, *nonce;
    const void *about;
    size_t about_n;
};

/* Writes n bytes of cipher text and the tag. RC_NO_MEMORY. */
enum rc gcm_encrypt(const struct gcm *gcm, const void *bytes, size_t n, unsigned char *ret) MUST_CHECK;

/* n bytes of cipher text and the tag behind them. RC_CORRUPT: not what this key sealed, and ret is wiped; RC_NO_MEMORY. */
enum rc gcm_decrypt(const struct gcm *gcm, const void *bytes, size_t n, unsigned char *ret) MUST_CHECK;

#endif
