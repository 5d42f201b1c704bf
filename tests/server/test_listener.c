/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/passed.h"
#include "tests/check.h"

static char folder[64];
static char path[100];

static int setup(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/licit-listener-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "unix:%s/s", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)unlink(path + 5);
    return rmdir(folder);
}

static int dial_unix(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path + 5);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static int dial_tcp(const struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    check(getsockname(listener->fd, (struct sockaddr *)&address, &size) == 0);
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    (void)connect(fd, (const struct sockaddr *)&address, size); /* told by the caller's accept */
    return fd;
}

static void test_listener_open_reads_addresses(void **state)
{
    static const struct {
        const char *where;
        enum rc rc;
        const char *part; /* of the name, or of the words */
        bool is_local;
    } rows[] = {
        { "127.0.0.1:0", RC_OK, "127.0.0.1:", true },
        { "localhost:0", RC_OK, ":", true },
        { "[::1]:0", RC_OK, "[::1]:", true },
        { "0.0.0.0:0", RC_OK, "0.0.0.0:", false },
        { "[::]:0", RC_OK, "[::]:", false },
        { "127.0.0.1", RC_INVALID, "must be ADDRESS:PORT", false },
        { "127.0.0.1:65536", RC_INVALID, "must be ADDRESS:PORT", false },
        { "::1:80", RC_INVALID, "must be ADDRESS:PORT", false },
        { "[::1:80", RC_INVALID, "must be ADDRESS:PORT", false },
        { ":80", RC_INVALID, "must be ADDRESS:PORT", false },
        { "", RC_INVALID, "must be ADDRESS:PORT", false },
        { "192.0.2.1:0", RC_INVALID, "no such address", false },
        { "no-such-host.invalid:1", RC_INVALID, "is not known", false },
        { "unix:", RC_INVALID, "1 to 107 bytes", false },
        { "unix:/nonexistent/s", RC_IO, "cannot listen on", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct listener it = { .fd = -1 };
        struct why why = { 0 };
        const enum rc rc = listener_open(rows[i].where, 0600, &it, &why);
        if (rc != rows[i].rc || strstr(rc == RC_OK ? it.name : why.text, rows[i].part) == NULL) {
            fail_msg("row %zu gave %s: %s %s", i, rc_name(rc), it.name, why.text);
        }
        check(rc != RC_OK || it.is_local == rows[i].is_local);
        listener_close(&it);
    }
}

static void test_listener_takes_a_port_once(void **state)
{
    struct listener one, two;
    struct why why = { 0 };
    check_ok(listener_open("127.0.0.1:0", 0, &one, &why), &why);
    check_rc(listener_open(one.name, 0, &two, &why), RC_CONFLICT);
    check_contains(why.text, "it is in use");
    listener_close(&one);
    listener_close(&one);
}

static void test_listener_makes_a_file_of_its_mode(void **state)
{
    struct listener it, other;
    struct stat status;
    struct why why = { 0 };
    const mode_t before = umask(0);
    check_ok(listener_open(path, 0620, &it, &why), &why);
    (void)umask(before);
    check(stat(path + 5, &status) == 0 && (status.st_mode & 0777) == 0620);
    check(it.is_unix && it.is_local);
    check_text(it.name, path);
    check_rc(listener_open(path, 0600, &other, &why), RC_CONFLICT); /* somebody answers on it */
    check(stat(path + 5, &status) == 0);
    listener_close(&it);
    check(stat(path + 5, &status) != 0);
}

static void test_listener_takes_over_what_a_dead_one_left(void **state)
{
    struct listener dead, it, other;
    struct stat status;
    struct why why = { 0 };
    check_ok(listener_open(path, 0600, &dead, &why), &why);
    (void)close(dead.fd); /* as a kill would */
    check_ok(listener_open(path, 0600, &it, &why), &why);
    check(unlink(path + 5) == 0); /* somebody's hand */
    check_ok(listener_open(path, 0600, &other, &why), &why);
    listener_close(&it); /* the file is another's now: left alone */
    check(stat(path + 5, &status) == 0);
    const int fd = dial_unix();
    check(fd >= 0);
    (void)close(fd);
    listener_close(&other);

    FILE *file = fopen(path + 5, "w"); /* not a socket: not ours to remove */
    check(file != NULL);
    (void)fclose(file);
    check_rc(listener_open(path, 0600, &it, &why), RC_CONFLICT);
    check(stat(path + 5, &status) == 0);
}

/* Whoever has connected can be accepted, and nobody else comes. */
static void test_listener_shut_lets_in_who_came(void **state)
{
    static const char *const places[] = { "127.0.0.1:0", "[::1]:0", NULL };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct listener it;
        struct why why = { 0 };
        check_ok(listener_open(places[i] != NULL ? places[i] : path, 0600, &it, &why), &why);
        const int early = it.is_unix ? dial_unix() : dial_tcp(&it);
        check(listener_shut(&it));
        check(listener_shut(&it));
        const int late = it.is_unix ? dial_unix() : dial_tcp(&it);
        const int got = accept(it.fd, NULL, NULL);
        check(got >= 0);
        check_int(accept(it.fd, NULL, NULL), -1);
        check_int(errno, EAGAIN);
        listener_close(&it);
        (void)close(got);
        (void)close(early);
        if (late >= 0) {
            (void)close(late);
        }
    }
}

static void give_passed(int fd, const char *names)
{
    char pid[20];
    check(dup2(fd, PASSED_FIRST) == PASSED_FIRST);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    check(setenv("LISTEN_PID", pid, 1) == 0 && setenv("LISTEN_FDS", "1", 1) == 0);
    check(names == NULL ? unsetenv("LISTEN_FDNAMES") == 0 : setenv("LISTEN_FDNAMES", names, 1) == 0);
}

static void test_passed_read_takes_what_is_ours(void **state)
{
    struct listener it;
    struct passed passed;
    struct why why = { 0 };
    const int kept = fcntl(PASSED_FIRST, F_DUPFD_CLOEXEC, 10); /* whatever the test was started with */
    check_ok(listener_open("127.0.0.1:0", 0, &it, &why), &why);
    check(fcntl(it.fd, F_SETFL, 0) == 0); /* systemd's come blocking */

    give_passed(it.fd, "web");
    check_ok(passed_read(&passed, &why), &why);
    check_int(passed.count, 1);
    check(getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL && getenv("LISTEN_FDNAMES") == NULL);
    check((fcntl(PASSED_FIRST, F_GETFL) & O_NONBLOCK) != 0);
    check((fcntl(PASSED_FIRST, F_GETFD) & FD_CLOEXEC) != 0);
    check_rc(passed_check(&passed, &why), RC_INVALID);
    check_contains(why.text, "\"web\" that no listener names");
    check_int(passed_take(&passed, "other"), -1);
    check_int(passed_take(&passed, "web"), PASSED_FIRST);
    check_int(passed_take(&passed, "web"), -1);
    check_ok(passed_check(&passed, &why), &why);

    give_passed(it.fd, NULL);
    check_ok(passed_read(&passed, &why), &why);
    check_int(passed_take(&passed, "unknown"), PASSED_FIRST); /* what systemd calls it */

    give_passed(it.fd, "web");
    check(setenv("LISTEN_PID", "1", 1) == 0); /* meant for another process */
    check_ok(passed_read(&passed, &why), &why);
    check_int(passed.count, 0);

    check_ok(passed_read(&passed, &why), &why); /* no variables */
    check_int(passed.count, 0);
    (void)close(PASSED_FIRST);
    if (kept >= 0) {
        (void)dup2(kept, PASSED_FIRST);
        (void)close(kept);
    }
    listener_close(&it);
}

static void test_passed_read_refuses_what_does_not_listen(void **state)
{
    struct passed passed;
    struct why why = { 0 };
    const int kept = fcntl(PASSED_FIRST, F_DUPFD_CLOEXEC, 10);
    const int kinds[] = { SOCK_STREAM, SOCK_DGRAM, -1 };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const int fd = kinds[i] < 0 ? open("/dev/null", O_RDONLY) : socket(AF_INET, kinds[i], 0);
        give_passed(fd, "web");
        check_rc(passed_read(&passed, &why), RC_INVALID);
        check_contains(why.text, "(web) must be a listening stream socket");
        if (fd != PASSED_FIRST) {
            (void)close(fd);
        }
        (void)close(PASSED_FIRST);
    }
    static const char *const counts[] = { "x", "-1", "65" };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        char pid[20];
        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        check(setenv("LISTEN_PID", pid, 1) == 0 && setenv("LISTEN_FDS", counts[i], 1) == 0);
        check_rc(passed_read(&passed, &why), RC_INVALID);
        check_text(why.path, "LISTEN_FDS");
    }
    if (kept >= 0) {
        (void)dup2(kept, PASSED_FIRST);
        (void)close(kept);
    }
}

static void set(struct config *config, const char *name, const char *value)
{
    struct why why = { 0 };
    check_ok(config_set(config, name, value, &why), &why);
}

static void test_listeners_open_fills_what_requests_see(void **state)
{
    static struct listeners it;
    struct why why = { 0 };
    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    set(&config, "http.listen", "127.0.0.1:0");
    set(&config, "listener.main.proxies", "unix 10.0.0.0/8");
    set(&config, "listener.inner.listen", path);
    set(&config, "listener.inner.tls", "no");
    set(&config, "listener.inner.proxies", "unix");
    set(&config, "listener.inner.default_token", "tok-00000000000000000000");
    check_ok(listeners_open(&config, &it, &why), &why);
    check_int(it.count, 2);
    check(listeners_are_secure(&it));
    check_text(it.items[0].api.name, "main");
    check(it.items[0].is_secure && !it.items[0].api.trusts_unix && it.items[0].api.default_token == NULL);
    check(it.items[0].api.proxy_count == 1 && it.items[0].api.proxies[0].bits == 8);
    check(!it.items[1].is_secure && it.items[1].api.trusts_unix && it.items[1].api.proxy_count == 0);
    check_text(it.items[1].api.default_token, "tok-00000000000000000000");
    listeners_close(&it);
    check_int(it.count, 0);
}

static void test_listeners_open_names_the_key(void **state)
{
    static const struct {
        const char *name, *value, *path, *part;
    } rows[] = {
        { "listener.main.listen", "127.0.0.1:0", "listener.main.listen", "must be left out" },
        { "listener.a.tls", "no", "listener.a.listen", "must be ADDRESS:PORT" },
        { "listener.a.listen", "systemd:web", "listener.a.listen", "no socket of the name \"web\"" },
        { "listener.main.default_token", "tok-00000000000000000000", "listener.main.default_token", "needs a loopback address" },
    };

    static struct listeners it;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct why why = { 0 };
        AUTO(config) struct config config;
        check_rc(config_init(&config), RC_OK);
        set(&config, "http.listen", "0.0.0.0:0");
        set(&config, rows[i].name, rows[i].value);
        check_rc(listeners_open(&config, &it, &why), RC_INVALID);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
        check_int(it.count, 0);
    }
}

#define CASE(function) CHECK_WITH(function, setup, teardown)

CHECK_MAIN("server/listener",
           CASE(test_listener_open_reads_addresses),
           CASE(test_listener_takes_a_port_once),
           CASE(test_listener_makes_a_file_of_its_mode),
           CASE(test_listener_takes_over_what_a_dead_one_left),
           CASE(test_listener_shut_lets_in_who_came),
           CASE(test_passed_read_takes_what_is_ours),
           CASE(test_passed_read_refuses_what_does_not_listen),
           CASE(test_listeners_open_fills_what_requests_see),
           CASE(test_listeners_open_names_the_key))
