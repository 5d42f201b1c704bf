/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/listener.h"
#include "server/tls.h"

/*
 * A connection, from its accept to its close: who is there, what it is doing
 * since when (which the reaper holds against its time limits), and which event
 * thread has it.
 *
 * A table by descriptor finds the peer of a TLS session in the callbacks of
 * GnuTLS, which are given nothing else of ours: peer_find(gnutls_transport_get_int(session)).
 * It is of the whole process, as descriptors are.
 *
 * Threads: entered by the acceptor; then its event thread's, but for the fields
 * that say otherwise. Memory: peer_enter() makes, peer_leave() frees. Logs: no.
 */

#define PEER_FD_MAX (1 << 18) /* descriptors that can be in the table: two for each of the most connections there may be */

struct http;

/* What a connection is doing. */
enum peer_phase {
    PEER_NEW,   /* nothing of a request has come; the TLS handshake is in here */
    PEER_IDLE,  /* between two requests */
    PEER_HEAD,  /* the headers are coming */
    PEER_BODY,  /* the body is coming */
    PEER_WORK,  /* ours to do, or a stream with nothing to say: no limit */
    PEER_REPLY, /* the reply is being taken */
};

/* One event thread with its library daemon. */
struct lane {
    struct MHD_Daemon *daemon;
    atomic_int count; /* of its connections */
};

struct peer {
    /* set before the event thread hears of it, then constant */
    int fd;
    const struct listener *listener;
    struct lane *lane;
    atomic_int *share; /* how many connections its address has; NULL: it is not counted */
    struct api_peer api;

    struct tls_peer tls; /* of its event thread */

    /* read by the reaper at any time */
    _Atomic int64_t base_ns; /* when the phase began, monotonic, and what its bytes have earned since */
    atomic_int phase;
    atomic_bool shut; /* the reaper ended the reading side, not the other end */

    /* the reaper's, guarded by http->lock */
    struct peer *next, *before; /* in its list */

    struct peer_watch {
        int64_t base_ns;  /* of the phase that is watched */
        int64_t since_ns; /* since when it is */
        uint64_t bytes;   /* what the kernel had counted by then */
        int64_t moved_ns; /* when bytes were first seen to move; 0: not yet */
    } watch;
};

/* NULL: no memory, or a descriptor beyond the table. */
struct peer *peer_enter(int fd, const struct listener *listener, struct lane *lane, const struct address *address, atomic_int *share);

/* Out of the table, uncounted and freed; before the descriptor is closed, so that its number is nobody else's. */
void peer_leave(struct peer *peer);

/* NULL: there is none. */
struct peer *peer_find(int fd);

/* What is left of these lanes when their daemons have stopped: connections that no event thread had seen yet. */
void peer_forget(const struct lane *lanes, int count);

/* A phase begins or goes on: since when its time limit counts. */
void peer_begin(struct peer *peer, enum peer_phase phase, int64_t base_ns);

/* Bytes that the kernel has received from it, and that it has acknowledged; false: not counted, as on a Unix socket. */
bool peer_count(const struct peer *peer, uint64_t *ret_received, uint64_t *ret_acked);

/* Has the other side closed, with nothing left to read? */
bool peer_has_left(const struct peer *peer);

#endif
