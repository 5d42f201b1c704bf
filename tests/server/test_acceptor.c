/* SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "server/exchange.h"
#include "server/listeners.h"
#include "tests/check.h"

/* Who is let in, to which thread, for how long, and how it ends; spoken to over raw sockets. */

#define PATIENCE_MS 20000 /* a test that waits longer has found something */
#define SPIN_MS     60    /* of half a second: a thread that spins takes more, also on a busy machine */
#define REQUEST     "GET /who HTTP/1.1\r\nHost: a\r\n\r\n"

static sem_t entered, leave;

static enum rc handle_who(struct api_request *request, struct why *why)
{
    char address[ADDRESS_TEXT_SIZE];
    struct doc *out = doc_new_object();
    address_write(&request->peer.address, address);
    (void)doc_put_string(out, "address", address);
    (void)doc_put_string(out, "listener", request->peer.listener->name);
    return api_reply_doc(request, 200, out);
}

static enum rc handle_slow(struct api_request *request, struct why *why)
{
    (void)sem_post(&entered);
    (void)sem_wait(&leave);
    return handle_who(request, why);
}

#define BIG (8u << 20) /* more than the kernel keeps for anybody */

static enum rc handle_big(struct api_request *request, struct why *why)
{
    static char bytes[BIG];
    return api_reply(request, 200, "application/octet-stream", bytes, sizeof(bytes));
}

static const struct api_route routes[] = {
    { .method = "GET", .pattern = "/who", .open = true, .handle = handle_who, .id = "a" },
    { .method = "GET", .pattern = "/big", .open = true, .handle = handle_big, .id = "c" },
    { .method = "GET", .pattern = "/slow", .open = true, .where = API_COMPUTE, .handle = handle_slow, .id = "b" },
    { .method = NULL },
};

enum {
    FOUR,
    SIX,
    UNIX,
    PLACES
};

static struct house {
    struct api *api;
    struct pool *compute, *io;
    struct listener listeners[PLACES];
    struct http *http;
    char folder[64];
} house;

static void build(int connections, int per_address, int64_t limit_ms)
{
    static const char *const names[PLACES] = { "four", "six", "inner" };
    const struct api_settings settings = {
        .routes = routes,
        .version = "0",
        .limits = { .json_bytes = 1000, .predict_bytes = 1000, .upload_bytes = 1000, .deadline_ms = 30000 },
    };
    char where[100];
    struct why why = { 0 };
    check_rc(api_create(&settings, &house.api), RC_OK);
    check_rc(pool_create(&(struct pool_spec){ .name = "w", .threads = 8, .queue_max = 64 }, &house.compute), RC_OK);
    check_rc(pool_create(&(struct pool_spec){ .name = "io", .threads = 1, .queue_max = 64 }, &house.io), RC_OK);
    (void)snprintf(house.folder, sizeof(house.folder), "/tmp/licit-acceptor-XXXXXX");
    check(mkdtemp(house.folder) != NULL);
    (void)snprintf(where, sizeof(where), "unix:%s/s", house.folder);
    const char *const places[PLACES] = { "127.0.0.1:0", "[::1]:0", where };
    for (int i = 0; i < PLACES; i++) {
        check_ok(listener_open(places[i], 0600, &house.listeners[i], &why), &why);
        house.listeners[i].api.name = names[i];
    }
    const struct http_settings http = {
        .api = house.api,
        .compute = house.compute,
        .io = house.io,
        .listeners = house.listeners,
        .listener_count = PLACES,
        .threads = 4,
        .connections = connections,
        .per_address = per_address,
        .idle_ms = 30000,
        .header_ms = limit_ms,
        .grace_ms = limit_ms,
    };
    check_ok(http_start(&http, &house.http, &why), &why);
}

static void shut_door(void)
{
    http_quiesce(house.http);
    for (int i = 0; i < PLACES; i++) {
        listener_close(&house.listeners[i]);
    }
}

static int setup(void **state)
{
    house = (struct house){ 0 };
    (void)sem_init(&entered, 0, 0);
    (void)sem_init(&leave, 0, 0);
    return 0;
}

static int teardown(void **state)
{
    shut_door();
    http_stop(house.http);
    pool_destroy(house.compute);
    pool_destroy(house.io);
    api_destroy(house.api);
    return rmdir(house.folder);
}

static int prepare(int place)
{
    const int families[PLACES] = { AF_INET, AF_INET6, AF_UNIX };
    const int fd = socket(families[place], SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0);
    return fd;
}

static void reach(int fd, int place)
{
    const struct listener *listener = &house.listeners[place];
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    check(getsockname(listener->fd, (struct sockaddr *)&address, &size) == 0);
    check(connect(fd, (struct sockaddr *)&address, size) == 0);
}

static int dial(int place)
{
    const int fd = prepare(place);
    reach(fd, place);
    return fd;
}

static bool say(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Reads one reply to the end of its object; false: the connection ended before. */
static bool hear(int fd, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    while (n + 1 < size && strchr(out, '}') == NULL) {
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        const ssize_t got = poll(&waiting, 1, PATIENCE_MS) > 0 ? recv(fd, out + n, size - 1 - n, 0) : -1;
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
        out[n] = '\0';
    }
    return true;
}

static void ask(int fd, const char *request, const char *part)
{
    char text[2000];
    check(say(fd, request));
    if (!hear(fd, text, sizeof(text)) || strstr(text, part) == NULL || strncmp(text, "HTTP/1.1 200", 12) != 0) {
        fail_msg("expected %s, got: %s", part, text);
    }
}

/* 0: it ended in order; -1: it was reset. */
static ssize_t await_end(int fd)
{
    char byte;
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    check(poll(&waiting, 1, PATIENCE_MS) > 0);
    return recv(fd, &byte, 1, 0);
}

static void await_used(int64_t count)
{
    while (http_used(house.http) != count) {
        (void)sched_yield();
    }
}

static int64_t cpu_ms(void)
{
    struct timespec spent;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000 + spent.tv_nsec / 1000000;
}

static void await(sem_t *it)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    check(sem_timedwait(it, &until) == 0);
}

static void test_acceptor_knows_who_came_where(void **state)
{
    build(100, 0, 0);
    const char *const parts[PLACES] = { "{\"address\":\"127.0.0.1\",\"listener\":\"four\"}", "{\"address\":\"::1\",\"listener\":\"six\"}",
                                        "{\"address\":\"\",\"listener\":\"inner\"}" };
    for (int i = 0; i < PLACES; i++) {
        const int fd = dial(i);
        ask(fd, REQUEST, parts[i]);
        ask(fd, REQUEST, parts[i]);
        (void)close(fd);
    }
    await_used(0);
}

static void test_acceptor_balances_within_one(void **state)
{
    int fds[42];
    build(100, 0, 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial((int)i % PLACES);
    }
    await_used(COUNT_OF(fds));
    for (int i = 0; i < 4; i++) {
        const int count = atomic_load(&house.http->plain[i].count);
        check(count == 10 || count == 11);
        check_int(atomic_load(&house.http->secure[i].count), 0);
    }
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        (void)close(fds[i]);
    }
    await_used(0);
}

static void test_acceptor_sleeps_at_the_ceiling(void **state)
{
    int fds[4];
    char text[2000];
    build(4, 0, 0);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(FOUR);
        check(say(fds[i], "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
        await(&entered);
    }
    const int fd = dial(SIX);
    check(say(fd, REQUEST));
    struct pollfd waiting = { .fd = fd, .events = POLLIN };
    const int64_t before = cpu_ms();
    check_int(poll(&waiting, 1, 500), 0); /* it waits in the backlog */
    check(cpu_ms() - before < SPIN_MS);
    check_int(http_used(house.http), 4);
    for (int i = 0; i < 4; i++) {
        (void)sem_post(&leave);
        check(hear(fds[i], text, sizeof(text)));
    }
    (void)close(fds[0]);
    check(hear(fd, text, sizeof(text)));
    check_contains(text, "\"six\"");
    (void)close(fd);
    for (int i = 1; i < 4; i++) {
        (void)close(fds[i]);
    }
}

/* At the ceiling those between two requests go first, and in order: none is reset. */
static void test_reaper_lets_idle_ones_go_for_others(void **state)
{
    int fds[4];
    build(4, 0, 0);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(FOUR);
        ask(fds[i], REQUEST, "four");
    }
    const int fd = dial(UNIX);
    ask(fd, REQUEST, "inner");
    for (int i = 0; i < 4; i++) {
        check_int(await_end(fds[i]), 0);
        (void)close(fds[i]);
    }
    (void)close(fd);
}

/* Far below the ceiling nobody is cut before the limit of 15 seconds; at the ceiling after one second. */
static void test_reaper_cuts_slow_ones_sooner_when_full(void **state)
{
    int fds[10];
    char byte;
    build(10, 0, 15000);
    struct timespec start, end;
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial(FOUR);
        check(say(fds[i], "GET /who HTTP/1.1\r\nX: "));
        check(i > 0 || recv(fds[0], &byte, 1, MSG_DONTWAIT) < 0);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    const int fd = dial(FOUR);
    ask(fd, REQUEST, "four");
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    check(end.tv_sec - start.tv_sec < 10);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        (void)close(fds[i]);
    }
    (void)close(fd);
}

/* A reply of this size would earn a quarter of an hour. */
static void test_reaper_cuts_who_does_not_read(void **state)
{
    const int small = 4096;
    char byte;
    build(100, 0, 500);
    const int fd = prepare(FOUR);
    check(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    reach(fd, FOUR);
    check(say(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"));
    check(recv(fd, &byte, 1, 0) == 1);
    struct timespec start, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    await_used(0);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    check(end.tv_sec - start.tv_sec < 15); /* the library's timeout is half a minute here */
    (void)close(fd);
}

/* Who reads gets it all. */
static void test_reaper_leaves_who_reads(void **state)
{
    static char text[65536];
    size_t n = 0;
    build(100, 0, 500);
    const int fd = dial(FOUR);
    check(say(fd, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    for (ssize_t got = 1; got > 0; n += (size_t)got) {
        got = recv(fd, text, sizeof(text), 0);
        check(got >= 0);
    }
    check(n > BIG);
    (void)close(fd);
}

/* The library's timeout and the limit of idle connections are half a minute here. */
static void test_reaper_cuts_slow_headers_of_a_second_request(void **state)
{
    struct timespec start, end;
    build(100, 0, 500);
    const int fd = dial(SIX);
    ask(fd, REQUEST, "six");
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) { /* a byte at a time, never a whole line */
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        if (!say(fd, "G") || poll(&waiting, 1, 100) != 0) {
            break;
        }
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    check(end.tv_sec - start.tv_sec < 15);
    (void)close(fd);
}

static void test_acceptor_survives_without_descriptors(void **state)
{
    struct rlimit limit, low;
    int fds[30];
    build(100, 0, 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = prepare(FOUR);
    }
    const int probe = dup(0);
    (void)close(probe);
    check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = limit;
    low.rlim_cur = (rlim_t)probe + 5;
    check(setrlimit(RLIMIT_NOFILE, &low) == 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        reach(fds[i], FOUR);
        check(say(fds[i], REQUEST));
    }
    struct pollfd last = { .fd = fds[COUNT_OF(fds) - 1], .events = POLLIN };
    const int64_t before = cpu_ms();
    check_int(poll(&last, 1, 500), 0);
    check(cpu_ms() - before < SPIN_MS);
    check(http_used(house.http) <= 5);
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        char text[2000];
        check(hear(fds[i], text, sizeof(text)));
        (void)close(fds[i]);
    }
}

static void test_acceptor_counts_by_address(void **state)
{
    build(100, 2, 0);
    const int one = dial(FOUR), two = dial(FOUR);
    ask(one, REQUEST, "four");
    ask(two, REQUEST, "four");
    const int three = dial(FOUR);
    check_int(await_end(three), 0);
    const int other = dial(SIX), inner[3] = { dial(UNIX), dial(UNIX), dial(UNIX) };
    ask(other, REQUEST, "six");
    for (int i = 0; i < 3; i++) { /* a Unix socket has no address */
        ask(inner[i], REQUEST, "inner");
        (void)close(inner[i]);
    }
    (void)close(one);
    await_used(2);
    const int again = dial(FOUR);
    ask(again, REQUEST, "four");
    (void)close(again);
    (void)close(two);
    (void)close(three);
    (void)close(other);
}

/* Whoever had connected is answered, once; whoever asks nothing is let go without a reset. */
static void test_http_quiesce_serves_who_has_connected(void **state)
{
    int fds[60];
    char text[2000];
    build(100, 0, 0);
    const int kept = dial(FOUR), silent = dial(SIX), idle = dial(UNIX);
    ask(kept, REQUEST, "four");
    ask(idle, REQUEST, "inner");
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial((int)i % PLACES);
    }
    shut_door();
    (void)poll(NULL, 0, HTTP_TICK_MS + HTTP_TIGHT_TICK_MS); /* the reaper has looked, and leaves it for now */
    ask(kept, REQUEST, "Connection: close");
    check_int(await_end(kept), 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        check(say(fds[i], REQUEST));
        check(hear(fds[i], text, sizeof(text)));
        check_contains(text, "Connection: close");
        check_int(await_end(fds[i]), 0);
        (void)close(fds[i]);
    }
    check_int(await_end(silent), 0);
    check_int(await_end(idle), 0);
    check(http_wait(house.http, PATIENCE_MS));
    check_int(http_used(house.http), 0);
    (void)close(kept);
    (void)close(silent);
    (void)close(idle);
}

#define CLIENTS 8

static atomic_int asked, failed;

/* One request after the other on connections that are kept, until nobody listens. */
static void *hammer(void *arg)
{
    const int place = *(const int *)arg;
    char text[2000];
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    (void)getsockname(house.listeners[place].fd, (struct sockaddr *)&address, &size);
    for (;;) {
        const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, size) != 0) {
            (void)close(fd);
            return NULL;
        }
        do {
            atomic_fetch_add(&asked, 1);
            if (!say(fd, REQUEST) || !hear(fd, text, sizeof(text))) {
                atomic_fetch_add(&failed, 1);
                break;
            }
        } while (strstr(text, "Connection: close") == NULL);
        (void)close(fd);
    }
}

static void test_http_stop_under_load_loses_nothing(void **state)
{
    pthread_t threads[CLIENTS];
    int places[CLIENTS];
    atomic_store(&asked, 0);
    atomic_store(&failed, 0);
    build(100, 0, 0);
    for (int i = 0; i < CLIENTS; i++) {
        places[i] = i % PLACES;
        check(pthread_create(&threads[i], NULL, hammer, &places[i]) == 0);
    }
    while (atomic_load(&asked) < 200) {
        (void)sched_yield();
    }
    shut_door();
    check(http_wait(house.http, PATIENCE_MS));
    for (int i = 0; i < CLIENTS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    check_int(atomic_load(&failed), 0);
}

#define CASE(function) CHECK_WITH(function, setup, teardown)

CHECK_MAIN("server/acceptor",
           CASE(test_acceptor_knows_who_came_where),
           CASE(test_acceptor_balances_within_one),
           CASE(test_acceptor_sleeps_at_the_ceiling),
           CASE(test_reaper_lets_idle_ones_go_for_others),
           CASE(test_reaper_cuts_slow_ones_sooner_when_full),
           CASE(test_reaper_cuts_who_does_not_read),
           CASE(test_reaper_leaves_who_reads),
           CASE(test_reaper_cuts_slow_headers_of_a_second_request),
           CASE(test_acceptor_survives_without_descriptors),
           CASE(test_acceptor_counts_by_address),
           CASE(test_http_quiesce_serves_who_has_connected),
           CASE(test_http_stop_under_load_loses_nothing))
