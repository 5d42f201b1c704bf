/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>

#include "api/api.h"
#include "core/base/clock.h"
#include "core/base/str.h"

#define HEADERS_SEEN_MAX 128 /* api_begin() refuses before that */
#define MS               INT64_C(1000000)
#define STREAM_BLOCK     (16u << 10)
#define PIECE_MAX        (1u << 20)
#define TELL_MAX         (16u << 10) /* a refusal with its headers */

/* The peer must manage HTTP_BYTES_PER_SEC: so many bytes earn so much time. */
static int64_t earn(uint64_t bytes)
{
    return (int64_t)(bytes / HTTP_BYTES_PER_SEC) * 1000 * MS;
}

/*
 * libmicrohttpd would now cut the query into parameters, of which we use none. With more than its memory holds
 * (some 500) it forgets that it has answered, and the connection is never closed nor the request ever over. The
 * target is a string in its own buffer, which it writes to itself: without a query there is nothing to cut.
 */
static void hide_query(const char *target)
{
    char *mark = strchr(target, '?');
    if (mark != NULL && mark[1] != '\0') {
        mark[1] = '\0';
    }
}

void *exchange_open(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct http *http = arg;
    struct exchange *it = mem_alloc(sizeof(*it));
    if (it == NULL) {
        hide_query(target);
        return NULL;
    }
    it->http = http;
    it->connection = connection;
    it->target = mem_strdup(target);
    it->place = (struct head_target){ (uintptr_t)target, strlen(target) };
    hide_query(target);
    it->peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (atomic_load_explicit(&it->peer->phase, memory_order_relaxed) == PEER_NEW) {
        atomic_store_explicit(&it->peer->phase, PEER_HEAD, memory_order_release); /* the handshake counts with the headers */
    } else {
        peer_begin(it->peer, PEER_HEAD, mono_now().ns);
    }
    buf_init(&it->gathered, API_CHUNK_MAX);
    buf_init(&it->piece, PIECE_MAX);
    atomic_fetch_add(&http->in_flight, 1);
    return it;
}

struct header_list {
    struct api_header items[HEADERS_SEEN_MAX];
    size_t count;
    bool malformed;
};

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                   const char *value, size_t value_size)
{
    struct header_list *list = arg;
    if (value == NULL || strlen(name) != name_size || strlen(value) != value_size) {
        list->malformed = true; /* a NUL inside, no colon */
        return MHD_YES;
    }
    if (list->count < HEADERS_SEEN_MAX) {
        list->items[list->count++] = (struct api_header){ name, value };
    }
    return MHD_YES;
}

/* Content-Length as a number; 0 without one, or with one that the gate refuses. */
static int64_t read_length(struct MHD_Connection *connection)
{
    const char *coding = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t n = 0;
    if (coding != NULL) {
        return API_BODY_CHUNKED;
    }
    return length != NULL && str_to_int64(length, &n) && n > 0 ? n : 0;
}

/* To the library "chunked " is a coding that it does not know, and the body has no end; to others it is chunked. */
static bool is_loose_coding(struct MHD_Connection *connection)
{
    const char *coding = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    const size_t n = strlen("chunked");
    return coding != NULL && strncasecmp(coding, "chunked", n) == 0 && coding[n] != '\0' && coding[n + strspn(coding + n, " \t")] == '\0';
}

static void stream_wake(void *arg);

/* Who the connection itself stands for, by the certificate of its client. */
static void identify(struct exchange *it, struct api_peer *peer, struct why *why)
{
    if (peer->is_secure) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(it->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        if (tls_identify(&it->peer->tls, info->tls_session, peer->token, why) != RC_OK) {
            peer->refused = why;
        }
    }
}

static bool begin(struct exchange *it, const char *method, const char *version)
{
    struct header_list list = { .count = 0 };
    (void)MHD_get_connection_values_n(it->connection, MHD_HEADER_KIND, take_header, &list); /* the count is in the list */
    struct api_head head = {
        .method = method,
        .target = it->target,
        .version = version,
        .headers = list.items,
        .header_count = list.count,
        .body_bytes = read_length(it->connection),
        .malformed = list.malformed || is_loose_coding(it->connection) || !head_is_plain(it->connection, it->place, method, version),
    };
    struct api_peer peer = it->peer->api;
    struct why why = { 0 };
    identify(it, &peer, &why);
    head.peer = &peer;
    it->request = api_begin(it->http->settings.api, &head);
    if (it->request != NULL) {
        api_on_wake(it->request, stream_wake, it);
    }
    it->body_started_ns = mono_now().ns;
    peer_begin(it->peer, head.body_bytes != 0 ? PEER_BODY : PEER_WORK, it->body_started_ns);
    return it->request != NULL;
}

static void run_item(struct pool_item *item)
{
    struct exchange *it = (struct exchange *)(void *)((char *)item - offsetof(struct exchange, item));
    struct MHD_Connection *connection = it->connection;
    if (it->gathered.len > 0) {
        api_body(it->request, it->gathered.data, it->gathered.len);
        buf_clear(&it->gathered);
    }
    if (!it->at_end) { /* our own time is not the client's */
        it->body_started_ns += mono_since(it->request->handed);
        peer_begin(it->peer, PEER_BODY, it->body_started_ns + earn(it->request->body_received));
    } else if (peer_has_left(it->peer)) { /* nobody reads the answer */
        api_refuse(it->request, RC_CANCELLED, NULL);
    } else {
        api_end(it->request);
    }
    MHD_resume_connection(connection); /* from here on the event thread may free it */
}

/* Hands the request to a pool; the connection sleeps until the worker resumes it. */
static void hand_over(struct exchange *it, enum api_where where, bool at_end)
{
    struct MHD_Connection *connection = it->connection;
    struct api_request *request = it->request;
    struct pool *pool = where == API_IO ? it->http->settings.io : it->http->settings.compute;
    it->at_end = at_end;
    it->item.run = run_item;
    request->handed = mono_now();
    peer_begin(it->peer, PEER_WORK, 0);
    MHD_suspend_connection(connection);
    const enum rc rc = pool_submit(pool, &it->item);
    if (rc != RC_OK) {
        api_refuse(request, rc, NULL);
        MHD_resume_connection(connection);
    }
}

/* To the socket itself, through TLS where there is any. What does not fit into its buffer is not said. */
static void send_now(struct exchange *it, const char *bytes, size_t n)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(it->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && info->tls_session != NULL) {
        (void)gnutls_record_send((gnutls_session_t)info->tls_session, bytes, n);
    } else {
        (void)send(it->peer->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/*
 * The refusal in the middle of a body, which libmicrohttpd has no call for: it
 * would have to swallow the rest first, a gigabyte or one that never ends.
 */
static void tell_now(struct exchange *it)
{
    const struct api_response *from = &it->request->response;
    AUTO(buf) struct buf text;
    buf_init(&text, TELL_MAX);
    (void)buf_printf(&text, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", from->status,
                     MHD_get_reason_phrase_for((unsigned int)from->status), from->body.len); /* text.failed is looked at below */
    for (size_t i = 0; i < from->header_count; i++) {
        (void)buf_printf(&text, "%s: %s\r\n", from->headers[i].name, from->headers[i].value);
    }
    (void)buf_text(&text, "\r\n");
    if (strcmp(it->request->method, "HEAD") != 0) {
        (void)buf_append(&text, from->body.data, from->body.len);
    }
    if (text.failed == RC_OK) {
        send_now(it, text.data, text.len);
    }
    it->told = true;
}

/* What still comes of a body that is refused: little is read to its end, so that the connection can be kept. */
static enum MHD_Result drain(struct exchange *it, size_t n)
{
    it->request->body_received += n;
    it->refused_at = it->refused_at == 0 ? it->request->body_received : it->refused_at;
    const uint64_t thrown = it->request->body_received - it->refused_at;
    if (thrown > HTTP_DRAIN_BYTES && !it->told) {
        tell_now(it);
    }
    return thrown > 2 * HTTP_DRAIN_BYTES ? MHD_NO : MHD_YES; /* who reads has been told by then */
}

/* Bytes of the body, inside an event thread. MHD_NO cuts the connection. */
static enum MHD_Result take_body(struct exchange *it, const char *bytes, size_t *n)
{
    struct api_request *request = it->request;
    peer_begin(it->peer, PEER_BODY, it->body_started_ns + earn(request->body_received + it->gathered.len + *n));
    if (request->response.status != 0) {
        const size_t all = *n;
        *n = 0;
        return drain(it, all);
    }
    if (api_body_where(request) == API_INLINE) {
        api_body(request, bytes, *n);
        *n = 0;
        return MHD_YES;
    }
    /*
     * With a chunked body libmicrohttpd goes on to the next chunk in the same breath when all of this one was
     * taken, suspended or not. So whoever hands over leaves it at least one byte, which ends that.
     */
    const size_t room = API_CHUNK_MAX - it->gathered.len;
    const bool full = *n >= room;
    const size_t take = full ? room - 1 : *n;
    if (buf_append(&it->gathered, bytes, take) != RC_OK) {
        api_refuse(request, RC_NO_MEMORY, NULL);
        return MHD_YES;
    }
    *n -= take;
    if (full) {
        hand_over(it, API_IO, false);
    }
    return MHD_YES;
}

static void stream_wake(void *arg)
{
    struct exchange *it = arg;
    struct http *http = it->http;
    (void)pthread_mutex_lock(&http->lock); /* fails only on a broken mutex, here and below */
    const bool resume = it->asleep;
    it->woken = true;
    if (resume) {
        struct exchange **place = &http->sleeping;
        while (*place != it) {
            place = &(*place)->next;
        }
        *place = it->next;
        it->asleep = false;
    }
    (void)pthread_mutex_unlock(&http->lock);
    if (resume) {
        MHD_resume_connection(it->connection);
    }
}

void exchange_wake_all(struct http *http)
{
    (void)pthread_mutex_lock(&http->lock);
    struct exchange *list = http->sleeping;
    http->sleeping = NULL;
    for (struct exchange *it = list; it != NULL; it = it->next) {
        it->asleep = false; /* nobody else resumes it now, so it lives until we do */
    }
    (void)pthread_mutex_unlock(&http->lock);
    while (list != NULL) {
        struct exchange *it = list;
        list = it->next;
        MHD_resume_connection(it->connection);
    }
}

/* Nothing to say: suspended first, then made known to those who wake. */
static void stream_sleep(struct exchange *it)
{
    struct http *http = it->http;
    struct MHD_Connection *connection = it->connection;
    MHD_suspend_connection(connection);
    (void)pthread_mutex_lock(&http->lock);
    const bool again = it->woken || atomic_load(&http->closing);
    if (!again) {
        it->asleep = true;
        it->next = http->sleeping;
        http->sleeping = it;
    }
    (void)pthread_mutex_unlock(&http->lock);
    if (again) {
        MHD_resume_connection(connection);
    }
}

static ssize_t read_stream(void *arg, uint64_t position, char *out, size_t max)
{
    struct exchange *it = arg;
    if (it->piece_given == it->piece.len) {
        buf_clear(&it->piece);
        it->piece_given = 0;
        if (it->stream_ended || atomic_load(&it->http->closing)) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        (void)pthread_mutex_lock(&it->http->lock);
        it->woken = false;
        (void)pthread_mutex_unlock(&it->http->lock);
        if (api_next(it->request, &it->piece, &it->stream_ended) != RC_OK) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    const size_t left = it->piece.len - it->piece_given;
    if (left == 0) {
        if (it->stream_ended) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
        stream_sleep(it);
        return 0;
    }
    const size_t n = left < max ? left : max;
    memcpy(out, it->piece.data + it->piece_given, n);
    it->piece_given += n;
    return (ssize_t)n;
}

static struct MHD_Response *make_response(struct exchange *it)
{
    struct api_response *from = &it->request->response;
    struct MHD_Response *out =
        from->stream.next != NULL
            ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, it, NULL)
            : MHD_create_response_from_buffer(from->body.len, from->body.data, MHD_RESPMEM_PERSISTENT);
    for (size_t i = 0; out != NULL && i < from->header_count; i++) {
        if (MHD_add_response_header(out, from->headers[i].name, from->headers[i].value) != MHD_YES) {
            MHD_destroy_response(out);
            return NULL;
        }
    }
    if (out != NULL && from->stream.next != NULL && strcmp(it->request->method, "HEAD") == 0) {
        /* libmicrohttpd ends a chunked body also where none was begun: so without chunks, and the connection ends. */
        (void)MHD_set_response_options(out, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    return out;
}

static enum MHD_Result queue_reply(struct exchange *it, bool last)
{
    const struct api_response *from = &it->request->response;
    struct MHD_Response *response = make_response(it);
    if (response == NULL) {
        return MHD_NO;
    }
    /* The silence of a stream is bounded by the heartbeat and the idle time. */
    peer_begin(it->peer, from->stream.next != NULL ? PEER_WORK : PEER_REPLY, mono_now().ns + earn(from->body.len));
    /*
     * libmicrohttpd 0.9.75 ends the lines of chunked framing at a bare LF or a NUL, and trailers at a line without a name:
     * another reader may see the next request elsewhere, so behind such a body none is read.
     */
    const bool unsure = it->request->body_announced == API_BODY_CHUNKED;
    if (last || unsure || atomic_load(&it->http->closing)) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close"); /* without it libmicrohttpd decides */
    }
    const enum MHD_Result queued = MHD_queue_response(it->connection, (unsigned int)from->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* The body is complete. */
static enum MHD_Result finish(struct exchange *it)
{
    enum api_where where = api_end_where(it->request);
    if (it->told) {
        return MHD_NO;
    }
    if (it->request->body_announced == API_BODY_CHUNKED && !head_trailers_are_harmless(it->connection, it->place, it->request->method)) {
        struct why why = { 0 };
        const enum rc rc = why_fail(&why, RC_INVALID, NULL, "trailers must not hold what belongs into the head");
        api_refuse(it->request, rc, &why);
        return queue_reply(it, true);
    }
    if (it->request->response.status == 0 && it->gathered.len > 0) {
        where = API_IO; /* the last chunk goes with the end */
    }
    it->ended = true;
    if (where != API_INLINE) {
        hand_over(it, where, true);
        return MHD_YES;
    }
    it->request->handed = mono_now();
    api_end(it->request);
    return queue_reply(it, false);
}

/*
 * What follows an unread body is not a request; nor is, to be sure, what follows a head that was refused for its
 * form before anybody asked what it wants: it may hold more than the one fault that was named.
 */
static bool ends_connection(const struct api_request *request)
{
    const int status = request->response.status;
    return status != 0 && (request->body_announced != 0 || status == 400 || status == 414 || status == 415 || status == 417 ||
                           status == 431 || status == 501);
}

enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *bytes, size_t *n, void **place)
{
    struct exchange *it = *place;
    if (it == NULL || it->target == NULL) {
        return MHD_NO;
    }
    if (it->request == NULL) {
        if (!begin(it, method, version)) {
            return MHD_NO;
        }
        return ends_connection(it->request) ? queue_reply(it, true) : MHD_YES; /* else the reply can wait for the next call */
    }
    if (*n > 0) {
        return take_body(it, bytes, n);
    }
    return it->ended ? queue_reply(it, false) : finish(it);
}

static void free_exchange(struct exchange *it, bool complete)
{
    struct http *http = it->http;
    if (it->request != NULL) {
        api_done(it->request, complete);
    }
    buf_finish(&it->gathered);
    buf_finish(&it->piece);
    mem_free(it->target);
    mem_free(it);
    atomic_fetch_sub(&http->in_flight, 1);
}

/* What a client left behind may have to be removed from the disk. */
static void run_drop(struct pool_item *item)
{
    struct exchange *it = (struct exchange *)(void *)((char *)item - offsetof(struct exchange, item));
    free_exchange(it, it->told);
}

void exchange_close(void *arg, struct MHD_Connection *connection, void **place, enum MHD_RequestTerminationCode code)
{
    struct http *http = arg;
    struct exchange *it = *place;
    const bool complete = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    *place = NULL;
    if (it == NULL) {
        return;
    }
    peer_begin(it->peer, PEER_IDLE, mono_now().ns);
    if (it->request != NULL && api_done_where(it->request) == API_IO && !complete) {
        it->item.run = run_drop;
        if (pool_submit(http->settings.io, &it->item) == RC_OK) {
            return;
        }
    }
    free_exchange(it, complete || it->told);
}
