/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_FEED_H
#define CORE_SERVICE_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rc.h"

/*
 * The events of one job, and watchers' places in them.
 *
 * An event log is what a job tells while it runs. Events of epochs carry their
 * epoch as id and are all kept (their number is bounded by the job's epochs), so
 * a watcher that comes back with its last id misses none. Progress events have
 * no id and only the newest is kept. "done" is the last and has the id of the
 * last epoch plus one.
 *
 * Threads: any; one lock a log; wake functions are called with it held, so that
 * feed_close() can promise that none comes later: they must not block nor call
 * back. Memory: a log is counted (pin, unpin); texts are copied. Logs: no.
 */

struct event_log;
struct feed;

struct feed_event {
    int64_t id;       /* -1: none */
    const char *type; /* "progress", "epoch" or "done" */
    char *data;       /* JSON text, the caller frees with mem_free() */
};

/* With one pin for the caller; NULL: no memory. */
struct event_log *event_log_create(void);
struct event_log *event_log_pin(struct event_log *log);
void event_log_unpin(struct event_log *log);

/* Each replaces nothing that was told before and wakes the watchers. RC_NO_MEMORY. */
enum rc event_log_epoch(struct event_log *log, int64_t epoch, const char *json);
enum rc event_log_progress(struct event_log *log, const char *json);
enum rc event_log_done(struct event_log *log, const char *json);

/* A watcher from the event after the id on (0: from the first). The feed pins the log. NULL: no memory. */
struct feed *feed_open(struct event_log *log, int64_t after, void (*wake)(void *arg), void *arg);

/* The next event, without waiting: RC_OK; RC_UNAVAILABLE: none yet; RC_GONE: "done" was given; RC_NO_MEMORY. */
enum rc feed_next(struct feed *feed, struct feed_event *ret) MUST_CHECK;

/* After it returns, wake is not called any more. NULL is fine. */
void feed_close(struct feed *feed);

#endif
