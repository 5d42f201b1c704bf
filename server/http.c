/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/acceptor.h"
#include "server/exchange.h"
#include "server/reaper.h"

#define MS             INT64_C(1000000)
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

/* The acceptor has entered it; from here on the reaper looks after it. */
static void open_peer(struct http *http, struct MHD_Connection *connection, void **place)
{
    const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct peer *peer = peer_find(fd);
    *place = peer;
    if (peer->listener->is_secure && !open_tls(peer->listener->tls, connection, peer)) {
        (void)shutdown(fd, SHUT_RDWR); /* there is no handshake without it */
    }
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
    peer_leave(peer);
    acceptor_wake(http->acceptor);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **place, enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        open_peer(arg, connection, place);
    } else {
        close_peer(arg, *place);
        *place = NULL;
    }
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

/*
 * One event thread. It has no listening socket: the acceptor brings its
 * connections and counts them, so the library's own ceiling is out of reach.
 */
static struct MHD_Daemon *start_daemon(struct http *http, bool secure)
{
    const struct http_settings *settings = &http->settings;
    const unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                               MHD_USE_NO_LISTEN_SOCKET | (secure ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
        { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)tls_retrieve },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    return MHD_start_daemon(flags, 0, NULL, NULL, exchange_handle, http,
                            MHD_OPTION_EXTERNAL_LOGGER, log_library, http,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned int)INT_MAX,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_LIMIT,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)((settings->idle_ms + 999) / 1000),
                            MHD_OPTION_URI_LOG_CALLBACK, exchange_open, http,
                            MHD_OPTION_NOTIFY_COMPLETED, exchange_close, http,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
                            MHD_OPTION_ARRAY, secure ? tls : plain,
                            MHD_OPTION_END);
}

static bool is_secure(const struct http_settings *settings)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (settings->listeners[i].is_secure) {
            return true;
        }
    }
    return false;
}

static bool start_lanes(struct http *http)
{
    const bool secure = is_secure(&http->settings);
    for (int i = 0; i < http->settings.threads; i++) {
        http->plain[i].daemon = start_daemon(http, false);
        http->secure[i].daemon = secure ? start_daemon(http, true) : NULL;
        if (http->plain[i].daemon == NULL || (secure && http->secure[i].daemon == NULL)) {
            return false;
        }
    }
    return true;
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
    if (pthread_create(&http->ticker, NULL, reaper_run, http) != 0) {
        mem_free(http);
        return why_fail(why, RC_UNAVAILABLE, NULL, "the system gives no thread");
    }
    enum rc rc = start_lanes(http) ? RC_OK : why_fail(why, RC_IO, NULL, "the HTTP library does not start: %s", strerror(errno));
    rc = rc != RC_OK ? rc : acceptor_create(http, &http->acceptor, why);
    if (rc != RC_OK) {
        http_stop(http);
        return rc;
    }
    *ret = http;
    return RC_OK;
}

static int64_t count_lanes(const struct lane *lanes, int count)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += atomic_load_explicit(&lanes[i].count, memory_order_relaxed);
    }
    return sum;
}

int64_t http_used(const struct http *http)
{
    return count_lanes(http->plain, http->settings.threads) + count_lanes(http->secure, http->settings.threads);
}

static void begin_to_close(struct http *http)
{
    if (!atomic_load(&http->closing)) {
        atomic_store(&http->closing_ns, mono_now().ns);
        atomic_store(&http->closing, true);
    }
}

void http_quiesce(struct http *http)
{
    acceptor_stop(http->acceptor);
    begin_to_close(http);
    exchange_wake_all(http);
}

bool http_wait(struct http *http, int64_t ms)
{
    const struct mono start = mono_now();
    while (atomic_load(&http->in_flight) > 0 || http_used(http) > 0) {
        if (mono_since(start) > ms * MS) {
            return atomic_load(&http->in_flight) == 0;
        }
        (void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * MS }, NULL); /* a shorter sleep only looks sooner */
    }
    return true;
}

static void stop_lanes(struct lane *lanes, int count)
{
    for (int i = 0; i < count; i++) {
        if (lanes[i].daemon != NULL) {
            MHD_stop_daemon(lanes[i].daemon);
        }
    }
    if (count_lanes(lanes, count) > 0) {
        peer_forget(lanes, count);
    }
}

void http_stop(struct http *http)
{
    acceptor_stop(http->acceptor);
    begin_to_close(http);
    (void)pthread_mutex_lock(&http->lock);
    http->stop_ticker = true;
    (void)pthread_cond_signal(&http->turn); /* cannot fail */
    (void)pthread_mutex_unlock(&http->lock);
    (void)pthread_join(http->ticker, NULL); /* it ends by itself */
    exchange_wake_all(http);
    pool_drain(http->settings.compute); /* each suspended request is resumed by its worker */
    pool_drain(http->settings.io);
    stop_lanes(http->plain, http->settings.threads);
    stop_lanes(http->secure, http->settings.threads);
    acceptor_destroy(http->acceptor);
    MUST(atomic_load(&http->in_flight) == 0);
    (void)pthread_cond_destroy(&http->turn); /* nobody waits any more */
    (void)pthread_mutex_destroy(&http->lock);
    mem_free(http);
}
