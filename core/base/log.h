/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/rc.h"

/*
 * Levelled key=value lines on stderr: level=info event=model_loaded model="m" params=50890
 *
 * The event is a constant; everything that varies is a field of the format.
 * A string that comes from outside goes through log_quote(). One line is one
 * write(2), so lines of several threads stay whole; what is not printable in it
 * becomes '?', so that nobody outside can begin a line. errno is kept.
 *
 * Nobody waits for stderr: while its reader does not take what is there, lines are
 * left out, and event=log_lines_lost says how many once it reads again.
 *
 * error: someone must act. warn: handled, and says how. info: life events. debug: free.
 * Threads: any. Memory: none. Never log a secret, a payload or personal data.
 */

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

#define LOG_LINE_MAX  4000 /* one atomic write to a pipe is 4096 bytes */
#define LOG_QUOTE_MAX 200  /* bytes of a string that log_quote() shows */

struct log_quoted {
    char text[2 * LOG_QUOTE_MAX + sizeof("\"\"...")];
};

void log_set_level(enum log_level level);

#define log_error(event, ...) log_line(LOG_LEVEL_ERROR, event, " " __VA_ARGS__)
#define log_warn(event, ...)  log_line(LOG_LEVEL_WARN, event, " " __VA_ARGS__)
#define log_info(event, ...)  log_line(LOG_LEVEL_INFO, event, " " __VA_ARGS__)
#define log_debug(event, ...) log_line(LOG_LEVEL_DEBUG, event, " " __VA_ARGS__)

/* What the macros call: their format begins with a blank, so that it is never empty. */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* log_info("job_failed", "job=%s why=%s", id, log_quote(text).text): quoted, escaped, cut with "...".
 * NULL counts as empty. */
struct log_quoted log_quote(const char *text);

/* Whole lines made elsewhere, at most LOG_LINE_MAX bytes with their newlines, in one write. RC_BUSY: there is no
 * room now, nothing was written; RC_IO: stderr cannot be written. */
enum rc log_write(const char *lines, unsigned long n) MUST_CHECK;

#endif
