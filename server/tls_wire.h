/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_TLS_WIRE_H
#define SERVER_TLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/gnutls.h>

/*
 * What GnuTLS reads from the socket of a connection goes through here: only the
 * heads of its records are looked at.
 *
 * A client of TLS 1.2 that asks to renegotiate is cut off at once. GnuTLS would
 * decrypt the request and leave it to libmicrohttpd, which closes in peace: that
 * costs us more than the client, and scanners take it for consent.
 *
 * Threads: the connection's. Memory: none; stays where it is while the session lives. Logs: no.
 */

#define TLS_WIRE_HEAD 5 /* bytes: type, version, length */

struct tls_wire {
    gnutls_session_t session;
    int fd;
    unsigned char head[TLS_WIRE_HEAD];
    uint8_t head_size;  /* of its bytes that have come */
    bool has_changed;   /* the client's keys are in use: ChangeCipherSpec has come */
    bool has_finished;  /* and the record behind it, the last of the handshake */
    uint32_t body_left; /* bytes of the record that are still to come */
};

/* Before the handshake. */
void tls_wire_attach(struct tls_wire *wire, gnutls_session_t session);

#endif
