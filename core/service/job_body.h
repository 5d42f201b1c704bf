/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_JOB_BODY_H
#define CORE_SERVICE_JOB_BODY_H

#include "core/base/field.h"
#include "core/store/job.h"

/*
 * What is told of a job: the reply of GET (contract: Job), the data of its
 * events, and the parts of its row that are JSON.
 *
 * Threads: any. Memory: documents and texts are the caller's. Logs: no.
 */

struct job_progress {
    int64_t epoch, epochs; /* epochs completed, epochs in all */
    double fraction;       /* of the whole job, 0 to 1 */
    double rows_per_second;
    double eta_seconds;
};

extern const struct schema job_schema;
extern const struct schema job_progress_schema;

/* The reply of a row and its history. RC_CORRUPT: a stored text is not JSON; RC_NO_MEMORY. */
enum rc job_reply(const struct job_row *row, const struct job_history *history, struct doc **ret,
                  struct why *why) MUST_CHECK;

/* "done": {"status","version"?,"metrics"?,"error"?,"weights_digest"?}; freed with mem_free(). */
enum rc job_done_json(const struct job_row *row, char **ret) MUST_CHECK;

/* {"code","detail","path"?} */
enum rc job_error_json(enum rc rc, const struct why *why, char **ret) MUST_CHECK;

enum rc job_progress_json(const struct job_progress *progress, char **ret) MUST_CHECK;

#endif
