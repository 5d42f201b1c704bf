/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *const names[] = { "error", "warn", "info", "debug" };
static _Atomic int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

bool log_level_from_name(const char *name, enum log_level *ret)
{
    for (int i = 0; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_raw(const char *line, unsigned long n)
{
    const int saved = errno;
    struct iovec parts[2] = { { (void *)line, n }, { (void *)"\n", 1 } };
    if (writev(STDERR_FILENO, parts, 2) < 0) {
        /* a log that cannot be written has nowhere to say so */
    }
    errno = saved;
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed)) {
        return;
    }
    char line[LOG_LINE_MAX];
    int n = snprintf(line, sizeof(line), "level=%s event=%s ", names[level], event);
    va_list args;
    va_start(args, format);
    const int more = vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
    va_end(args);
    n = more < 0 ? n : n + more;
    n = n >= (int)sizeof(line) ? (int)sizeof(line) - 1 : n;
    log_raw(line, (unsigned long)n);
}

struct log_quoted log_quote(const char *text)
{
    struct log_quoted out;
    size_t n = 0;
    out.text[n++] = '"';
    for (; text != NULL && *text != '\0' && n < LOG_QUOTE_MAX; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            out.text[n++] = '\\';
        }
        out.text[n++] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    out.text[n++] = '"';
    out.text[n] = '\0';
    return out;
}
