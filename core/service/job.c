/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/job.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/service/job_body.h"
#include "core/service/jobspec.h"
#include "core/service/registry.h"
#include "core/service/trainer.h"
#include "core/work/jobstate.h"

/* --- reading --- */

static enum rc get_row(struct service *service, const char *id, struct region *region, struct job_row *row,
                       struct why *why)
{
    const enum rc rc = store_job_get(service->store, id, region, row, why);
    registry_settle(service->registry); /* whoever is told that it has succeeded finds its label in place */
    return rc == RC_NOT_FOUND ? why_fail(why, rc, "", "there is no job %s", id) : rc;
}

static enum rc reply(struct service *service, const struct job_row *row, struct region *region,
                     struct doc **ret, struct why *why)
{
    struct job_history history;
    const enum rc rc = store_job_history(service->store, row->id, 0, JOBSPEC_EPOCHS_MAX, region, &history, why);
    return rc == RC_OK ? job_reply(row, &history, ret, why) : rc;
}

enum rc service_job_get(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_row row;
    const enum rc rc = get_row(service, id, &region, &row, why);
    return rc == RC_OK ? reply(service, &row, &region, ret, why) : rc;
}

enum rc service_job_list(struct service *service, const struct page *page, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const struct store_page rows = service_page(page);
    struct job_list list;
    enum rc rc = store_job_list(service->store, NULL, &rows, &region, &list, why);
    registry_settle(service->registry); /* as in get_row() */
    AUTO_PTR(doc) struct doc *data = doc_new_list();
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        struct doc *item = NULL;
        rc = job_reply(&list.rows[i], NULL, &item, why); /* without histories: a list stays small */
        rc = rc == RC_OK ? doc_add(data, item) : rc;
    }
    if (rc != RC_OK) {
        return rc;
    }
    *ret = service_list(TAKE(data), list.has_more);
    return *ret == NULL ? RC_NO_MEMORY : RC_OK;
}

/* --- changing --- */

/* The job ended while it did not run: its watchers are told in the words that GET answers. */
static void tell_ended(struct service *service, const char *id)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_row row;
    AUTO_FREE char *json = NULL;
    const enum rc rc = store_job_get(service->store, id, &region, &row, NULL);
    const bool known = rc == RC_OK && job_done_json(&row, &json) == RC_OK;
    trainer_forget(service->trainer, id, known ? json : NULL);
}

static bool has_ended(const struct job_row *row)
{
    enum jobstate state;
    return jobstate_from_name(row->status, &state) && jobstate_is_final(state);
}

/* A paused job of an earlier run becomes live again. Looked at afterwards, since one that ended before it was
 * live would stay so for ever. RC_CONFLICT: it has ended. */
static enum rc make_live(struct service *service, const char *id, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_row row;
    enum rc rc = trainer_add(service->trainer, id, why);
    if (rc == RC_OK) {
        rc = get_row(service, id, &region, &row, why);
    }
    if (rc == RC_OK && has_ended(&row)) {
        tell_ended(service, id);
        rc = RC_CONFLICT;
    }
    return rc;
}

/* What the three verbs are: from which states to which, and what a running job is asked. */
struct verb {
    const char *word;
    enum jobstate from[2];
    enum jobstate to;
    enum ask ask; /* ASK_NOTHING: a running job cannot */
};

static enum rc refuse(const struct verb *verb, const struct job_row *row, struct why *why)
{
    return why_fail(why, RC_CONFLICT, "", "a job that is %s cannot be %s", row->status, verb->word);
}

static bool fits(const struct verb *verb, const struct job_row *row)
{
    return strcmp(row->status, jobstate_name(verb->from[0])) == 0 || strcmp(row->status, jobstate_name(verb->from[1])) == 0;
}

/* Moves a job that does not run. RC_CONFLICT: it has just left the state that the row shows. */
static enum rc move_idle(struct service *service, const struct verb *verb, const struct job_row *row, struct why *why)
{
    const bool is_final = jobstate_is_final(verb->to);
    const struct job_move move = {
        .from = row->status,
        .to = jobstate_name(verb->to),
        .finished_at = is_final ? wall_seconds() : 0,
        .drop_checkpoint = is_final,
    };
    return service_move_job(service, row->id, &move, why);
}

/* Moves it and has the trainer follow. */
static enum rc change_idle(struct service *service, const struct verb *verb, const struct job_row *row, struct why *why)
{
    const bool wakes = verb->to == JOBSTATE_QUEUED;
    enum rc rc = wakes ? make_live(service, row->id, why) : RC_OK;
    if (rc == RC_OK) {
        rc = move_idle(service, verb, row, why);
    }
    if (rc == RC_OK && wakes) {
        trainer_wake(service->trainer, row->id);
    } else if (rc == RC_OK && jobstate_is_final(verb->to)) {
        tell_ended(service, row->id);
    }
    return rc;
}

/* A job may begin or end to run between our look and our move: then we look once more. */
#define LOOKS 8

static enum rc apply(struct service *service, const struct verb *verb, const char *id, struct doc **ret,
                     struct why *why)
{
    enum rc rc = RC_CONFLICT;
    for (int look = 0; rc == RC_CONFLICT && look < LOOKS; look++) {
        AUTO(region) struct region region;
        region_init(&region, SERVICE_REGION_MAX);
        struct job_row row;
        rc = get_row(service, id, &region, &row, why);
        if (rc != RC_OK) {
            return rc;
        }
        const bool runs = strcmp(row.status, jobstate_name(JOBSTATE_RUNNING)) == 0;
        if (runs ? verb->ask == ASK_NOTHING : !fits(verb, &row)) {
            return refuse(verb, &row, why);
        }
        if (runs) {
            rc = trainer_ask(service->trainer, id, verb->ask) ? RC_OK : RC_CONFLICT;
        } else {
            rc = change_idle(service, verb, &row, why);
        }
    }
    if (rc == RC_CONFLICT) {
        return why_fail(why, rc, "", "the job is just being %s, or changes its state; ask again", verb->ask == ASK_PAUSE ? "cancelled" : "started or stopped");
    }
    return rc == RC_OK ? service_job_get(service, id, ret, why) : rc;
}

enum rc service_job_cancel(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    static const struct verb cancel = { "cancelled", { JOBSTATE_QUEUED, JOBSTATE_PAUSED }, JOBSTATE_CANCELLED, ASK_CANCEL };
    return apply(service, &cancel, id, ret, why);
}

enum rc service_job_pause(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    static const struct verb pause = { "paused", { JOBSTATE_QUEUED, JOBSTATE_QUEUED }, JOBSTATE_PAUSED, ASK_PAUSE };
    return apply(service, &pause, id, ret, why);
}

enum rc service_job_resume(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    static const struct verb resume = { "resumed", { JOBSTATE_PAUSED, JOBSTATE_PAUSED }, JOBSTATE_QUEUED, ASK_NOTHING };
    return apply(service, &resume, id, ret, why);
}

/* --- watching --- */

/* The events of a job that has ended, made from its record. */
static enum rc recorded_log(struct service *service, const struct job_row *row, struct region *region,
                            struct event_log **ret, struct why *why)
{
    struct job_history history;
    AUTO_FREE char *json = NULL;
    struct event_log *log = event_log_create();
    enum rc rc = log == NULL ? RC_NO_MEMORY : store_job_history(service->store, row->id, 0, JOBSPEC_EPOCHS_MAX, region, &history, why);
    for (size_t i = 0; rc == RC_OK && i < history.count; i++) {
        rc = event_log_epoch(log, history.epochs[i].epoch, history.epochs[i].body);
    }
    if (rc == RC_OK) {
        rc = job_done_json(row, &json);
    }
    if (rc == RC_OK) {
        rc = event_log_done(log, json);
    }
    if (rc != RC_OK) {
        event_log_unpin(log);
        return rc;
    }
    *ret = log;
    return RC_OK;
}

/* The log of any job, pinned. It may end between our look and our taking its log: then we look once more. */
static enum rc open_log(struct service *service, const char *id, struct event_log **ret, struct why *why)
{
    enum rc rc = RC_CONFLICT;
    for (int look = 0; rc == RC_CONFLICT && look < LOOKS; look++) {
        AUTO(region) struct region region;
        region_init(&region, SERVICE_REGION_MAX);
        struct job_row row;
        struct event_log *log = trainer_log(service->trainer, id);
        if (log != NULL) {
            *ret = log;
            return RC_OK;
        }
        rc = get_row(service, id, &region, &row, why);
        if (rc == RC_OK && has_ended(&row)) {
            return recorded_log(service, &row, &region, ret, why);
        }
        if (rc == RC_OK) {
            rc = make_live(service, id, why);
        }
        rc = rc == RC_OK ? RC_CONFLICT : rc; /* live now, most likely */
    }
    return rc;
}

enum rc service_job_feed(struct service *service, const char *id, int64_t after, void (*wake)(void *arg), void *arg,
                         struct feed **ret, struct why *why)
{
    struct event_log *log;
    const enum rc rc = open_log(service, id, &log, why);
    if (rc != RC_OK) {
        return rc;
    }
    struct feed *feed = feed_open(log, after, wake, arg);
    event_log_unpin(log);
    *ret = feed;
    return feed == NULL ? RC_NO_MEMORY : RC_OK;
}

static void never_wake(void *arg)
{
}

/* {"id":…,"event":…,"data":{…}} */
static enum rc add_event(struct doc *list, const struct feed_event *event, struct why *why)
{
    AUTO_PTR(doc) struct doc *item = doc_new_object();
    struct doc *data = NULL;
    enum rc rc = event->id < 0 ? RC_OK : doc_put_integer(item, "id", event->id);
    if (rc == RC_OK) {
        rc = doc_put_string(item, "event", event->type);
    }
    if (rc == RC_OK) {
        rc = service_stored(event->data, &data, why);
    }
    if (rc == RC_OK) {
        rc = doc_put(item, "data", data);
    }
    return rc == RC_OK ? doc_add(list, TAKE(item)) : rc;
}

enum rc service_job_events(struct service *service, const char *id, struct doc **ret, struct why *why)
{
    struct feed *feed;
    enum rc rc = service_job_feed(service, id, 0, never_wake, NULL, &feed, why);
    if (rc != RC_OK) {
        return rc;
    }
    AUTO_PTR(doc) struct doc *data = doc_new_list();
    struct feed_event event;
    while (rc == RC_OK && (rc = feed_next(feed, &event)) == RC_OK) {
        rc = add_event(data, &event, why);
        mem_free(event.data);
    }
    feed_close(feed);
    if (rc != RC_UNAVAILABLE && rc != RC_GONE) {
        return rc;
    }
    *ret = service_list(TAKE(data), false);
    return *ret == NULL ? RC_NO_MEMORY : RC_OK;
}
