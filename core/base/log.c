/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/str.h"

#define LOG_NOTICE_MAX 90 /* with the longest line still one write that a pipe takes at once */

static const char *const names[] = { "error", "warn", "info", "debug" };
static _Atomic int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

/* Guards lost, and that nobody else of this process takes the room that was seen. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static unsigned long lost;

/* Room for LOG_LINE_MAX bytes: of a pipe it has a whole page free when it can be written at all. */
static bool has_room(void)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLOUT | POLLERR)) != 0;
}

enum rc log_write(const char *lines, unsigned long n)
{
    const int saved = errno;
    (void)pthread_mutex_lock(&writing); /* cannot fail: it is never destroyed, nor taken twice */
    enum rc rc = RC_BUSY;
    if (has_room()) {
        rc = write(STDERR_FILENO, lines, n) == (ssize_t)n ? RC_OK : RC_IO;
    }
    (void)pthread_mutex_unlock(&writing); /* held */
    errno = saved;
    return rc;
}

/* A line that finds no room is left out, and the next one that does says how many were. */
static void write_line(const char *line, size_t n)
{
    char notice[LOG_NOTICE_MAX];
    (void)pthread_mutex_lock(&writing); /* as above */
    if (has_room()) {
        const int notice_size = lost == 0 ? 0 : snprintf(notice, sizeof(notice), "level=warn event=log_lines_lost lines=%lu\n", lost);
        struct iovec parts[2] = { { notice, (size_t)notice_size }, { (void *)line, n } };
        lost = writev(STDERR_FILENO, parts, 2) < 0 ? lost + 1 : 0;
    } else {
        lost++;
    }
    (void)pthread_mutex_unlock(&writing); /* held */
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed)) {
        return;
    }
    const int saved = errno;
    char line[LOG_LINE_MAX];
    char fields[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args); /* a line too long is cut */
    va_end(args);
    (void)snprintf(line, sizeof(line), "level=%s event=%.100s%.3800s", names[level], event, strcmp(fields, " ") == 0 ? "" : fields);
    str_make_printable(line);
    const size_t n = strlen(line); /* less than 3940, so there is room for one byte more */
    line[n] = '\n';
    write_line(line, n + 1);
    errno = saved;
}

struct log_quoted log_quote(const char *text)
{
    const size_t length = text == NULL ? 0 : strlen(text);
    const size_t kept = length > LOG_QUOTE_MAX ? LOG_QUOTE_MAX : length;
    char shown[LOG_QUOTE_MAX + 1] = "";
    memcpy(shown, text == NULL ? "" : text, kept);
    str_make_printable(shown);
    struct log_quoted out;
    size_t n = 0;
    out.text[n++] = '"';
    for (const char *p = shown; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            out.text[n++] = '\\';
        }
        out.text[n++] = *p;
    }
    (void)snprintf(out.text + n, sizeof(out.text) - n, "%s\"", kept < length ? "..." : ""); /* room was left for it */
    return out;
}
