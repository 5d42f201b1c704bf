/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_LOGFILE_H
#define SERVER_LOGFILE_H

#include <stddef.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Where the lines of the request log go: a thread of its own (licit-log) takes
 * them out of memory and writes them to stderr or a file.
 *
 * Two buffers of LOGFILE_BYTES take turns: requests fill one while the thread
 * writes the other, so a request waits for a copy of its line and never for a
 * disk or a pipe. A line that finds the buffer full is dropped and counted, and
 * {"event":"request_log_dropped","lines":n} stands where it would have been. Lines
 * are written whole; what a full disk tore is cut off again.
 *
 * Threads: as said at each function. Memory: logfile_close(). Logs: a warning when the file
 * cannot be written, once until it can be again.
 */

#define LOGFILE_BYTES     (1u << 20) /* of one buffer; some 2500 lines */
#define LOGFILE_GATHER_MS 10         /* how long the thread waits for more after the first line */
#define LOGFILE_FLUSH_MS  2000       /* how long closing waits for a reader of stderr */

struct logfile;

/* path NULL: stderr. Else a file, which is made with mode 0640 or appended to. RC_IO, RC_NO_MEMORY. Main thread. */
enum rc logfile_open(const char *path, struct logfile **ret, struct why *why) MUST_CHECK;

/* One line without its newline. Any thread; never blocks. The first argument is a struct logfile. */
void logfile_write(void *logfile, const char *line, size_t n);

/* Opens the file anew, after it was moved away; when that fails, the old one stays. NULL, stderr: nothing to do. Main thread. */
enum rc logfile_reopen(struct logfile *logfile, struct why *why) MUST_CHECK;

/* Writes what is there and ends the thread. Nobody may write any more. NULL: nothing. */
void logfile_close(struct logfile *logfile);

#endif
