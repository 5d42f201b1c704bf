/* SPDX-License-Identifier: Apache-2.0 */
#include "server/head.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "core/work/pool.h"
#include "server/http.h"
#include "server/listener.h"
#include "tests/check.h"

/* Heads as bytes on a socket, through the real door: whole, byte by byte, and behind another request. */

#define PATIENCE_MS 20000

static enum rc handle_fine(struct api_request *request, struct why *why)
{
    return api_reply(request, 200, "text/plain", "fine", 4);
}

static enum rc next_piece(void *arg, struct buf *out, bool *ret_end)
{
    *ret_end = true;
    return buf_text(out, "fine");
}

static void close_stream(void *arg)
{
}

static enum rc handle_stream(struct api_request *request, struct why *why)
{
    return api_reply_stream(request, "text/event-stream", (struct api_stream){ NULL, next_piece, close_stream });
}

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/s", .open = true, .where = API_IO, .handle = handle_stream, .id = "s" },
    { .method = "GET", .pattern = "/a", .open = true, .handle = handle_fine, .id = "a" },
    { .method = "POST", .pattern = "/b", .open = true, .body = API_BODY_WHOLE, .where = API_IO, .handle = handle_fine, .id = "b" },
    { .method = NULL },
};

struct house {
    struct api *api;
    struct pool *compute, *io;
    struct listener listener;
    struct http *http;
};

static int setup(void **state)
{
    static struct house house;
    struct why why = { 0 };
    house = (struct house){ 0 };
    const struct api_settings settings = { .routes = routes, .version = "0", .limits = { .json_bytes = 1000, .deadline_ms = 30000 } };
    check_rc(api_create(&settings, &house.api), RC_OK);
    check_rc(pool_create(&(struct pool_spec){ .name = "w", .threads = 1, .queue_max = 64 }, &house.compute), RC_OK);
    check_rc(pool_create(&(struct pool_spec){ .name = "io", .threads = 1, .queue_max = 64 }, &house.io), RC_OK);
    check_ok(listener_open("127.0.0.1:0", 0, &house.listener, &why), &why);
    const struct http_settings http = {
        .api = house.api,
        .compute = house.compute,
        .io = house.io,
        .listeners = &house.listener,
        .listener_count = 1,
        .threads = 1,
        .connections = 100,
        .idle_ms = 30000,
    };
    check_ok(http_start(&http, &house.http, &why), &why);
    *state = &house;
    return 0;
}

static int teardown(void **state)
{
    struct house *house = *state;
    http_quiesce(house->http);
    listener_close(&house->listener);
    http_stop(house->http);
    pool_destroy(house->compute);
    pool_destroy(house->io);
    api_destroy(house->api);
    return 0;
}

static int dial(const struct house *house)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    address.sin_port = htons((uint16_t)strtol(strrchr(house->listener.name, ':') + 1, NULL, 10));
    const int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    check(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); /* else single bytes travel together */
    return fd;
}

/* A server that has refused may close while we still speak. */
static void say(int fd, const char *bytes, size_t n, size_t step)
{
    for (size_t at = 0; at < n; at += step) {
        if (send(fd, bytes + at, n - at < step ? n - at : step, MSG_NOSIGNAL) <= 0) {
            return;
        }
    }
}

/* All that comes until the server closes; it is asked to by the last request. */
static size_t hear(int fd, char *out, size_t size)
{
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n + 1 < size; n += got > 0 ? (size_t)got : 0) {
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        check(poll(&waiting, 1, PATIENCE_MS) == 1);
        got = recv(fd, out + n, size - 1 - n, 0);
    }
    out[n] = '\0';
    return n;
}

static size_t count(const char *text, const char *part)
{
    size_t out = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        out++;
    }
    return out;
}

static const char before[] = "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
static const char last[] = "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/* The bytes, between good requests. A good one leaves the others alone, or is the last; a bad one is refused once, and ends
 * the connection. */
static void check_bytes_of(const struct house *house, const char *name, const char *bytes, size_t n, bool good, bool behind, size_t step)
{
    AUTO(buf) struct buf all;
    char text[20000];
    buf_init(&all, 100000);
    const size_t first = behind ? 1 : 0;
    check_rc(buf_append(&all, before, behind ? sizeof(before) - 1 : 0), RC_OK);
    check_rc(buf_append(&all, bytes, n), RC_OK);
    check_rc(buf_append(&all, last, sizeof(last) - 1), RC_OK);
    const int fd = dial(house);
    say(fd, all.data, all.len, step);
    (void)hear(fd, text, sizeof(text));
    (void)close(fd);
    const size_t fine = count(text, "\r\n\r\nfine"), refused = count(text, "HTTP/1.1 400");
    const bool ends = good && strcasestr(bytes, "chunked") != NULL; /* behind such a body nothing is read */
    if (good ? fine != first + (ends ? 1 : 2) || refused != 0 : fine != first || refused != 1) {
        fail_msg("%s, %s, %zu bytes at a time: %zu answered, %zu refused: %s", name, behind ? "behind another" : "alone", step, fine, refused, text);
    }
}

static void check_all_ways(const struct house *house, const char *name, const char *bytes, size_t n, bool good)
{
    static const size_t steps[] = { 1, 7, 100000 };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        check_bytes_of(house, name, bytes, n, good, false, steps[i]);
        check_bytes_of(house, name, bytes, n, good, true, steps[i]);
    }
}

struct row {
    const char *bytes;
    size_t n;
};

#define ROW(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }

static void test_head_takes_what_clients_send(void **state)
{
    static const struct row rows[] = {
        ROW("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x:80\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: localhost:8443\r\nUser-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1\r\nUser-Agent: Python-urllib/3.11\r\nConnection: keep-alive\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"120\", \"Not?A_Brand\";v=\"8\"\r\ncookie: a=b; c=\"d e\"\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nCookie: c=d\r\nX: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nX: y\r\nHost: x\r\nCookie: a=b; c; =; ;;\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost:x\r\nE:\r\nF:  \r\nG: v  \t\r\nI:\t  x\r\nJ:\t\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nE:\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nE: \t \r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost:\t x \t\r\n\r\n"),
        ROW("\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /%61 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("HEAD /%61 HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a:b:c\r\nY: \xc3\xa9\xff\r\nZ::\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"x\", W/\"y\"\r\nX-Request-Id: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\r\n\0\n\r"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 004\r\n\r\n{}\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"),
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_all_ways(*state, rows[i].bytes, rows[i].bytes, rows[i].n, true);
    }
}

static void test_head_refuses_what_is_read_in_two_ways(void **state)
{
    static const struct row rows[] = {
        /* a bare LF for each of the line ends, and for several */
        ROW("GET /a HTTP/1.1\nHost: x\r\nX: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: y\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: y\r\n\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: y\n\n"),
        ROW("GET /a HTTP/1.1\nHost: x\nX: y\n\n"),
        ROW("GET /a HTTP/1.1\nHost: x\r\nX:\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX:\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        /* a bare CR */
        ROW("GET /a HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: y\rContent-Length: 3\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\r\nX: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: y\r\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\n\rX: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX:\r y\r\n\r\n"),
        /* NUL in the target, in the first, a middle and the last value, at every end of it */
        ROW("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a\0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a?\0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a\0/../b HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\0y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\0\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a\0b\r\nY: z\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: \0\r\nY: z\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX:\0\r\nY: z\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nY: z\r\nX: a\0b\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nY: z\r\nX: a\0\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nY: z\r\nX: \0a\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nY: z\r\nX:\0\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a\0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        /* folded lines */
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\nY: z\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a\r\n \r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX:\r\n a\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost:\r\n x\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\n Host: x\r\nHost: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n"),
        /* blanks in the first line */
        ROW("GET  /a HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a  HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a\tHTTP/1.0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ROW("GET /a HTTP/1.2\r\nHost: x\r\n\r\n"),
        ROW("GET /a HTTP/1.9\r\nHost: x\r\n\r\n"),
        /* names */
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX\t: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\n\xc3\xa9: z\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n"),
        ROW("GET /a HTTP/1.1\r\nHost: x\r\nX: \x7f\r\n\r\n"),
        /* trailers */
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\nAuthorization: Bearer x\r\n\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nhost: y\r\n\r\n"),
        ROW("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ntransfer-encoding: chunked\r\n\r\n"),
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_all_ways(*state, rows[i].bytes, rows[i].bytes, rows[i].n, false);
    }
}

/* The library's buffer grows while the head comes, and is moved between requests. */
static void test_head_takes_long_heads(void **state)
{
    static const size_t values[] = { 1, 50, 150, 230 };
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        AUTO(buf) struct buf head;
        buf_init(&head, 100000);
        check_rc(buf_text(&head, "GET /a HTTP/1.1\r\nHost: x\r\n"), RC_OK);
        for (int line = 0; line < 90; line++) {
            check_rc(buf_printf(&head, "X-Header-%d: %0*d\r\n", line, (int)values[i], line), RC_OK);
        }
        check_rc(buf_text(&head, "\r\n"), RC_OK);
        check_all_ways(*state, "long", head.data, head.len, true);
        head.data[head.len - 4] = ' '; /* the CR of the last line */
        check_all_ways(*state, "long with a bare LF", head.data, head.len, false);
    }
}

/* No body behind HEAD, 204, 304: else the next request would be answered by it. */
static void test_replies_without_a_body_have_none(void **state)
{
    static const struct {
        const char *bytes, *first;
        bool ends; /* the connection */
    } rows[] = {
        { "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200" },
        { "HEAD /s HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", true },
        { "HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404" },
        { "HEAD /b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405" },
        { "GET /a HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n", "HTTP/1.1 304" },
        { "HEAD /a HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n", "HTTP/1.1 304" },
        { "OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204" },
        { "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[20000];
        const int fd = dial(*state);
        say(fd, rows[i].bytes, strlen(rows[i].bytes), 100000);
        say(fd, last, sizeof(last) - 1, 100000);
        (void)hear(fd, text, sizeof(text));
        (void)close(fd);
        const char *second = strstr(text, "\r\n\r\n");
        const char *behind = rows[i].ends ? "" : "HTTP/1.1 200";
        if (strncmp(text, rows[i].first, strlen(rows[i].first)) != 0 || second == NULL ||
            strncmp(second + 4, behind, strlen(behind)) != 0 ||
            (rows[i].ends && second[4] != '\0') || count(text, "HTTP/1.1 ") != (rows[i].ends ? 1u : 2u)) {
            fail_msg("%s gave %s", rows[i].bytes, text);
        }
    }
}

CHECK_MAIN("server/head",
           CHECK_WITH(test_head_takes_what_clients_send, setup, teardown),
           CHECK_WITH(test_head_refuses_what_is_read_in_two_ways, setup, teardown),
           CHECK_WITH(test_head_takes_long_heads, setup, teardown),
           CHECK_WITH(test_replies_without_a_body_have_none, setup, teardown))
