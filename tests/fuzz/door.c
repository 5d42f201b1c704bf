/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/door.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/handlers.h"
#include "core/work/pool.h"
#include "server/http.h"
#include "server/listener.h"
#include "tests/fuzz/http_reader.h"

#define ROUTES_MAX 100
#define LIMIT_MS   500

static struct {
    struct api_route routes[ROUTES_MAX];
    struct api *api;
    struct pool *pool;
    struct listener listener;
    struct http *http;
    struct sockaddr_un address;
    pthread_mutex_t lock;
    struct door_effect effects[DOOR_EFFECTS_MAX]; /* guarded by lock, as the next */
    size_t effect_count;
    struct door_effect taken[DOOR_EFFECTS_MAX]; /* the caller's */
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
    MUST(door.effect_count < DOOR_EFFECTS_MAX);
    struct door_effect *effect = &door.effects[door.effect_count++];
    *effect = (struct door_effect){
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
    const char *folder = getenv("TMPDIR"); /* run.py removes it, also when an input ended the process */
    (void)snprintf(door.address.sun_path, sizeof(door.address.sun_path), "%s/licit-fuzz-gate.%d",
                   folder == NULL ? "/tmp" : folder, (int)getpid());
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

int door_dial(void)
{
    if (door.http == NULL) {
        open_door();
        (void)atexit(close_door); /* only a leak report would miss it */
    }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&door.address, sizeof(door.address)) == 0);
    return fd;
}

const struct door_effect *door_take_effects(size_t *ret_count)
{
    (void)pthread_mutex_lock(&door.lock);
    *ret_count = door.effect_count;
    memcpy(door.taken, door.effects, door.effect_count * sizeof(door.effects[0]));
    door.effect_count = 0;
    (void)pthread_mutex_unlock(&door.lock);
    return door.taken;
}
