/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Types of records, RFC 5246 section 6.2.1. */
enum {
    CHANGE_CIPHER_SPEC = 20,
    HANDSHAKE = 22,
};

/*
 * A head is complete; false: it begins a renegotiation. Once its keys are in use
 * a client of TLS 1.2 has one more record of the handshake to send. TLS 1.3,
 * which cannot renegotiate, dresses all such records as data.
 */
static bool admit(struct tls_wire *wire)
{
    const unsigned char type = wire->head[0];
    wire->body_left = (uint32_t)wire->head[3] << 8 | wire->head[4];
    wire->head_size = 0;
    if (type == CHANGE_CIPHER_SPEC) {
        wire->has_changed = true;
    } else if (type == HANDSHAKE && wire->has_changed) {
        if (wire->has_finished && gnutls_protocol_get_version(wire->session) == GNUTLS_TLS1_2) {
            return false;
        }
        wire->has_finished = true;
    }
    return true;
}

static bool look(struct tls_wire *wire, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        const size_t wanted = wire->body_left > 0 ? wire->body_left : (size_t)(TLS_WIRE_HEAD - wire->head_size);
        const size_t some = n < wanted ? n : wanted;
        if (wire->body_left > 0) {
            wire->body_left -= (uint32_t)some;
        } else {
            memcpy(wire->head + wire->head_size, bytes, some);
            wire->head_size = (uint8_t)(wire->head_size + some);
            if (wire->head_size == TLS_WIRE_HEAD && !admit(wire)) {
                return false;
            }
        }
        bytes += some;
        n -= some;
    }
    return true;
}

static ssize_t pull(gnutls_transport_ptr_t arg, void *bytes, size_t max)
{
    struct tls_wire *wire = arg;
    const ssize_t n = recv(wire->fd, bytes, max, 0);
    if (n <= 0 || look(wire, bytes, (size_t)n)) {
        return n;
    }
    (void)shutdown(wire->fd, SHUT_RDWR); /* no farewell either: the client shall see that it was cut off */
    errno = ECONNRESET;
    return -1;
}

void tls_wire_attach(struct tls_wire *wire, gnutls_session_t session)
{
    *wire = (struct tls_wire){ .session = session, .fd = gnutls_transport_get_int(session) };
    gnutls_transport_set_ptr2(session, wire, (gnutls_transport_ptr_t)(intptr_t)wire->fd);
    gnutls_transport_set_pull_function(session, pull);
}
