/* SPDX-License-Identifier: Apache-2.0 */
#include "server/logfile.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/doc.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "tests/check.h"

#define THREADS      4
#define EACH         20000
#define PATIENCE_MS  30000
#define READ_BYTES   (8u << 20)
#define LINE         "{\"n\":1%06d,\"text\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}"
#define STUCK_LINES  60000 /* more than both buffers and a pipe hold */
#define FILE_CEILING 5000  /* bytes, for a disk that is full */

static char folder[64], path[80], moved[80];
static int kept_stderr = -1;
static struct rlimit kept_limit;
static char *text; /* what was read */

static int setup(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/licit-logfile-XXXXXX");
    if (mkdtemp(folder) == NULL || getrlimit(RLIMIT_FSIZE, &kept_limit) != 0) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/requests.log", folder);
    (void)snprintf(moved, sizeof(moved), "%s/requests.log.1", folder);
    kept_stderr = dup(STDERR_FILENO);
    text = mem_alloc(READ_BYTES);
    return text == NULL || signal(SIGXFSZ, SIG_IGN) == SIG_ERR;
}

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *place)
{
    return remove(name);
}

static int teardown(void **state)
{
    (void)dup2(kept_stderr, STDERR_FILENO); /* a failing test says why on it */
    (void)close(kept_stderr);
    (void)setrlimit(RLIMIT_FSIZE, &kept_limit);
    mem_free(text);
    return nftw(folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

static struct logfile *open_log(const char *target)
{
    struct logfile *log = NULL;
    struct why why = { 0 };
    check_ok(logfile_open(target, &log, &why), &why);
    return log;
}

static const char *read_file(const char *name)
{
    AUTO_CLOSE int fd = open(name, O_RDONLY);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, READ_BYTES - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

/* Counts the lines, each of which must be JSON, and adds up what the notices say was dropped. */
static int count_lines(const char *at, uint64_t *ret_dropped)
{
    int count = 0;
    *ret_dropped = 0;
    for (; *at != '\0'; at += strcspn(at, "\n") + 1) {
        AUTO_PTR(doc) struct doc *doc = NULL;
        if (doc_parse(at, strcspn(at, "\n"), &doc, NULL) != RC_OK || at[strcspn(at, "\n")] != '\n') {
            fail_msg("not a line: %.200s", at);
        }
        if (doc_get(doc, "event") != NULL) {
            check_text(doc_get_string(doc, "event", ""), "request_log_dropped");
            *ret_dropped += (uint64_t)doc_get_integer(doc, "lines", 0);
        } else {
            count++;
        }
    }
    return count;
}

static void write_one(struct logfile *log, int n)
{
    char line[200];
    const int size = snprintf(line, sizeof(line), LINE, n);
    logfile_write(log, line, (size_t)size);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        write_one(arg, i);
    }
    return NULL;
}

static void test_logfile_takes_whole_lines_from_many_threads(void **state)
{
    struct logfile *log = open_log(path);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        check_int(pthread_create(&threads[i], NULL, write_many, log), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        check_int(pthread_join(threads[i], NULL), 0);
    }
    logfile_close(log);
    uint64_t dropped;
    const int lines = count_lines(read_file(path), &dropped);
    check_int(lines + (int)dropped, THREADS * EACH);
    struct stat about;
    check_int(stat(path, &about), 0);
    check_int(about.st_mode & 0777 & ~0640u, 0);
}

static void test_logfile_appends_to_what_is_there(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct logfile *log = open_log(path);
        write_one(log, i);
        logfile_close(log);
    }
    uint64_t dropped;
    check_int(count_lines(read_file(path), &dropped), 3);
    check_int(dropped, 0);
}

/* What logrotate does: move, SIGHUP; no line is lost, and what comes later is in the new file. */
static void test_logfile_reopen_follows_a_moved_file(void **state)
{
    struct logfile *log = open_log(path);
    struct why why = { 0 };
    write_one(log, 1);
    check_int(rename(path, moved) == 0 || access(path, F_OK) != 0, 1);
    check_ok(logfile_reopen(log, &why), &why);
    write_one(log, 2);
    logfile_close(log);
    check_contains(read_file(path), "\"n\":1000002");
    char both[400] = "";
    (void)snprintf(both, sizeof(both), "%.190s", text);
    (void)snprintf(both + strlen(both), sizeof(both) - strlen(both), "%.190s", read_file(moved));
    uint64_t dropped;
    check_int(count_lines(both, &dropped), 2);
}

static void test_logfile_reopen_keeps_the_old_file_when_it_cannot(void **state)
{
    struct logfile *log = open_log(path);
    struct why why = { 0 };
    check_int(rename(path, moved), 0);
    check_int(mkdir(path, 0700), 0);
    check_rc(logfile_reopen(log, &why), RC_IO);
    check_text(why.path, "log.requests");
    write_one(log, 1);
    logfile_close(log);
    uint64_t dropped;
    check_int(count_lines(read_file(moved), &dropped), 1);
    check_int(rmdir(path), 0);
}

static void test_logfile_open_refuses_what_is_no_file(void **state)
{
    struct logfile *log = NULL;
    struct why why = { 0 };
    check_rc(logfile_open(folder, &log, &why), RC_IO);
    check_rc(logfile_open("/dev/full", &log, &why), RC_IO);
    check_contains(why.text, "is not a file");
    check_rc(logfile_open("/nonexistent/requests.log", &log, &why), RC_IO);
    check_int(symlink("/dev/null", path), 0);
    check_rc(logfile_open(path, &log, &why), RC_IO);
    check_int(mkfifo(moved, 0600), 0);
    check_rc(logfile_open(moved, &log, &why), RC_IO); /* nor does it wait for a reader */
    check(log == NULL);
    logfile_close(NULL);
    check_rc(logfile_reopen(NULL, &why), RC_OK);
}

static void test_logfile_open_survives_each_failing_allocation(void **state)
{
    enum rc rc = RC_NO_MEMORY;
    for (long n = 1; rc != RC_OK; n++) {
        struct logfile *log = NULL;
        mem_fail_at(n);
        rc = logfile_open(path, &log, NULL);
        mem_fail_at(0);
        check(rc == RC_OK || (rc == RC_NO_MEMORY && log == NULL));
        logfile_close(log);
    }
}

/* Waits until the file has reached its ceiling. */
static void await_size(const char *name, off_t size)
{
    struct stat about = { .st_size = 0 };
    const struct mono begun = mono_now();
    while (about.st_size < size && mono_since(begun) < PATIENCE_MS * INT64_C(1000000)) {
        check_int(stat(name, &about), 0);
        (void)poll(NULL, 0, 1);
    }
    check(about.st_size >= size);
}

/* A full disk tears no line, and what was lost is said when there is room again. */
static void test_logfile_on_a_full_disk_drops_and_counts(void **state)
{
    const struct rlimit small = { FILE_CEILING, kept_limit.rlim_max };
    struct logfile *log = open_log(path);
    check_int(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 1000; i++) {
        write_one(log, i);
    }
    await_size(path, FILE_CEILING - 200);
    logfile_close(log);
    uint64_t dropped;
    const int first = count_lines(read_file(path), &dropped);
    check(first > 0 && first < 1000);
    check_int(dropped, 0); /* there was no room for the notice either */
    check_int(setrlimit(RLIMIT_FSIZE, &kept_limit), 0);

    log = open_log(path);
    check_int(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 1000; i++) {
        write_one(log, i);
    }
    struct why why = { 0 };
    check_int(unlink(path), 0); /* what an operator does, in the end */
    check_ok(logfile_reopen(log, &why), &why);
    await_size(path, 1);
    check_int(setrlimit(RLIMIT_FSIZE, &kept_limit), 0);
    write_one(log, 1);
    logfile_close(log);
    const int later = count_lines(read_file(path), &dropped);
    check(dropped > 0);
    check_int(later + (int)dropped, 1001);
}

static void await_full_stderr(void)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    while (poll(&out, 1, 0) == 1) {
        (void)poll(NULL, 0, 1);
    }
}

/* Nobody reads the pipe: no writer waits, and the reader that comes back is told how many lines it missed. */
static void test_logfile_never_waits_for_stderr(void **state)
{
    int ends[2];
    check_int(pipe(ends), 0);
    check(dup2(ends[1], STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    struct logfile *log = open_log(NULL);
    for (int i = 0; i < STUCK_LINES; i++) {
        write_one(log, i);
    }
    await_full_stderr();
    log_info("an_event", ""); /* nor does anybody who logs */
    size_t n = 0;
    int lines = 0;
    uint64_t dropped = 0;
    while (lines + (int)dropped < STUCK_LINES) {
        struct pollfd waiting = { .fd = ends[0], .events = POLLIN };
        check_int(poll(&waiting, 1, PATIENCE_MS), 1);
        const ssize_t got = read(ends[0], text + n, READ_BYTES - 1 - n);
        check(got > 0);
        n += (size_t)got;
        text[n] = '\0';
        if (text[n - 1] == '\n' && strstr(text, "request_log_dropped") != NULL) {
            lines = count_lines(text, &dropped);
        }
    }
    check_int(lines + (int)dropped, STUCK_LINES);
    logfile_close(log);
    log_info("after", "");
    const ssize_t got = read(ends[0], text, READ_BYTES - 1);
    text[got < 0 ? 0 : got] = '\0';
    check_contains(text, "level=warn event=log_lines_lost lines=1\nlevel=info event=after\n");
    (void)close(ends[0]);
}

/* A reader that never comes delays the stop by no more than LOGFILE_FLUSH_MS and a bit. */
static void test_logfile_close_gives_up_on_a_stuck_stderr(void **state)
{
    int ends[2];
    check_int(pipe(ends), 0);
    check(dup2(ends[1], STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    struct logfile *log = open_log(NULL);
    for (int i = 0; i < STUCK_LINES; i++) {
        write_one(log, i);
    }
    const struct mono begun = mono_now();
    logfile_close(log);
    const int64_t ms = mono_since(begun) / 1000000;
    check(ms >= LOGFILE_FLUSH_MS / 2 && ms < LOGFILE_FLUSH_MS * 10);
    (void)close(ends[0]);
}

#define CASE(function) CHECK_WITH(function, setup, teardown)

CHECK_MAIN("server/logfile",
           CASE(test_logfile_takes_whole_lines_from_many_threads),
           CASE(test_logfile_appends_to_what_is_there),
           CASE(test_logfile_reopen_follows_a_moved_file),
           CASE(test_logfile_reopen_keeps_the_old_file_when_it_cannot),
           CASE(test_logfile_open_refuses_what_is_no_file),
           CASE(test_logfile_open_survives_each_failing_allocation),
           CASE(test_logfile_on_a_full_disk_drops_and_counts),
           CASE(test_logfile_never_waits_for_stderr),
           CASE(test_logfile_close_gives_up_on_a_stuck_stderr))
