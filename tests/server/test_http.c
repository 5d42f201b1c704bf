/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "core/work/pool.h"
#include "server/listener.h"
#include "tests/check.h"

/* The door with a table of the test's own, spoken to over raw sockets. */

#define PATIENCE_MS 20000 /* a test that waits longer has found something */

static sem_t entered, leave, dropped, stream_open;
static _Atomic(struct api_request *) streaming;
static atomic_int said;  /* lines that the stream may say */
static atomic_int given; /* lines that it said */

static enum rc reply_count(struct api_request *request, uint64_t n)
{
    struct doc *out = doc_new_object();
    (void)doc_put_integer(out, "bytes", (int64_t)n);
    return api_reply_doc(request, 200, out);
}

static enum rc handle_count(struct api_request *request, struct why *why)
{
    return reply_count(request, request->body_received);
}

static enum rc handle_slow(struct api_request *request, struct why *why)
{
    (void)sem_post(&entered);
    (void)sem_wait(&leave);
    return reply_count(request, 7);
}

static void drop_state(void *state)
{
    (void)sem_post(&dropped);
}

static enum rc take_chunk(struct api_request *request, const char *bytes, size_t n, struct why *why)
{
    if (request->state == NULL) {
        (void)sem_post(&entered);
    }
    request->state = &dropped;
    request->drop = drop_state;
    return memchr(bytes, '!', n) != NULL ? why_fail(why, RC_UNPROCESSABLE, NULL, "must not shout") : RC_OK;
}

static enum rc next_line(void *arg, struct buf *out, bool *ret_end)
{
    while (given < atomic_load(&said)) {
        given++;
        (void)buf_printf(out, "line %d\n", given);
    }
    *ret_end = given == 3;
    return RC_OK;
}

static void close_stream(void *arg)
{
    atomic_store(&streaming, NULL);
    (void)sem_post(&dropped);
}

static enum rc handle_stream(struct api_request *request, struct why *why)
{
    given = 0;
    atomic_store(&streaming, request);
    const enum rc rc = api_reply_stream(request, "text/event-stream", (struct api_stream){ NULL, next_line, close_stream });
    (void)sem_post(&stream_open);
    return rc;
}

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/inline", .open = true, .handle = handle_count, .id = "a" },
    { .method = "GET", .pattern = "/compute", .open = true, .where = API_COMPUTE, .handle = handle_count, .id = "b" },
    { .method = "POST", .pattern = "/whole", .open = true, .body = API_BODY_WHOLE, .where = API_IO, .handle = handle_count, .id = "c" },
    { .method = "POST", .pattern = "/upload", .open = true, .body = API_BODY_STREAM, .ceiling = API_CEILING_UPLOAD, .where = API_IO, .handle = handle_count, .chunk = take_chunk, .id = "d" },
    { .method = "GET", .pattern = "/slow", .open = true, .where = API_COMPUTE, .handle = handle_slow, .id = "e" },
    { .method = "GET", .pattern = "/stream", .open = true, .where = API_IO, .handle = handle_stream, .id = "f" },
    { .method = "GET", .pattern = "/secret", .kind = "model", .verb = "read", .handle = handle_count, .id = "g" },
    { .method = NULL },
};

struct house {
    struct api *api;
    struct pool *compute, *io;
    struct listener listener;
    struct http *http;
};

static void build(struct house *house, int64_t grace_ms)
{
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .limits = { .json_bytes = 1000, .predict_bytes = 1000, .upload_bytes = 4u << 20, .deadline_ms = 30000, .streams = 4 },
    };
    struct why why = { 0 };
    check_rc(api_create(&settings, &house->api), RC_OK);
    check_rc(pool_create(&(struct pool_spec){ .name = "w", .threads = 1, .queue_max = 1 }, &house->compute), RC_OK);
    check_rc(pool_create(&(struct pool_spec){ .name = "io", .threads = 2, .queue_max = 64 }, &house->io), RC_OK);
    check_ok(listener_open("127.0.0.1:0", 0, &house->listener, &why), &why);
    const struct http_settings http = {
        .api = house->api,
        .compute = house->compute,
        .io = house->io,
        .listeners = &house->listener,
        .listener_count = 1,
        .threads = 2,
        .connections = 100,
        .idle_ms = 30000,
        .header_ms = grace_ms,
        .grace_ms = grace_ms,
    };
    check_ok(http_start(&http, &house->http, &why), &why);
}

static void tear_down(struct house *house)
{
    if (house->listener.fd >= 0) {
        http_quiesce(house->http);
        listener_close(&house->listener);
    }
    http_stop(house->http);
    pool_destroy(house->compute);
    pool_destroy(house->io);
    api_destroy(house->api);
}

static int setup(void **state)
{
    static struct house house;
    house = (struct house){ 0 };
    (void)sem_init(&entered, 0, 0);
    (void)sem_init(&leave, 0, 0);
    (void)sem_init(&dropped, 0, 0);
    (void)sem_init(&stream_open, 0, 0);
    atomic_store(&said, 0);
    build(&house, 0);
    *state = &house;
    return 0;
}

static int teardown(void **state)
{
    tear_down(*state);
    return 0;
}

static int dial(const struct house *house)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const char *colon = strrchr(house->listener.name, ':');
    address.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* False when the peer has closed. */
static bool say(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

static void say_text(int fd, const char *text)
{
    check(say(fd, text, strlen(text)));
}

/* Reads until `part` has come or the peer has closed; what came is in out. */
static bool hear(int fd, const char *part, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    while (n + 1 < size) {
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        if (poll(&waiting, 1, PATIENCE_MS) <= 0) {
            fail_msg("nothing came; so far: %s", out);
        }
        const ssize_t got = recv(fd, out + n, size - 1 - n, 0);
        if (got <= 0) {
            return part != NULL && strstr(out, part) != NULL;
        }
        n += (size_t)got;
        out[n] = '\0';
        if (part != NULL && strstr(out, part) != NULL) {
            return true;
        }
    }
    return false;
}

static void expect(int fd, const char *first, const char *part)
{
    char text[20000];
    if (!hear(fd, part, text, sizeof(text)) || strncmp(text, first, strlen(first)) != 0) {
        fail_msg("expected %s ... %s, got: %s", first, part, text);
    }
}

#define await(it) await_at(it, __LINE__)

static void await_at(sem_t *it, int line)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    if (sem_timedwait(it, &until) != 0) {
        fail_msg("line %d: it did not happen", line);
    }
}

static void test_http_answers_wherever_the_work_is(void **state)
{
    const int fd = dial(*state);
    for (int i = 0; i < 3; i++) { /* one connection, kept */
        say_text(fd, "GET /inline HTTP/1.1\r\nHost: a\r\n\r\n");
        expect(fd, "HTTP/1.1 200", "{\"bytes\":0}");
        say_text(fd, "GET /compute HTTP/1.1\r\nHost: a\r\n\r\n");
        expect(fd, "HTTP/1.1 200", "{\"bytes\":0}");
        say_text(fd, "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
        say_text(fd, "cde");
        expect(fd, "HTTP/1.1 200", "{\"bytes\":5}");
        say_text(fd, "GET /secret HTTP/1.1\r\nHost: a\r\n\r\n");
        expect(fd, "HTTP/1.1 401", "unauthenticated");
    }
    (void)close(fd);
}

static size_t count_replies(const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(text, "HTTP/1.1 "); at != NULL; at = strstr(at + 1, "HTTP/1.1 ")) {
        count++;
    }
    return count;
}

/* Another reader may see the end of a chunked body elsewhere: what stands behind it has no effect. */
static void test_http_reads_nothing_behind_a_chunked_body(void **state)
{
    static const char *const ends[] = { "\r\n3\r\nabc\r\n0\r\n\r\n", "\r\n3\nabc\n0\n\n", "\r\n3\r\nabc\r\n0\r\nX: b\r\n: b\r\n" };
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        const int fd = dial(*state);
        char text[4000];
        (void)snprintf(text, sizeof(text), "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n%sGET /inline HTTP/1.1\r\nHost: a\r\n\r\n", ends[i]);
        say_text(fd, text);
        (void)hear(fd, NULL, text, sizeof(text)); /* to the close */
        check_contains(text, "{\"bytes\":3}");
        check_int(count_replies(text), 1);
        (void)close(fd);
    }
}

static void test_http_streams_a_body_to_the_end(void **state)
{
    const int fd = dial(*state);
    static char body[3000000];
    memset(body, 'x', sizeof(body));
    say_text(fd, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    check(say(fd, body, sizeof(body)));
    expect(fd, "HTTP/1.1 200", "{\"bytes\":3000000}");
    await(&dropped);

    /* Refused near the end: the rest is read and thrown away, then the refusal comes, and the connection is kept. */
    body[2500000] = '!';
    say_text(fd, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    check(say(fd, body, sizeof(body)));
    expect(fd, "HTTP/1.1 422", "must not shout");
    await(&dropped);

    /* Refused with much to come: it is told before the end, whether or not all could be sent. */
    body[0] = '!';
    say_text(fd, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    (void)say(fd, body, sizeof(body)); /* it may be cut */
    expect(fd, "HTTP/1.1 422", "must not shout");
    await(&dropped);
    (void)close(fd);
}

/* libmicrohttpd goes on with the next chunk of a suspended connection when all of the last one was taken. */
static void test_http_hands_over_one_chunk_at_a_time(void **state)
{
    static char body[32 * (65536 + 9)];
    size_t n = 0;
    for (int i = 0; i < 32; i++) {
        memcpy(body + n, "10000\r\n", 7);
        memset(body + n + 7, 'x', 65536);
        memcpy(body + n + 7 + 65536, "\r\n", 2);
        n += 65536 + 9;
    }
    for (int turn = 0; turn < 10; turn++) {
        const int fd = dial(*state);
        say_text(fd, "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        check(say(fd, body, sizeof(body)));
        say_text(fd, "0\r\n\r\n");
        expect(fd, "HTTP/1.1 200", "{\"bytes\":2097152}");
        await(&dropped);
        (void)close(fd);
    }
}

/* Each is followed by a whole request, which must not be taken for one: the connection ends after the refusal. */
static void test_http_refuses_before_the_body(void **state)
{
    static const char second[] = "GET /inline HTTP/1.1\r\nHost: a\r\n\r\n";

    static const struct {
        const char *request, *first;
    } rows[] = {
        { "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413" },
        { "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", "HTTP/1.1 413" },
        { "POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 405" },
        { "GET /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 401" },
        { "GET /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 400" },
        { "GET /inline HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400" },
        { "GET /inline HTTP/1.1\r\n\r\n", "HTTP/1.1 400" },
        { "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400" },
        { "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "HTTP/1.1 400" },
        { "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", "HTTP/1.1 400" },
        { "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 400" },
        { "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400" },
        { "GET /inline HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n", "HTTP/1.1 400" },
        { "GET /%2e%2e/inline HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400" },
        { "GET /inline%00 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400" },
        { "PATCH /in line HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501" },
        { "GET /in line HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "HTTP/1.1 417" },
        { "GET /inline HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 417" },
        { "G(T /inline HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const int fd = dial(*state);
        char text[4000];
        (void)snprintf(text, sizeof(text), "%s%s", rows[i].request, second);
        say_text(fd, text);
        (void)hear(fd, NULL, text, sizeof(text)); /* to the close */
        if (strncmp(text, rows[i].first, strlen(rows[i].first)) != 0 || count_replies(text) != 1) {
            fail_msg("row %zu gave %s", i, text);
        }
        check_contains(text, "request_id");
        (void)close(fd);
    }
}

static void test_http_cuts_a_body_that_never_ends(void **state)
{
    const int fd = dial(*state);
    static char chunk[65536 + 12];
    const int head = snprintf(chunk, 12, "10000\r\n");
    memset(chunk + head, 'x', 65536);
    memcpy(chunk + head + 65536, "\r\n", 2);
    say_text(fd, "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    int sent = 0;
    while (say(fd, chunk, (size_t)head + 65536 + 2)) {
        check(++sent < 2000);
    }
    expect(fd, "HTTP/1.1 413", "too_large"); /* told before it was cut */
    (void)close(fd);
    /* A little too much is read to its end and told. */
    const int again = dial(*state);
    say_text(again, "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    check(say(again, chunk, (size_t)head + 65536 + 2));
    say_text(again, "0\r\n\r\n");
    expect(again, "HTTP/1.1 413", "too_large");
    (void)close(again);
}

static void test_http_drops_what_a_client_leaves_behind(void **state)
{
    const int fd = dial(*state);
    static char body[600000];
    memset(body, 'x', sizeof(body));
    say_text(fd, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    check(say(fd, body, sizeof(body)));
    await(&entered);
    (void)close(fd);
    await(&dropped);
}

static void test_http_refuses_when_the_queue_is_full(void **state)
{
    int fds[2];
    for (int i = 0; i < 2; i++) { /* one runs, one waits */
        fds[i] = dial(*state);
        say_text(fds[i], "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        if (i == 0) {
            await(&entered);
        }
    }
    struct house *house = *state;
    while (pool_look(house->compute).queued < 1) {
        (void)sched_yield();
    }
    const int fd = dial(*state);
    say_text(fd, "GET /compute HTTP/1.1\r\nHost: a\r\n\r\n");
    char text[4000];
    check(hear(fd, "queue_full", text, sizeof(text)));
    check_contains(text, "HTTP/1.1 429");
    check_contains(text, "Retry-After: ");
    (void)sem_post(&leave);
    (void)sem_post(&leave);
    for (int i = 0; i < 2; i++) {
        expect(fds[i], "HTTP/1.1 200", "{\"bytes\":7}");
        (void)close(fds[i]);
    }
    (void)close(fd);
}

static void test_http_does_not_work_for_a_client_that_left(void **state)
{
    const int first = dial(*state), second = dial(*state);
    say_text(first, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await(&entered);
    say_text(second, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    struct house *house = *state;
    while (pool_look(house->compute).queued < 1) {
        (void)sched_yield();
    }
    (void)close(second);
    (void)sem_post(&leave); /* once: the second never enters */
    expect(first, "HTTP/1.1 200", "{\"bytes\":7}");
    while (pool_look(house->compute).queued > 0) { /* the queue holds one: else the next is refused */
        (void)sched_yield();
    }
    say_text(first, "GET /compute HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(first, "HTTP/1.1 200", "{\"bytes\":0}");
    (void)close(first);
}

static void wake(void)
{
    struct api_request *request = atomic_load(&streaming);
    check(request != NULL);
    request->wake(request->wake_arg);
}

static void test_http_streams_events_as_they_come(void **state)
{
    const int fd = dial(*state);
    say_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    await(&stream_open);
    expect(fd, "HTTP/1.1 200", "text/event-stream");
    for (int i = 1; i <= 3; i++) {
        char line[20];
        (void)snprintf(line, sizeof(line), "line %d\n", i);
        atomic_store(&said, i);
        wake();
        char text[2000];
        check(hear(fd, line, text, sizeof(text)));
    }
    await(&dropped);
    (void)close(fd);
}

static void test_http_ends_streams_at_a_stop(void **state)
{
    struct house *house = *state;
    const int fd = dial(house), gone = dial(house);
    say_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    await(&stream_open);
    expect(fd, "HTTP/1.1 200", "text/event-stream");
    say_text(gone, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    await(&stream_open);
    (void)close(gone);
    http_quiesce(house->http);
    listener_close(&house->listener);
    check(http_wait(house->http, PATIENCE_MS));
    char text[2000];
    check(hear(fd, "0\r\n\r\n", text, sizeof(text)));
    (void)close(fd);
}

static void *release(void *arg)
{
    (void)sem_post(&leave);
    return NULL;
}

static void test_http_stop_answers_what_is_in_flight(void **state)
{
    struct house *house = *state;
    const int fd = dial(house), half = dial(house);
    say_text(fd, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await(&entered);
    say_text(half, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\nhalf");
    http_quiesce(house->http);
    listener_close(&house->listener);
    check(!http_wait(house->http, 0));
    pthread_t thread;
    check(pthread_create(&thread, NULL, release, NULL) == 0);
    expect(fd, "HTTP/1.1 200", "{\"bytes\":7}");
    (void)pthread_join(thread, NULL);
    (void)close(fd);
    check(!http_wait(house->http, 0)); /* the half upload is cut by the stop, in teardown */
    (void)close(half);
}

static void test_http_cuts_slow_peers(void **state)
{
    struct house quick = { 0 };
    build(&quick, 300);
    static const char *const starts[] = {
        "",
        "GET /inline HTTP/1.1\r\nHost: a\r\n",
        "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
    };

    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        const int fd = dial(&quick);
        say_text(fd, starts[i]);
        char text[1000];
        check(!hear(fd, NULL, text, sizeof(text))); /* closed by the reaper */
        check_text(text, "");
        (void)close(fd);
    }
    tear_down(&quick);
}

#define CASE(function) CHECK_WITH(function, setup, teardown)

CHECK_MAIN("server/http",
           CASE(test_http_answers_wherever_the_work_is),
           CASE(test_http_reads_nothing_behind_a_chunked_body),
           CASE(test_http_streams_a_body_to_the_end),
           CASE(test_http_hands_over_one_chunk_at_a_time),
           CASE(test_http_refuses_before_the_body),
           CASE(test_http_cuts_a_body_that_never_ends),
           CASE(test_http_drops_what_a_client_leaves_behind),
           CASE(test_http_refuses_when_the_queue_is_full),
           CASE(test_http_does_not_work_for_a_client_that_left),
           CASE(test_http_streams_events_as_they_come),
           CASE(test_http_ends_streams_at_a_stop),
           CASE(test_http_stop_answers_what_is_in_flight),
           CASE(test_http_cuts_slow_peers))
