/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/vault/cert.h"
#include "tests/check.h"

/* The daemon as a process of its own: start, signals, stop. Its path is the first argument. */

#define PATIENCE_MS 30000
#define LINES_MAX   100000

static const char *program;
static char folder[64];

struct daemon {
    pid_t pid;
    int log; /* the reading end of its standard error */
    char text[LINES_MAX];
    size_t n;
    int port;
};

static struct daemon it;

static int setup(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/licit-daemon-XXXXXX");
    it = (struct daemon){ .pid = -1, .log = -1 };
    return mkdtemp(folder) == NULL;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

static int teardown(void **state)
{
    if (it.pid > 0) {
        (void)kill(it.pid, SIGKILL);
        (void)waitpid(it.pid, NULL, 0);
    }
    if (it.log >= 0) {
        (void)close(it.log);
    }
    return nftw(folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

static void spawn(const char *const *more)
{
    const char *argv[16] = { program, "--state", folder, "--listen", "127.0.0.1:0" };
    int ends[2];
    int argc = 5;
    while (*more != NULL) {
        argv[argc++] = *more++;
    }
    check(pipe(ends) == 0);
    it.pid = fork();
    if (it.pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execv(program, (char **)argv);
        _exit(127);
    }
    (void)close(ends[1]);
    it.log = ends[0];
    it.n = 0;
    it.text[0] = '\0';
}

/* Reads the log until the part has come; false: it ended without it. */
static bool read_log(const char *part)
{
    while (part == NULL || strstr(it.text, part) == NULL) {
        struct pollfd waiting = { .fd = it.log, .events = POLLIN };
        if (poll(&waiting, 1, PATIENCE_MS) <= 0) {
            fail_msg("the daemon does not say %s; it said: %s", part, it.text);
        }
        const ssize_t got = read(it.log, it.text + it.n, sizeof(it.text) - 1 - it.n);
        if (got <= 0) {
            return false;
        }
        it.n += (size_t)got;
        it.text[it.n] = '\0';
    }
    return true;
}

static void await_log(const char *part)
{
    if (!read_log(part)) {
        fail_msg("the daemon ended: %s", it.text);
    }
}

static void start(const char *const *more)
{
    spawn(more);
    await_log("event=ready");
    await_log("library=");
    const char *url = strstr(it.text, "127.0.0.1:");
    it.port = (int)strtol(url + strlen("127.0.0.1:"), NULL, 10);
    check(it.port > 0);
}

static int await_exit(void)
{
    int status = 0;
    (void)read_log(NULL); /* to its end */
    check(waitpid(it.pid, &status, 0) == it.pid);
    it.pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int dial(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    address.sin_port = htons((uint16_t)it.port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    check(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void hear(int fd, const char *part, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    while (strstr(out, part) == NULL) {
        struct pollfd waiting = { .fd = fd, .events = POLLIN };
        const ssize_t got = poll(&waiting, 1, PATIENCE_MS) > 0 ? recv(fd, out + n, size - 1 - n, 0) : -1;
        if (got <= 0) {
            fail_msg("expected %s, got: %s", part, out);
        }
        n += (size_t)got;
        out[n] = '\0';
    }
}

static void read_token(char *out, size_t size)
{
    char path[100];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/first-token", folder);
    check(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    FILE *file = fopen(path, "r");
    check(file != NULL && fgets(out, (int)size, file) != NULL);
    (void)fclose(file);
    out[strcspn(out, "\n")] = '\0';
}

static const char *const plain[] = { "--plain", NULL };

static void test_licitd_drains_at_sigterm(void **state)
{
    static const char head[] =
        "--XX\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n"
        "{\"name\":\"t\",\"target\":\"y\",\"licence\":\"CC0-1.0\",\"purposes\":[\"test\"],\"personal_data\":false}\r\n"
        "--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx,y\n1,a\n";
    static const char tail[] = "2,b\n3,a\n\r\n--XX--\r\n";
    char token[200], text[4000];
    start(plain);
    read_token(token, sizeof(token));
    const int fd = dial(), idle = dial();
    (void)snprintf(text, sizeof(text),
                   "POST /v1/datasets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"
                   "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: %zu\r\n\r\n",
                   token, strlen(head) + strlen(tail));
    say(fd, text);
    hear(fd, "100 Continue", text, sizeof(text)); /* so it is in flight */
    say(fd, head);
    check(kill(it.pid, SIGTERM) == 0);
    await_log("event=stopping");
    say(fd, tail);
    hear(fd, "\"rows\":3", text, sizeof(text));
    check_contains(text, "HTTP/1.1 201");
    check_int(await_exit(), 0);
    check_contains(it.text, "event=drained all=yes");
    check_contains(it.text, "event=stopped");
    (void)close(fd);
    (void)close(idle);
}

static void test_licitd_stops_although_a_client_does_not_finish(void **state)
{
    static const char *const quick[] = { "--plain", "--set", "http.drain=100ms", NULL };
    char token[200], text[1000];
    start(quick);
    read_token(token, sizeof(token));
    const int fd = dial();
    (void)snprintf(text, sizeof(text),
                   "POST /v1/datasets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"
                   "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 1000\r\n\r\n",
                   token);
    say(fd, text);
    hear(fd, "100 Continue", text, sizeof(text));
    say(fd, "--XX\r\n");
    check(kill(it.pid, SIGTERM) == 0);
    check_int(await_exit(), 0);
    check_contains(it.text, "event=drained all=no");
    (void)close(fd);
}

static void test_licitd_says_why_it_does_not_start(void **state)
{
    static const struct {
        const char *more[4];
        int status;
        const char *part;
    } rows[] = {
        { { "--set", "http.threads=0" }, 2, "http.threads: must be 1 to 64" },
        { { "--set", "nothing.here=1" }, 2, "is not a key" },
        { { "--listen", "nowhere" }, 2, "http.listen: must be ADDRESS:PORT" },
        { { "--listen", "192.0.2.1:1" }, 2, "no such address" },
        { { "--config", "/nonexistent/licitd.conf" }, 1, "cannot be opened" },
        { { "--set", "tls.certificate=/x" }, 2, "both or not at all" },
        { { "--plain", "--set", "listener.main.client_certificates=require" }, 2, "listener.main.client_certificates: need TLS" },
        { { "--set", "listener.main.client_certificates=require" }, 2, "listener.main.client_certificates: needs client_ca" },
        { { "--set", "listener.main.client_ca=/x" }, 2, "listener.main.client_certificates: must be request or require" },
        { { "--set", "http.prefix=licit" }, 2, "must begin with /" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        spawn(rows[i].more);
        const int status = await_exit();
        (void)close(it.log);
        it.log = -1;
        if (status != rows[i].status || strstr(it.text, rows[i].part) == NULL) {
            fail_msg("row %zu ended %d: %s", i, status, it.text);
        }
    }
}

static void test_licitd_keeps_its_state_to_itself(void **state)
{
    start(plain);
    const struct daemon first = it;
    spawn(plain);
    check_int(await_exit(), 1);
    (void)close(it.log);
    it = first;
    check(kill(it.pid, SIGTERM) == 0);
    check_int(await_exit(), 0);
}

/* The bytes of the certificate that the daemon shows. */
static void see_certificate(unsigned char *out, size_t size, size_t *ret_n)
{
    gnutls_certificate_credentials_t trust;
    gnutls_session_t session;
    const int fd = dial();
    check(gnutls_certificate_allocate_credentials(&trust) == 0);
    check(gnutls_init(&session, GNUTLS_CLIENT) == 0);
    check(gnutls_set_default_priority(session) == 0);
    check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust) == 0);
    gnutls_transport_set_int(session, fd);
    int rc;
    do {
        rc = gnutls_handshake(session);
    } while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    check_int(rc, 0);
    check(gnutls_protocol_get_version(session) >= GNUTLS_TLS1_2);
    unsigned int count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    check(count > 0 && chain[0].size <= size);
    memcpy(out, chain[0].data, chain[0].size);
    *ret_n = chain[0].size;
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(trust);
    (void)close(fd);
}

static void write_text(const char *name, const struct buf *text)
{
    char path[120];
    (void)snprintf(path, sizeof(path), "%s/tls/%s", folder, name);
    FILE *file = fopen(path, "w");
    check(file != NULL && fwrite(text->data, 1, text->len, file) == text->len);
    (void)fclose(file);
}

static void test_licitd_reads_a_new_certificate_at_sighup(void **state)
{
    static const char *const none[] = { NULL };
    static unsigned char before[8192], after[8192];
    size_t before_n, after_n;
    start(none);
    check_contains(it.text, "url=https://");
    see_certificate(before, sizeof(before), &before_n);

    AUTO(buf) struct buf certificate, key;
    buf_init(&certificate, CERT_PEM_MAX);
    buf_init(&key, CERT_PEM_MAX);
    check_rc(cert_make("other", wall_seconds(), &certificate, &key), RC_OK);
    write_text("certificate.pem", &certificate);
    check(kill(it.pid, SIGHUP) == 0); /* the key does not belong to it: the present one stays */
    await_log("event=reload_failed");
    see_certificate(after, sizeof(after), &after_n);
    check(after_n == before_n && memcmp(before, after, before_n) == 0);

    write_text("key.pem", &key);
    check(kill(it.pid, SIGHUP) == 0);
    await_log("event=reloaded");
    see_certificate(after, sizeof(after), &after_n);
    check(after_n != before_n || memcmp(before, after, before_n) != 0);
    buf_finish(&key);
    check(kill(it.pid, SIGTERM) == 0);
    check_int(await_exit(), 0);
}

#define CASE(function) CHECK_WITH(function, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(test_licitd_drains_at_sigterm),
        CASE(test_licitd_stops_although_a_client_does_not_finish),
        CASE(test_licitd_says_why_it_does_not_start),
        CASE(test_licitd_keeps_its_state_to_itself),
        CASE(test_licitd_reads_a_new_certificate_at_sighup),
    };
    if (argc < 2) {
        return 77;
    }
    program = argv[1];
    return cmocka_run_group_tests_name("server/licitd", tests, NULL, NULL);
}
