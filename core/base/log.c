/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/str.h"

static const char *const names[] = { "error", "warn", "info", "debug" };
static _Atomic int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
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
    const int saved = errno;
    char line[LOG_LINE_MAX];
    char fields[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args); /* a line too long is cut */
    va_end(args);
    (void)snprintf(line, sizeof(line), "level=%s event=%.100s%.3800s", names[level], event, strcmp(fields, " ") == 0 ? "" : fields);
    str_make_printable(line);
    log_raw(line, strlen(line));
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
