/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/url.h"
#include "core/work/pool.h"
#include "server/http.h"
#include "server/listener.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/http_reader.h"

/*
 * Raw bytes on a socket of the real door, with the real routes behind it whose
 * handlers only note that they ran. The first byte cuts, the rest is sent.
 *
 * What must hold: only what http_reader.h takes has an effect, in its order, each
 * with its own method, path and body, and with a token whose scope allows it; so no
 * bytes make a second request out of one. Every request of that reader gets its
 * one reply, unless a reply before it closed the connection; nothing hangs.
 */

#define ROUTES_MAX  100
#define EFFECTS_MAX 64
#define REPLY_MAX   (4u << 20)
#define LIMIT_MS    500
#define PATIENCE_MS 8000

struct effect {
    char method[16];
    char path[URL_BYTES_MAX + 1];
    bool open, reads;
    uint64_t bytes;
    uint32_t sum;
};

static struct {
    struct api_route routes[ROUTES_MAX];
    struct api *api;
    struct pool *pool;
    struct listener listener;
    struct http *http;
    struct sockaddr_un address;
    pthread_mutex_t lock;
    struct effect effects[EFFECTS_MAX]; /* guarded by lock, as the next */
    size_t effect_count;
} door = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Streamed bodies are summed as they come. */
static enum rc take_chunk(struct api_request *request, const char *bytes, size_t n, struct why *why)
{
    if (request->state == NULL) {
        request->state = mem_alloc(sizeof(uint32_t));
        request->drop = mem_free;
    }
    uint32_t *sum = request->state;
    MUST(sum != NULL);
    *sum = http_sum(*sum, bytes, n);
    return RC_OK;
}

static enum rc handle(struct api_request *request, struct why *why)
{
    const uint32_t *streamed = request->state;
    (void)pthread_mutex_lock(&door.lock); /* fails only on a broken mutex, as below */
    MUST(door.effect_count < EFFECTS_MAX);
    struct effect *effect = &door.effects[door.effect_count++];
    *effect = (struct effect){
        .open = request->route->open,
        .reads = request->route->verb != NULL && strcmp(request->route->verb, "read") == 0,
        .bytes = request->body_received,
        .sum = streamed != NULL ? *streamed : http_sum(0, request->body.data, request->body.len),
    };
    (void)snprintf(effect->method, sizeof(effect->method), "%s", request->method); /* a cut one is no method of ours */
    (void)snprintf(effect->path, sizeof(effect->path), "%s", request->path);
    (void)pthread_mutex_unlock(&door.lock);
    return api_reply(request, 200, "text/plain", "done", 4);
}

/* Two tokens: "all", and "read" for the scopes of that verb. */
static enum rc authenticate(void *arg, const struct caller_ask *ask, struct region *region, struct api_caller *ret, struct why *why)
{
    const bool known = ask->token != NULL && (strcmp(ask->token, "all") == 0 || strcmp(ask->token, "read") == 0);
    ret->grant = known && ask->token[0] == 'a' ? ret : NULL;
    return known ? RC_OK : why_fail(why, RC_UNAUTHENTICATED, NULL, "the token is not known");
}

static bool allows(void *arg, const struct api_caller *caller, const char *kind, const char *name, const char *verb)
{
    return caller->grant != NULL || strcmp(verb, "read") == 0;
}

static void open_door(void)
{
    size_t n = 0;
    for (; api_routes[n].method != NULL; n++) {
        MUST(n + 1 < ROUTES_MAX);
        door.routes[n] = api_routes[n];
        door.routes[n].handle = handle;
        door.routes[n].place = NULL;
        door.routes[n].chunk = api_routes[n].chunk == NULL ? NULL : take_chunk;
    }
    const struct api_settings settings = {
        .routes = door.routes,
        .auth = { .authenticate = authenticate, .allows = allows },
        .limits = { .json_bytes = 1000, .predict_bytes = 2000, .upload_bytes = 3000, .deadline_ms = 30000, .streams = 4 },
        .version = "0",
    };
    char where[sizeof(door.address.sun_path) + 5];
    struct why why = { 0 };
    MUST(api_create(&settings, &door.api) == RC_OK);
    MUST(pool_create(&(struct pool_spec){ .name = "w", .threads = 1, .queue_max = 64 }, &door.pool) == RC_OK);
    door.address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    (void)snprintf(door.address.sun_path, sizeof(door.address.sun_path), "/tmp/licit-fuzz-gate.%d", (int)getpid());
    (void)snprintf(where, sizeof(where), "unix:%s", door.address.sun_path);
    MUST(listener_open(where, 0600, &door.listener, &why) == RC_OK);
    const struct http_settings http = {
        .api = door.api,
        .compute = door.pool,
        .io = door.pool,
        .listeners = &door.listener,
        .listener_count = 1,
        .threads = 1,
        .connections = 100,
        .idle_ms = LIMIT_MS, /* the end of a connection can escape libmicrohttpd: then the time limits see to it */
        .header_ms = LIMIT_MS,
    };
    MUST(http_start(&http, &door.http, &why) == RC_OK);
}

static void close_door(void)
{
    http_quiesce(door.http);
    listener_close(&door.listener);
    http_stop(door.http);
    pool_destroy(door.pool);
    api_destroy(door.api);
}

/* One piece of what comes, or the end: false. */
static bool hear_piece(int fd, struct buf *out)
{
    char piece[8192];
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    MUST(poll(&waiting, 1, PATIENCE_MS) > 0);
    const ssize_t n = recv(fd, piece, sizeof(piece), 0);
    MUST(n <= 0 || buf_append(out, piece, (size_t)n) == RC_OK);
    return n > 0;
}

/* Reads until so many whole replies have come; false: it was closed before. */
static bool hear(int fd, size_t want, const struct http_stream *stream, struct buf *out, struct http_replies *replies)
{
    bool open = true;
    for (http_read_replies(out->data, out->len, stream, replies); open && replies->count < want;) {
        open = hear_piece(fd, out);
        http_read_replies(out->data, out->len, stream, replies);
    }
    return replies->count >= want;
}

/* Until the door has read all, or speaks: the end of a connection is an event of its own to it only when nothing is left before it. */
static void let_it_read(int fd)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    int left = 0;
    while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0 && poll(&waiting, 1, 1) == 0) {
    }
}

static void talk(const char *bytes, size_t n, uint32_t seed, const struct http_stream *stream)
{
    AUTO(buf) struct buf out;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct http_replies replies;
    buf_init(&out, REPLY_MAX);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&door.address, sizeof(door.address)) == 0);
    for (size_t at = 0; at < n;) {
        const ssize_t sent = send(fd, bytes + at, fuzz_cut(&seed, n - at), MSG_NOSIGNAL);
        if (sent <= 0) {
            break; /* it closed after a refusal */
        }
        at += (size_t)sent;
    }
    const bool stays = hear(fd, stream->count, stream, &out, &replies);
    MUST(stays || replies.closes);
    let_it_read(fd);
    (void)shutdown(fd, SHUT_WR); /* what is not whole by now never will be */
    (void)hear(fd, SIZE_MAX, stream, &out, &replies);
    MUST(!stays || replies.count <= stream->count + (stream->clean ? 0 : 2)); /* the library says some refusals twice */
}

static bool is_right(const struct effect *effect, const struct http_request *request, struct region *region)
{
    char *target = region_printf(region, "%.*s", (int)request->target.n, request->target.at);
    char *given = region_printf(region, "%.*s", (int)request->authorization.n, request->authorization.at);
    AUTO(url) struct url url = { NULL, NULL };
    MUST(target != NULL && given != NULL);
    const size_t scheme = strncasecmp(target, "http://", 7) == 0 ? 7 : strncasecmp(target, "https://", 8) == 0 ? 8
                                                                                                               : 0;
    const size_t origin = scheme == 0 ? 0 : scheme + strcspn(target + scheme, "/?#"); /* the absolute form */
    target = scheme > 0 && target[origin] != '/' ? region_printf(region, "/%s", target + origin) : target + origin;
    MUST(target != NULL);
    const bool bearer = strncasecmp(given, "Bearer ", 7) == 0;
    const char *token = given + (bearer ? 7 + strspn(given + 7, " ") : 0);
    const bool may = effect->open || (bearer && (strcmp(token, "all") == 0 || (effect->reads && strcmp(token, "read") == 0)));
    return may && url_parse(target, region, &url, NULL) == RC_OK && strcmp(url.path, effect->path) == 0 &&
           strlen(effect->method) == request->method.n && memcmp(effect->method, request->method.at, request->method.n) == 0 &&
           effect->bytes == request->body_bytes && effect->sum == request->body_sum;
}

/* Each effect belongs to a later request than the one before it. */
static void check_effects(const struct http_stream *stream)
{
    AUTO(region) struct region region;
    region_init(&region, 1u << 20);
    size_t at = 0;
    for (size_t i = 0; i < door.effect_count; i++) {
        while (at < stream->possible && !is_right(&door.effects[i], &stream->requests[at], &region)) {
            at++;
        }
        MUST(at < stream->possible);
        at++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint32_t seed = fuzz_byte(&input) & 7u;
    AUTO_FREE char *bytes = fuzz_bytes(&input);
    struct http_stream stream;
    if (door.http == NULL) {
        open_door();
        (void)atexit(close_door); /* only a leak report would miss it */
    }
    http_read(bytes, input.size, &stream);
    (void)pthread_mutex_lock(&door.lock);
    door.effect_count = 0;
    (void)pthread_mutex_unlock(&door.lock);
    talk(bytes, input.size, seed, &stream);
    (void)pthread_mutex_lock(&door.lock);
    check_effects(&stream);
    (void)pthread_mutex_unlock(&door.lock);
    return 0;
}
