/* SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/vault/random.h"
#include "server/exchange.h"
#include "server/listeners.h"

#define BURST      64  /* connections of one listener before the next one has its turn */
#define RETRY_MS   100 /* after the system gave no descriptor */
#define LINGER_MS  100 /* of a stop: for those abroad whose handshake is under way */
#define SHARES     (1 << 16)
#define WARN_EVERY INT64_C(60000000000)

struct acceptor {
    /* set at start, then constant */
    struct http *http;
    pthread_t thread;
    int wake_fd;
    uint64_t seed; /* of the places of addresses, so that nobody can choose to share one */

    atomic_bool stopping;
    atomic_bool wants_room; /* wake when a connection goes */

    /* of the thread alone */
    bool starved; /* the system gave no descriptor */
    bool warned;
    struct mono warned_at;

    bool ended; /* of main */

    atomic_int shares[SHARES]; /* connections of the addresses that fall here; two that share a place are counted together */
};

/* The address of whoever connected; ADDRESS_NONE of a Unix socket. */
static struct address read_address(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET) {
        return address_make(ADDRESS_IPV4, (const void *)&((const struct sockaddr_in *)(const void *)from)->sin_addr);
    }
    if (from->ss_family == AF_INET6) {
        return address_make(ADDRESS_IPV6, (const void *)&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr);
    }
    return (struct address){ 0 };
}

static bool is_believed(const struct listener *listener, const struct address *address)
{
    for (size_t i = 0; i < listener->api.proxy_count; i++) {
        if (address_is_in(address, &listener->api.proxies[i])) {
            return true;
        }
    }
    return false;
}

/* Whoever has IPv6 has a network of 64 bits: it counts as one. NULL: not counted. */
static atomic_int *find_share(struct acceptor *it, const struct listener *listener, const struct address *address)
{
    if (it->http->settings.per_address == 0 || address->family == ADDRESS_NONE || is_believed(listener, address)) {
        return NULL;
    }
    uint64_t hash = it->seed;
    const size_t n = address->family == ADDRESS_IPV4 ? 4 : 8;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ address->bytes[i]) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return &it->shares[(hash >> 20) % SHARES];
}

static struct lane *find_lane(struct http *http, bool secure)
{
    struct lane *lanes = secure ? http->secure : http->plain;
    struct lane *best = &lanes[0];
    for (int i = 1; i < http->settings.threads; i++) {
        if (atomic_load(&lanes[i].count) < atomic_load(&best->count)) {
            best = &lanes[i];
        }
    }
    return best;
}

static void hand_on(struct acceptor *it, const struct listener *listener, int fd, const struct sockaddr_storage *from, socklen_t size)
{
    const int one = 1;
    const struct address address = read_address(from);
    atomic_int *share = find_share(it, listener, &address);
    struct peer *peer = NULL;
    if (share == NULL || atomic_load(share) < it->http->settings.per_address) {
        peer = peer_enter(fd, listener, find_lane(it->http, listener->is_secure), &address, share);
    }
    if (peer == NULL) {
        (void)close(fd); /* nothing was said on it */
        return;
    }
    const int64_t used = http_used(it->http);
    if (used > atomic_load(&it->http->most)) { /* only this thread makes it more */
        atomic_store(&it->http->most, used);
    }
    if (!listener->is_unix) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* a reply is one write: it need not wait for more */
    }
    if (MHD_add_connection(peer->lane->daemon, fd, (const struct sockaddr *)from, size) != MHD_YES) {
        peer_leave(peer); /* the library has closed it; only this thread enters, so the number was not entered again */
    }
}

/* The system is short of descriptors or memory: they come back with time. */
static void starve(struct acceptor *it, const char *name)
{
    it->starved = true;
    if (!it->warned || mono_since(it->warned_at) > WARN_EVERY) {
        log_warn("accept_waits", "listen=%s why=%s", name, log_quote(strerror(errno)).text);
        it->warned = true;
        it->warned_at = mono_now();
    }
}

/* Takes who waits, up to so many; false: nobody waits any more, or none can be taken. */
static bool take(struct acceptor *it, const struct listener *listener, int most, bool bounded)
{
    for (int i = 0; i < most && (!bounded || http_used(it->http) < it->http->settings.connections); i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t size = sizeof(from);
        const int fd = accept4(listener->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_on(it, listener, fd, &from, size);
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            starve(it, listener->name);
            return false;
        } /* else one that left before it was taken, or a signal: the next */
    }
    return true;
}

/* Sleeps until somebody waits, there is room again, or the stop; fills who waits. */
static void wait_for_clients(struct acceptor *it, struct pollfd *list)
{
    struct http *http = it->http;
    const size_t count = http->settings.listener_count;
    uint64_t drained;
    atomic_store(&it->wants_room, true); /* before the look: a connection that goes after it wakes */
    const bool full = http_used(http) >= http->settings.connections;
    if (!full && !it->starved) {
        atomic_store(&it->wants_room, false);
    }
    list[0] = (struct pollfd){ .fd = it->wake_fd, .events = POLLIN };
    for (size_t i = 0; i < count; i++) {
        list[1 + i] = (struct pollfd){ .fd = http->settings.listeners[i].fd, .events = POLLIN };
    }
    const bool closed = full || it->starved;
    (void)poll(list, closed ? 1 : 1 + count, it->starved ? RETRY_MS : -1); /* a signal only wakes early */
    it->starved = false;
    (void)read(it->wake_fd, &drained, sizeof(drained)); /* back to zero, if it was not */
}

/* Nobody new, but everybody who has connected. */
static void take_the_last(struct acceptor *it)
{
    const struct http_settings *settings = &it->http->settings;
    bool ours[LISTENERS_MAX];
    bool abroad = false;
    for (size_t i = 0; i < settings->listener_count; i++) {
        ours[i] = listener_shut(&settings->listeners[i]);
        abroad |= ours[i] && !settings->listeners[i].is_local;
    }
    if (abroad) {
        (void)poll(NULL, 0, LINGER_MS); /* for a handshake whose last part is on its way */
    }
    for (size_t i = 0; i < settings->listener_count; i++) {
        while (ours[i] && take(it, &settings->listeners[i], BURST, false)) {
        }
    }
}

static void *run(void *arg)
{
    struct acceptor *it = arg;
    const struct http_settings *settings = &it->http->settings;
    struct pollfd list[1 + LISTENERS_MAX];
    (void)pthread_setname_np(pthread_self(), "licit-accept"); /* only for the eyes of an operator */
    while (!atomic_load(&it->stopping)) {
        wait_for_clients(it, list);
        for (size_t i = 0; i < settings->listener_count && !atomic_load(&it->stopping); i++) {
            if (list[1 + i].revents != 0) {
                (void)take(it, &settings->listeners[i], BURST, true); /* poll() tells when more wait */
            }
        }
    }
    take_the_last(it);
    return NULL;
}

enum rc acceptor_create(struct http *http, struct acceptor **ret, struct why *why)
{
    struct acceptor *it = mem_alloc(sizeof(*it));
    if (it == NULL) {
        return RC_NO_MEMORY;
    }
    it->http = http;
    it->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    it->ended = true;
    *ret = it; /* before the thread begins, whose connections may end at once */
    if (it->wake_fd < 0 || vault_random(&it->seed, sizeof(it->seed)) != RC_OK || pthread_create(&it->thread, NULL, run, it) != 0) {
        *ret = NULL;
        acceptor_destroy(it);
        return why_fail(why, RC_UNAVAILABLE, NULL, "the system gives no thread");
    }
    it->ended = false;
    return RC_OK;
}

void acceptor_wake(struct acceptor *it)
{
    const uint64_t one = 1;
    if (it != NULL && atomic_load(&it->wants_room)) {
        (void)write(it->wake_fd, &one, sizeof(one)); /* fails only when it is awake already */
    }
}

void acceptor_stop(struct acceptor *it)
{
    const uint64_t one = 1;
    if (it == NULL || it->ended) {
        return;
    }
    atomic_store(&it->stopping, true);
    (void)write(it->wake_fd, &one, sizeof(one));
    (void)pthread_join(it->thread, NULL); /* it ends by itself */
    it->ended = true;
}

void acceptor_destroy(struct acceptor *it)
{
    if (it == NULL) {
        return;
    }
    acceptor_stop(it);
    if (it->wake_fd >= 0) {
        (void)close(it->wake_fd);
    }
    mem_free(it);
}
