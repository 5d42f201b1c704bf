/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_CERT_H
#define CORE_VAULT_CERT_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/rc.h"

/*
 * The certificate of a first start: self-signed, ECDSA on P-256, for localhost,
 * 127.0.0.1, ::1 and the name of the host.
 *
 * Threads: any. Memory: the caller's buffers; the key is a secret, so the
 * caller writes it to a file of mode 0600 and wipes the buffer. Logs: no.
 */

#define CERT_DAYS    825     /* what clients accept of a certificate at most */
#define CERT_NAME    "licit" /* common name of subject and issuer */
#define CERT_PEM_MAX 8192    /* a ceiling that either text fits under */

/* Appends both as PEM. A host that is NULL or no DNS name is left out. RC_NO_MEMORY,
 * RC_TOO_LARGE (the buffer's ceiling), RC_INTERNAL (OpenSSL refused). */
enum rc cert_make(const char *host, int64_t now, struct buf *ret_certificate, struct buf *ret_key) MUST_CHECK;

#endif
