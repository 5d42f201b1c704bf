/* SPDX-License-Identifier: Apache-2.0 */
#include "server/peer.h"

#include <errno.h>
#include <linux/tcp.h> /* the C library's own struct tcp_info ends before the counters */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

static _Atomic(struct peer *) by_fd[PEER_FD_MAX]; /* pages that nobody touches cost nothing */

struct peer *peer_enter(int fd, const struct listener *listener, struct lane *lane, const struct address *address, atomic_int *share)
{
    struct peer *peer = fd < PEER_FD_MAX ? mem_alloc(sizeof(*peer)) : NULL;
    if (peer == NULL) {
        return NULL;
    }
    /* The library closes a connection without a word when memory is short in one place: its number comes back here. */
    struct peer *lost = atomic_load(&by_fd[fd]);
    if (lost != NULL) {
        peer_leave(lost);
    }
    peer->fd = fd;
    peer->listener = listener;
    peer->lane = lane;
    peer->share = share;
    peer->api = (struct api_peer){ .listener = &listener->api, .address = *address, .is_secure = listener->is_secure };
    peer_begin(peer, PEER_NEW, mono_now().ns);
    atomic_fetch_add(&lane->count, 1);
    if (share != NULL) {
        atomic_fetch_add(share, 1);
    }
    atomic_store(&by_fd[fd], peer);
    return peer;
}

void peer_leave(struct peer *peer)
{
    atomic_store(&by_fd[peer->fd], NULL);
    if (peer->share != NULL) {
        atomic_fetch_sub(peer->share, 1);
    }
    atomic_fetch_sub(&peer->lane->count, 1);
    mem_free(peer);
}

struct peer *peer_find(int fd)
{
    return fd >= 0 && fd < PEER_FD_MAX ? atomic_load(&by_fd[fd]) : NULL;
}

void peer_forget(const struct lane *lanes, int count)
{
    for (int fd = 0; fd < PEER_FD_MAX; fd++) {
        struct peer *peer = atomic_load(&by_fd[fd]);
        if (peer != NULL && peer->lane >= lanes && peer->lane < lanes + count) {
            peer_leave(peer);
        }
    }
}

void peer_begin(struct peer *peer, enum peer_phase phase, int64_t base_ns)
{
    /* The phase last: who sees it sees its time too. An old phase with the new time only lasts longer. */
    if (phase != PEER_WORK) {
        atomic_store_explicit(&peer->base_ns, base_ns, memory_order_relaxed);
    }
    atomic_store_explicit(&peer->phase, (int)phase, memory_order_release);
}

bool peer_count(const struct peer *peer, uint64_t *ret_received, uint64_t *ret_acked)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    if (getsockopt(peer->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < offsetof(struct tcp_info, tcpi_segs_out)) {
        return false;
    }
    *ret_received = info.tcpi_bytes_received;
    *ret_acked = info.tcpi_bytes_acked;
    return true;
}

bool peer_has_left(const struct peer *peer)
{
    char byte;
    if (atomic_load(&peer->shut)) {
        return false; /* it cannot be known any more; the reply will tell */
    }
    const ssize_t n = recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}
