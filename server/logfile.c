/* SPDX-License-Identifier: Apache-2.0 */
#include "server/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#define POLL_MS 100 /* how often a stop is looked for while stderr takes nothing */

struct logfile {
    /* set at creation, then constant: no lock */
    char *path; /* NULL: stderr */
    pthread_t thread;
    bool running;
    /* of the thread alone */
    char *writing;
    int fd; /* -1 with stderr */
    bool failing;
    /* guarded by lock */
    pthread_mutex_t lock;
    pthread_cond_t more;
    char *filling;
    size_t used;
    uint64_t dropped;
    int next_fd; /* a file opened anew; -1: none */
    bool stopping;
    /* set with stopping; read without the lock */
    _Atomic int64_t give_up_ns;
};

static enum rc open_file(const char *path, int *ret, struct why *why)
{
    struct stat about;
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);
    if (fd < 0) {
        return why_fail(why, RC_IO, "log.requests", "cannot open %s: %s", path, strerror(errno));
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        return why_fail(why, RC_IO, "log.requests", "%s is there and is not a file", path);
    }
    *ret = fd;
    fd = -1; /* handed over */
    return RC_OK;
}

static uint64_t count_lines(const char *bytes, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += bytes[i] == '\n';
    }
    return count;
}

/* The length of the whole lines at the beginning of n bytes. */
static size_t whole_lines(const char *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] != '\n') {
        n--;
    }
    return n;
}

/* Nobody but us writes there, so what a full disk tore of a line are the last bytes. */
static void cut_torn_line(int fd, size_t n)
{
    struct stat about;
    if (n > 0 && fstat(fd, &about) == 0 && about.st_size >= (off_t)n && ftruncate(fd, about.st_size - (off_t)n) != 0) {
        log_warn("request_log_torn", "bytes=%zu", n);
    }
}

/* How many of the bytes, in whole lines, are in the file. */
static size_t write_file(int fd, const char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t now = write(fd, bytes + done, n - done);
        if (now < 0 && errno == EINTR) {
            continue;
        }
        if (now <= 0) {
            break;
        }
        done += (size_t)now;
    }
    const size_t whole = whole_lines(bytes, done);
    cut_torn_line(fd, done - whole);
    return whole;
}

/* Waits until stderr takes something; false: nobody reads, and the daemon stops. */
static bool wait_for_reader(const struct logfile *it)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    (void)poll(&out, 1, POLL_MS); /* whatever it says, the next write finds out */
    return mono_now().ns < atomic_load(&it->give_up_ns);
}

/* The same for stderr, in pieces that a pipe takes at once and whole. */
static size_t write_stderr(const struct logfile *it, const char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        const size_t left = n - done;
        const size_t piece = left <= LOG_LINE_MAX ? left : whole_lines(bytes + done, LOG_LINE_MAX);
        const enum rc rc = log_write(bytes + done, piece);
        if (rc == RC_OK) {
            done += piece;
        } else if (rc != RC_BUSY || !wait_for_reader(it)) {
            break;
        }
    }
    return done;
}

static size_t write_lines(struct logfile *it, const char *bytes, size_t n)
{
    errno = 0;
    const size_t done = it->path == NULL ? write_stderr(it, bytes, n) : write_file(it->fd, bytes, n);
    if (it->path != NULL && done < n && !it->failing) {
        log_warn("request_log_failed", "file=%s why=%s", log_quote(it->path).text, log_quote(strerror(errno)).text);
    }
    it->failing = done < n;
    return done;
}

/* One turn of the thread: the count of lines dropped before, then the lines. The lines that could not be written. */
static uint64_t write_turn(struct logfile *it, uint64_t dropped, size_t n)
{
    char notice[100];
    if (dropped > 0) {
        const int size = snprintf(notice, sizeof(notice), "{\"time\":%lld,\"event\":\"request_log_dropped\",\"lines\":%llu}\n",
                                  (long long)wall_seconds(), (unsigned long long)dropped);
        dropped = write_lines(it, notice, (size_t)size) == (size_t)size ? 0 : dropped;
    }
    const size_t done = n == 0 ? 0 : write_lines(it, it->writing, n);
    return dropped + count_lines(it->writing + done, n - done);
}

/* Gives lines the time to gather, so that many of them become one write. */
static void gather(struct logfile *it)
{
    struct timespec until;
    MUST(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += LOGFILE_GATHER_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    int rc = 0;
    while (!it->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&it->more, &it->lock, &until);
    }
}

static void take_next_file(struct logfile *it)
{
    if (it->next_fd >= 0) {
        (void)close(it->fd); /* every write was looked at */
        it->fd = it->next_fd;
        it->next_fd = -1;
    }
}

static void *run(void *arg)
{
    struct logfile *it = arg;
    MUST(pthread_mutex_lock(&it->lock) == 0);
    for (;;) { /* the lock is held at the top of each turn */
        while (it->used == 0 && it->next_fd < 0 && !it->stopping) {
            (void)pthread_cond_wait(&it->more, &it->lock); /* woken or not: look */
        }
        if (it->used == 0 && it->next_fd < 0 && (it->dropped == 0 || it->failing)) {
            break;
        }
        gather(it);
        take_next_file(it);
        char *full = it->filling;
        const size_t n = it->used;
        const uint64_t dropped = it->dropped;
        it->filling = it->writing;
        it->writing = full;
        it->used = 0;
        it->dropped = 0;
        MUST(pthread_mutex_unlock(&it->lock) == 0);
        const uint64_t lost = write_turn(it, dropped, n);
        MUST(pthread_mutex_lock(&it->lock) == 0);
        it->dropped += lost;
    }
    MUST(pthread_mutex_unlock(&it->lock) == 0);
    return NULL;
}

void logfile_write(void *logfile, const char *line, size_t n)
{
    struct logfile *it = logfile;
    MUST(pthread_mutex_lock(&it->lock) == 0);
    if (it->used + n + 1 > LOGFILE_BYTES) {
        it->dropped++;
    } else {
        memcpy(it->filling + it->used, line, n);
        it->filling[it->used + n] = '\n';
        if (it->used == 0) {
            (void)pthread_cond_signal(&it->more); /* never fails on a condition that is there */
        }
        it->used += n + 1;
    }
    MUST(pthread_mutex_unlock(&it->lock) == 0);
}

static enum rc start(struct logfile *it)
{
    pthread_condattr_t attributes;
    MUST(pthread_mutex_init(&it->lock, NULL) == 0);
    MUST(pthread_condattr_init(&attributes) == 0);
    MUST(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    MUST(pthread_cond_init(&it->more, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes); /* does nothing on Linux */
    it->running = pthread_create(&it->thread, NULL, run, it) == 0;
    if (!it->running) {
        return RC_NO_MEMORY;
    }
    (void)pthread_setname_np(it->thread, "licit-log"); /* only for people */
    return RC_OK;
}

enum rc logfile_open(const char *path, struct logfile **ret, struct why *why)
{
    struct logfile *it = mem_alloc(sizeof(*it));
    if (it == NULL) {
        return RC_NO_MEMORY;
    }
    it->fd = it->next_fd = -1;
    it->give_up_ns = INT64_MAX;
    it->filling = mem_alloc(LOGFILE_BYTES);
    it->writing = mem_alloc(LOGFILE_BYTES);
    it->path = path == NULL ? NULL : mem_strdup(path);
    enum rc rc = it->filling == NULL || it->writing == NULL || (path != NULL && it->path == NULL) ? RC_NO_MEMORY : RC_OK;
    rc = rc != RC_OK || path == NULL ? rc : open_file(path, &it->fd, why);
    rc = rc != RC_OK ? rc : start(it);
    if (rc != RC_OK) {
        logfile_close(it);
        return rc;
    }
    *ret = it;
    return RC_OK;
}

enum rc logfile_reopen(struct logfile *it, struct why *why)
{
    int fd = -1;
    if (it == NULL || it->path == NULL) {
        return RC_OK;
    }
    const enum rc rc = open_file(it->path, &fd, why);
    if (rc != RC_OK) {
        return rc;
    }
    MUST(pthread_mutex_lock(&it->lock) == 0);
    const int unused = it->next_fd;
    it->next_fd = fd;
    (void)pthread_cond_signal(&it->more); /* as above */
    MUST(pthread_mutex_unlock(&it->lock) == 0);
    if (unused >= 0) {
        (void)close(unused); /* nothing was written there */
    }
    return RC_OK;
}

static void stop(struct logfile *it)
{
    MUST(pthread_mutex_lock(&it->lock) == 0);
    it->stopping = true;
    atomic_store(&it->give_up_ns, mono_now().ns + LOGFILE_FLUSH_MS * INT64_C(1000000));
    (void)pthread_cond_signal(&it->more); /* as above */
    MUST(pthread_mutex_unlock(&it->lock) == 0);
    MUST(pthread_join(it->thread, NULL) == 0);
    MUST(pthread_cond_destroy(&it->more) == 0);
    MUST(pthread_mutex_destroy(&it->lock) == 0);
}

void logfile_close(struct logfile *it)
{
    if (it == NULL) {
        return;
    }
    if (it->running) {
        stop(it);
    }
    if (it->fd >= 0) {
        (void)close(it->fd); /* every write was looked at */
    }
    mem_free(it->filling);
    mem_free(it->writing);
    mem_free(it->path);
    mem_free(it);
}
