/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLIENT_CERT_H
#define SERVER_CLIENT_CERT_H

#include <gnutls/x509.h>

#include "core/base/id.h"
#include "server/client_map.h"

/*
 * Who the client of a TLS connection is by its certificate: the chain that it
 * sent is held against the authorities of the listener (signatures, times,
 * strength, "client authentication" among its uses), and the first certificate
 * against the map. The most exact line wins: sha256, then uri, then name.
 *
 * That the client holds the key, the handshake has shown before.
 *
 * Threads: any; rules are only read. Memory: none stays. Logs: no.
 */

#define CLIENT_CERT_CHAIN_MAX 8  /* certificates that a client may send */
#define CLIENT_CERT_URIS_MAX  16 /* of its alternative names that are looked at */

struct client_rules {
    gnutls_x509_trust_list_t authorities;
    const struct client_map *map; /* NULL: no certificate stands for a token */
};

struct client_cert {
    int64_t until;       /* Unix seconds up to which the chain is valid */
    char token[ID_SIZE]; /* empty: the certificate has no line */
};

/* RC_DENIED with what is wrong with the certificate; RC_NO_MEMORY. */
enum rc client_cert_check(const struct client_rules *rules, const gnutls_datum_t *chain, unsigned int count,
                          struct client_cert *ret, struct why *why) MUST_CHECK;

#endif
