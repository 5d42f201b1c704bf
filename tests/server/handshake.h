/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SERVER_HANDSHAKE_H
#define TESTS_SERVER_HANDSHAKE_H

#include "server/tls.h"
#include "tests/server/certs.h"

/*
 * Whole handshakes between a client of the test's and a session that tls_open()
 * prepared, in a folder of the test's own with an authority and a certificate.
 * Threads: one. Memory: handshake_setup() and _teardown(), link_end().
 */

#define ONE "tok-000000000000000000a1"
#define TWO "tok-000000000000000000b2"

extern char handshake_folder[64];
extern struct certs_pair handshake_authority, handshake_server;

/* Setup and teardown of cmocka. */
int handshake_setup(void **state);
int handshake_teardown(void **state);

/* A path in the folder, good until the eighth call from now; and a file there. */
const char *handshake_path(const char *name);
void handshake_write(const char *name, const char *text);

/* The TLS of a listener "edge" with the files of the folder; tokens: the name of the map. */
struct tls *handshake_tls(enum tls_clients clients);
struct tls *handshake_tls_with(enum tls_clients clients, const char *tokens);
void handshake_reload(struct tls *tls);

#define CHAIN_MAX 12

/* What a client shows: its own certificate, then those between it and an authority. */
struct shown {
    const struct certs_pair *chain[CHAIN_MAX];
    unsigned int count;
};

/* Both ends of one connection. */
struct link {
    int fds[2];
    gnutls_session_t client, server;
    gnutls_certificate_credentials_t credentials, none;
    struct tls_peer peer;
    struct shown shown;
};

/* False: the handshake fails. tls NULL: nobody prepares the session; pair NULL: no certificate. */
bool link_start(struct link *link, struct tls *tls, const struct certs_pair *pair, const char *versions);
bool link_start_with(struct link *link, struct tls *tls, const struct shown *shown, const char *versions);

/* So many bytes from the client to the server, over a network that cuts records anywhere. False: it broke. */
bool link_tell(struct link *link, size_t size);
void link_end(struct link *link);

#endif
