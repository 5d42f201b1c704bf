/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/session.h"

/*
 * Watching a job: its server-sent events as a bar on a terminal, as a line per
 * epoch elsewhere.
 *
 * A broken connection is taken up again behind the last event that came; a
 * server that does not stream is asked once a second. Ctrl-C ends the watching,
 * never the job.
 *
 * Threads: one. Memory: none kept. Logs: no.
 */

#define WATCH_TRIES_MAX 8 /* broken connections in a row without a single event */

/* Until the job has ended; then prints it. OUTCOME_JOB_FAILED unless it succeeded; OUTCOME_INTERRUPTED. */
enum outcome watch_job(const struct session *session, const char *id) MUST_CHECK;

/* From now on Ctrl-C sets a flag instead of ending the process. */
void watch_catch_interrupts(void);
bool watch_is_interrupted(void);

#endif
