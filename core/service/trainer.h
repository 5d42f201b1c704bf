/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_TRAINER_H
#define CORE_SERVICE_TRAINER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/id.h"
#include "core/service/feed.h"
#include "core/service/internal.h"
#include "core/store/job.h"

/*
 * The threads that run jobs, and the jobs that have not ended ("live" ones).
 *
 * The store's row says in which state a job is, and every change of it is a
 * compare-and-move there; what is here tells a running job to stop, keeps the
 * order of the waiting ones, and holds the events that watchers read.
 *
 *   submit, resume --> [waiting] --> running --> ended (forgotten here)
 *                                      |-------> paused (live, not waiting)
 *                                      '-------> interrupted: trainer_stop()
 *
 * Threads: trainer threads are licit-t0, ..., SCHED_BATCH and nice 19. All
 * calls from any thread. Logs: job_started, job_ended, job_interrupted.
 */

struct trainer;

/* What a running job is asked; looked at between batches. */
enum ask {
    ASK_NOTHING,
    ASK_PAUSE,
    ASK_CANCEL,
    ASK_STOP
};

/* A job that has not ended. Everything but `ask` is constant while it runs. */
struct live_job {
    char id[ID_SIZE];
    struct event_log *log;
    atomic_int ask;
    bool waiting, running, ended; /* guarded by the trainer's lock; ended: to be forgotten when it runs no more */
    struct live_job *next;        /* in the order of arrival; guarded likewise */
};

enum rc trainer_create(struct service *service, struct trainer **ret) MUST_CHECK;

/* Goes on with every job that the store has as queued or running. */
enum rc trainer_recover(struct trainer *trainer, struct why *why) MUST_CHECK;

/* Interrupts what runs and joins the threads. Idempotent. */
void trainer_stop(struct trainer *trainer);
void trainer_destroy(struct trainer *trainer);

/* Is there room for one more? */
bool trainer_is_full(struct trainer *trainer);

/* Makes the job live, with its history as events; one that is live stays as it is. It runs only after
 * trainer_wake(), so that everything that may fail comes before the store says "queued". RC_NO_MEMORY and
 * what the store gives. */
enum rc trainer_add(struct trainer *trainer, const char *id, struct why *why) MUST_CHECK;

/* The job waits its turn. One that the store does not have as queued is left alone when its turn comes. */
void trainer_wake(struct trainer *trainer, const char *id);

/* Asks a running job; false: it does not run. What was asked to be cancelled is not paused any more. */
bool trainer_ask(struct trainer *trainer, const char *id, enum ask ask);

/* A job that did not run ended in the store: tells its watchers (done_json NULL: no memory for it) and forgets it. */
void trainer_forget(struct trainer *trainer, const char *id, const char *done_json);

/* The events of a live job, pinned; NULL: it is not live. */
struct event_log *trainer_log(struct trainer *trainer, const char *id);

/* What the trainer calls for each job, one file a type. RC_CANCELLED: live->ask said so. On RC_OK the
 * job's last move is in the store. */
enum rc train_run(struct service *service, struct live_job *live, const struct job_row *row,
                  struct why *why) MUST_CHECK;
enum rc evaluate_run(struct service *service, struct live_job *live, const struct job_row *row,
                     struct why *why) MUST_CHECK;

#endif
