/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reaper.h"

#include <malloc.h>
#include <sys/socket.h>

#include "core/base/clock.h"

#define MS               INT64_C(1000000)
#define BEAT_MS          1000 /* how often sleeping streams are woken and idle ones looked at */
#define TRIM_CONNECTIONS 32   /* about a megabyte */

/* How a turn of the reaper sees the house. */
struct view {
    const struct http *http;
    int64_t now_ns;
    int64_t used, ceiling; /* connections */
    bool closing;
    int64_t closing_ns; /* since when */
    bool counts;        /* the turn in which idle ones are looked at for a request that begins */
};

/* A limit, whole below the mark and HTTP_TIGHT_MS at the ceiling. In nanoseconds. */
static int64_t shrink(const struct view *view, int64_t ms)
{
    const int64_t mark = view->ceiling * HTTP_TIGHT_PERCENT / 100;
    if (view->used <= mark || ms <= HTTP_TIGHT_MS) {
        return ms * MS;
    }
    const int64_t left = view->used >= view->ceiling ? 0 : view->ceiling - view->used;
    return (HTTP_TIGHT_MS + (ms - HTTP_TIGHT_MS) * left / (view->ceiling - mark)) * MS;
}

static int64_t idle_limit(const struct view *view)
{
    const struct http_settings *settings = &view->http->settings;
    if (view->used >= view->ceiling) {
        return HTTP_IDLE_FULL_MS * MS;
    }
    return shrink(view, settings->idle_ms + settings->header_ms); /* a header may have begun that nobody can see yet */
}

/* Begins to watch a phase, or goes on; false: it began just now, or nothing is counted here. */
static bool watch(const struct view *view, struct peer *peer, int64_t base, uint64_t bytes)
{
    struct peer_watch *it = &peer->watch;
    if (it->base_ns == base) {
        return true;
    }
    *it = (struct peer_watch){ .base_ns = base, .since_ns = view->now_ns, .bytes = bytes };
    return false;
}

/* An idle peer whose bytes begin to move has begun a request: the limit of headers counts from there. */
static int64_t idle_end(const struct view *view, struct peer *peer, int64_t base)
{
    uint64_t received, acked;
    if (view->counts && peer_count(peer, &received, &acked) && watch(view, peer, base, received) && peer->watch.moved_ns == 0 &&
        peer->watch.bytes != received) {
        peer->watch.moved_ns = view->now_ns;
    }
    const int64_t limit = base + idle_limit(view);
    if (peer->watch.base_ns != base || peer->watch.moved_ns == 0) {
        return limit;
    }
    const int64_t headers = peer->watch.moved_ns + shrink(view, view->http->settings.header_ms);
    return headers < limit ? headers : limit;
}

/* Who takes less than HTTP_BYTES_PER_SEC of a reply is not given the time of its whole size. */
static int64_t reply_end(const struct view *view, struct peer *peer, int64_t base)
{
    uint64_t received, acked;
    const int64_t grace = shrink(view, view->http->settings.grace_ms);
    if (peer_count(peer, &received, &acked) && watch(view, peer, base, acked)) {
        const int64_t taken = (int64_t)((acked - peer->watch.bytes) / HTTP_BYTES_PER_SEC) * 1000 * MS;
        const int64_t end = peer->watch.since_ns + grace + taken;
        return end < base + grace ? end : base + grace;
    }
    return base + grace;
}

/* When what the peer does must be done; INT64_MAX: whenever. */
static int64_t limit_of(const struct view *view, struct peer *peer, enum peer_phase phase)
{
    const int64_t base = atomic_load_explicit(&peer->base_ns, memory_order_relaxed);
    switch (phase) {
    case PEER_NEW:
    case PEER_HEAD: return base + shrink(view, view->http->settings.header_ms);
    case PEER_IDLE: return idle_end(view, peer, base);
    case PEER_BODY: return base + shrink(view, view->http->settings.grace_ms);
    case PEER_REPLY: return reply_end(view, peer, base);
    case PEER_WORK: break;
    }
    return INT64_MAX;
}

/* In the stop whoever asks nothing is let go, but not in the instant in which its next request may be on its way. */
static int64_t last_call(const struct view *view, const struct peer *peer, int64_t limit)
{
    const int64_t base = atomic_load_explicit(&peer->base_ns, memory_order_relaxed);
    const int64_t call = (base > view->closing_ns ? base : view->closing_ns) + HTTP_LAST_CALL_MS * MS;
    return view->closing && call < limit ? call : limit;
}

static bool has_bytes(const struct peer *peer)
{
    char byte;
    return recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void look_at(const struct view *view, struct peer *peer)
{
    const enum peer_phase phase = (enum peer_phase)atomic_load_explicit(&peer->phase, memory_order_acquire);
    int64_t limit = limit_of(view, peer, phase);
    const bool waits = phase == PEER_NEW || phase == PEER_IDLE;
    bool gentle = phase == PEER_IDLE;
    if (waits) {
        const int64_t call = last_call(view, peer, limit);
        gentle = gentle || call < limit;
        limit = call;
    }
    if (view->now_ns > limit && gentle) {
        if (!has_bytes(peer)) { /* else a request is there, and is answered */
            atomic_store(&peer->shut, true);
            (void)shutdown(peer->fd, SHUT_RD);
        }
    } else if (view->now_ns > limit || (phase == PEER_BODY && peer_has_left(peer))) {
        /* An edge-triggered loop can miss the end of a connection that slept: so it is looked for. libmicrohttpd
         * sees the end and closes. It can miss that too, so this goes on every turn until it has. */
        (void)shutdown(peer->fd, SHUT_RDWR);
    }
}

static bool is_tight(const struct http *http)
{
    return atomic_load(&http->closing) || http_used(http) * 100 > http->settings.connections * HTTP_TIGHT_PERCENT;
}

static void reap(const struct http *http, bool counts)
{
    const struct view view = {
        .http = http,
        .now_ns = mono_now().ns,
        .used = http_used(http),
        .ceiling = http->settings.connections,
        .closing = atomic_load(&http->closing),
        .closing_ns = atomic_load(&http->closing_ns),
        .counts = counts,
    };
    for (struct peer *peer = http->peers; peer != NULL; peer = peer->next) {
        look_at(&view, peer);
    }
}

/* The C library keeps what closed connections have freed, 32 kB each; after a crowd has gone it is given back to the system. */
static void give_back(struct http *http)
{
    const int64_t used = http_used(http);
    if (atomic_load(&http->most) - used >= TRIM_CONNECTIONS) {
        atomic_store(&http->most, used);
        (void)malloc_trim(0); /* that there was nothing to give is no failure */
    }
}

static struct timespec turn_end(const struct http *http)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail on Linux */
    until.tv_nsec += (is_tight(http) ? HTTP_TIGHT_TICK_MS : HTTP_TICK_MS) * MS;
    until.tv_sec += until.tv_nsec / (1000 * MS);
    until.tv_nsec %= 1000 * MS;
    return until;
}

void *reaper_run(void *arg)
{
    struct http *http = arg;
    struct mono beat = mono_now();
    (void)pthread_setname_np(pthread_self(), "licit-timer"); /* only for the eyes of an operator */
    (void)pthread_mutex_lock(&http->lock);
    while (!http->stop_ticker) { /* the lock is held at the top of each turn */
        const struct timespec until = turn_end(http);
        (void)pthread_cond_timedwait(&http->turn, &http->lock, &until); /* woken or not: look */
        const bool beats = mono_since(beat) >= BEAT_MS * MS;
        reap(http, beats);
        (void)pthread_mutex_unlock(&http->lock);
        if (beats || atomic_load(&http->closing)) {
            exchange_wake_all(http);
        }
        if (beats) {
            give_back(http);
            beat = mono_now();
        }
        (void)pthread_mutex_lock(&http->lock);
    }
    (void)pthread_mutex_unlock(&http->lock);
    return NULL;
}
