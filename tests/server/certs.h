/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SERVER_CERTS_H
#define TESTS_SERVER_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include <gnutls/x509.h>

/* Certificates of the tests' own, made in memory. Threads: one. Memory: certs_free(). */

struct certs_pair {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

/* What differs from a good client certificate; all zero: nothing. */
struct certs_spec {
    const char *name;        /* common name; NULL: "client" */
    const char *second_name; /* another common name */
    const char *uri;         /* an alternative name */
    int64_t from, until;     /* days from now; both 0: -1 to 1 */
    bool is_authority;
    bool for_servers; /* "server authentication" alone among its uses */
    bool sha1;
    bool short_key; /* RSA of 1024 bits */
};

/* Signed by the issuer; NULL: by itself. */
struct certs_pair certs_make(const struct certs_spec *spec, const struct certs_pair *issuer);
void certs_free(struct certs_pair *pair);

/* PEM into a file; the key's with mode 0600. */
void certs_write(const struct certs_pair *pair, const char *certificate, const char *key);

#endif
