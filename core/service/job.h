/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_JOB_H
#define CORE_SERVICE_JOB_H

#include "core/base/field.h"
#include "core/service/feed.h"
#include "core/service/service.h"

/*
 * Jobs: submit, watch, cancel, pause, resume. Durable: a job is in the store
 * before the submission is answered, and every completed epoch with its
 * checkpoint is in the store before it is told to anyone.
 *
 * Threads: any; all calls: disk.
 */

extern const struct schema job_schema; /* the reply; the request is job_request of core/service/jobspec.h */

/* RC_DENIED (the caller lacks dataset:<id>:train or model:<name>:deploy), RC_NOT_FOUND, RC_INVALID, RC_UNPROCESSABLE, RC_BUSY. */
enum rc service_job_submit(struct service *service, const struct caller *caller, const struct doc *body,
                           struct doc **ret, struct why *why) MUST_CHECK;

enum rc service_job_get(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_job_list(struct service *service, const struct page *page, struct doc **ret,
                         struct why *why) MUST_CHECK;

/* RC_CONFLICT when the job's state does not allow it. The reply is the job; a running one stops at its next batch. */
enum rc service_job_cancel(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_job_pause(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_job_resume(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;

/* A watcher's place in the job's events (core/service/feed.h), those with an id above `after`; 0: from the
 * first. wake(arg) is called from a trainer's thread when there may be more: it must not block nor call back. */
enum rc service_job_feed(struct service *service, const char *id, int64_t after, void (*wake)(void *arg), void *arg,
                         struct feed **ret, struct why *why) MUST_CHECK;

/* All events so far as a list reply [{"id","event","data"}]. */
enum rc service_job_events(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;

#endif
