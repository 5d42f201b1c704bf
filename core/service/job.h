/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_JOB_H
#define CORE_SERVICE_JOB_H

#include "core/base/field.h"
#include "core/service/service.h"

/*
 * Jobs: submit, watch, cancel, pause, resume. Durable: a job is in the store
 * before the submission is answered, and every completed epoch with its
 * checkpoint is in the store before it is told to anyone.
 *
 * Threads: any; all calls but feed_next(): disk.
 */

/* Bodies (contract: Job). job_request_options: "type" tells train from evaluate. */
extern const struct schema job_train_schema;
extern const struct schema job_evaluate_schema;
extern const struct field job_request; /* a FIELD_VARIANT row over the two */
extern const struct schema job_schema; /* the reply */

/* RC_DENIED (the caller lacks dataset:<id>:train or model:<name>:deploy), RC_NOT_FOUND, RC_INVALID, RC_UNPROCESSABLE, RC_BUSY. */
enum rc service_job_submit(struct service *service, const struct caller *caller, const struct doc *body,
                           struct doc **ret, struct why *why) MUST_CHECK;

enum rc service_job_get(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_job_list(struct service *service, const struct page *page, struct doc **ret, struct why *why) MUST_CHECK;

/* RC_CONFLICT when the job's state does not allow it. The reply is the job; a running one stops at its next batch. */
enum rc service_job_cancel(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_job_pause(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_job_resume(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;

/*
 * A feed is one watcher's place in a job's events. Events of epochs carry their
 * epoch as id, so a watcher that comes back with its last id misses none;
 * progress events have no id and only the newest is kept; "done" is the last.
 */
struct feed;

struct feed_event {
    int64_t id;       /* -1: none */
    const char *type; /* "progress", "epoch" or "done" */
    char *data;       /* JSON text, the caller frees with mem_free() */
};

/* wake(arg) is called (from a trainer's thread, it must not block nor call back) when there may be more. */
enum rc feed_open(struct service *service, const char *job, int64_t after, void (*wake)(void *arg), void *arg,
                  struct feed **ret, struct why *why) MUST_CHECK;

/* The next event without waiting or touching the disk: RC_OK; RC_UNAVAILABLE: none yet; RC_GONE: "done" was given. */
enum rc feed_next(struct feed *feed, struct feed_event *ret) MUST_CHECK;

/* After it returns, wake is not called any more. NULL is fine. */
void feed_close(struct feed *feed);

/* All events so far as a list reply [{"id","event","data"}]. */
enum rc service_job_events(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;

#endif
