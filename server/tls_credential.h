/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_CREDENTIAL_H
#define SERVER_TLS_CREDENTIAL_H

#include <limits.h>
#include <stdint.h>

#include "server/client_map.h"
#include "server/tls.h"

/*
 * What the files of one TLS listener say at one time: certificate, key,
 * authorities and map of its clients. Read whole, or not at all. Only tls.c and
 * tls_credential.c include this.
 *
 * Threads: main reads; constant once made, but for the count. Memory:
 * tls_credential_destroy(). Logs: that a certificate ends soon.
 */

/* Where the files are; empty: none. Certificate and key are always given. */
struct tls_paths {
    char section[TLS_SECTION_MAX];
    char certificate[PATH_MAX], key[PATH_MAX], client_ca[PATH_MAX], client_tokens[PATH_MAX];
    enum tls_clients clients;
};

struct tls_credential {
    gnutls_certificate_credentials_t gnutls;
    struct client_map *map;
    uint64_t generation; /* 1, 2, ...; the owner's */
    int64_t users;       /* connections, and the tls while it is the present one; guarded by the owner's lock */
};

/* Fails with path and words; the same rc, so that a check is one line. key NULL: the section as a whole. */
enum rc tls_paths_fail(const struct tls_paths *paths, const char *key, enum rc rc, struct why *why, const char *words);

/* The errors of tls_create(). */
enum rc tls_credential_read(const struct tls_paths *paths, struct tls_credential **ret, struct why *why) MUST_CHECK;
void tls_credential_destroy(struct tls_credential *it);
DEFINE_AUTO_PTR(tls_credential)

#endif
