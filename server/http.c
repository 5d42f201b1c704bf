/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define MS             INT64_C(1000000)
#define TICKS_A_BEAT   4 /* sleeping streams are woken once a second */
#define WAIT_STEP_MS   5 /* how often http_wait() looks */
#define LOG_LINE_BYTES 300

static void log_library(void *arg, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void log_library(void *arg, const char *format, va_list args)
{
    char text[LOG_LINE_BYTES];
    (void)vsnprintf(text, sizeof(text), format, args); /* cut is enough for a debug line */
    text[strcspn(text, "\r\n")] = '\0';
    log_debug("http_library", "text=%s", log_quote(text).text);
}

static void panic(void *arg, const char *file, unsigned int line, const char *reason)
{
    log_error("http_library_panic", "line=%u reason=%s", line, log_quote(reason).text);
    abort();
}

/* Before the handshake, so that it is done with what the listener shows. */
static bool open_tls(struct tls *tls, struct MHD_Connection *connection, struct peer *peer)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info != NULL && info->tls_session != NULL && tls_open(tls, info->tls_session, &peer->tls) == RC_OK;
}

static void open_peer(struct http *http, struct MHD_Connection *connection, void **place)
{
    struct peer *peer = mem_alloc(sizeof(*peer));
    const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *place = peer;
    if (peer == NULL) {
        (void)shutdown(fd, SHUT_RDWR); /* without a place in the list it has no deadline */
        return;
    }
    peer->fd = fd;
    if (http->settings.tls != NULL && !open_tls(http->settings.tls, connection, peer)) {
        (void)shutdown(fd, SHUT_RDWR); /* there is no handshake without it */
    }
    atomic_store(&peer->deadline_ns, mono_now().ns + http->settings.header_ms * MS);
    (void)pthread_mutex_lock(&http->lock);
    peer->next = http->peers;
    if (peer->next != NULL) {
        peer->next->before = peer;
    }
    http->peers = peer;
    (void)pthread_mutex_unlock(&http->lock);
}

/* The entry leaves before the descriptor is closed, so that the reaper never hits a stranger. */
static void close_peer(struct http *http, struct peer *peer)
{
    (void)pthread_mutex_lock(&http->lock);
    if (peer->before != NULL) {
        peer->before->next = peer->next;
    } else {
        http->peers = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->before = peer->before;
    }
    (void)pthread_mutex_unlock(&http->lock);
    tls_close(&peer->tls); /* its session is gone already */
    mem_free(peer);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **place, enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        open_peer(arg, connection, place);
    } else if (*place != NULL) {
        close_peer(arg, *place);
        *place = NULL;
    }
}

static void reap(struct http *http)
{
    const int64_t now = mono_now().ns;
    for (struct peer *peer = http->peers; peer != NULL; peer = peer->next) {
        /* An edge-triggered loop can miss the end of a connection that slept: so it is looked for. */
        if (now > atomic_load(&peer->deadline_ns) || (atomic_load(&peer->reading) && peer_has_left(peer))) {
            /* libmicrohttpd sees the end and closes. It can miss that too, so this goes on every turn until it has. */
            (void)shutdown(peer->fd, SHUT_RDWR);
        }
    }
}

static void *tick(void *arg)
{
    struct http *http = arg;
    (void)pthread_setname_np(pthread_self(), "licit-timer"); /* only for the eyes of an operator */
    (void)pthread_mutex_lock(&http->lock);
    for (unsigned int turn = 0; !http->stop_ticker; turn++) { /* the lock is held at the top of each turn */
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail on Linux */
        until.tv_nsec += HTTP_TICK_MS * MS;
        until.tv_sec += until.tv_nsec / (1000 * MS);
        until.tv_nsec %= 1000 * MS;
        (void)pthread_cond_timedwait(&http->turn, &http->lock, &until); /* woken or not: look */
        reap(http);
        (void)pthread_mutex_unlock(&http->lock);
        if (turn % TICKS_A_BEAT == 0 || atomic_load(&http->closing)) {
            exchange_wake_all(http);
        }
        (void)pthread_mutex_lock(&http->lock);
    }
    (void)pthread_mutex_unlock(&http->lock);
    return NULL;
}

static void init_lock(struct http *http)
{
    pthread_condattr_t attributes;
    MUST(pthread_mutex_init(&http->lock, NULL) == 0);
    MUST(pthread_condattr_init(&attributes) == 0);
    MUST(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    MUST(pthread_cond_init(&http->turn, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes); /* does nothing on Linux */
}

static struct MHD_Daemon *start_daemon(struct http *http)
{
    const struct http_settings *settings = &http->settings;
    const unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                               (settings->tls != NULL ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)tls_retrieve },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    return MHD_start_daemon(flags, 0, NULL, NULL, exchange_handle, http,
                            MHD_OPTION_EXTERNAL_LOGGER, log_library, http,
                            MHD_OPTION_LISTEN_SOCKET, settings->listen_fd,
                            MHD_OPTION_THREAD_POOL_SIZE, (unsigned int)settings->threads,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned int)settings->connections,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_LIMIT,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)((settings->idle_ms + 999) / 1000),
                            MHD_OPTION_URI_LOG_CALLBACK, exchange_open, http,
                            MHD_OPTION_NOTIFY_COMPLETED, exchange_close, http,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
                            MHD_OPTION_ARRAY, settings->tls != NULL ? tls : plain,
                            MHD_OPTION_END);
}

enum rc http_start(const struct http_settings *settings, struct http **ret, struct why *why)
{
    struct http *http = mem_alloc(sizeof(*http));
    if (http == NULL) {
        return RC_NO_MEMORY;
    }
    http->settings = *settings;
    http->settings.header_ms = settings->header_ms > 0 ? settings->header_ms : HTTP_HEADER_MS;
    http->settings.grace_ms = settings->grace_ms > 0 ? settings->grace_ms : HTTP_GRACE_MS;
    init_lock(http);
    MHD_set_panic_func(panic, NULL);
    if (pthread_create(&http->ticker, NULL, tick, http) != 0) {
        mem_free(http);
        return why_fail(why, RC_UNAVAILABLE, NULL, "the system gives no thread");
    }
    http->daemon = start_daemon(http);
    if (http->daemon == NULL) {
        http_stop(http);
        return why_fail(why, RC_IO, NULL, "the HTTP library does not start: %s", strerror(errno));
    }
    *ret = http;
    return RC_OK;
}

void http_quiesce(struct http *http)
{
    (void)MHD_quiesce_daemon(http->daemon); /* gives back the listening socket, which is its owner's */
    atomic_store(&http->closing, true);
    exchange_wake_all(http);
}

bool http_wait(struct http *http, int64_t ms)
{
    const struct mono start = mono_now();
    while (atomic_load(&http->in_flight) > 0) {
        if (mono_since(start) > ms * MS) {
            return false;
        }
        (void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * MS }, NULL); /* a shorter sleep only looks sooner */
    }
    return true;
}

void http_stop(struct http *http)
{
    atomic_store(&http->closing, true);
    (void)pthread_mutex_lock(&http->lock);
    http->stop_ticker = true;
    (void)pthread_cond_signal(&http->turn); /* cannot fail */
    (void)pthread_mutex_unlock(&http->lock);
    (void)pthread_join(http->ticker, NULL); /* it ends by itself */
    if (http->daemon != NULL) {
        exchange_wake_all(http);
        pool_drain(http->settings.compute); /* each suspended request is resumed by its worker */
        pool_drain(http->settings.io);
        MHD_stop_daemon(http->daemon);
    }
    MUST(atomic_load(&http->in_flight) == 0);
    (void)pthread_cond_destroy(&http->turn); /* nobody waits any more */
    (void)pthread_mutex_destroy(&http->lock);
    mem_free(http);
}
