/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/trainer.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/service/job_body.h"
#include "core/work/jobstate.h"

#define TRAINERS_MAX 16

struct trainer {
    struct service *service;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int threads; /* that were started */
    pthread_t thread[TRAINERS_MAX];
    /* guarded by lock */
    bool stopping;
    struct live_job *first;
    int count;
};

static struct live_job *find(struct trainer *trainer, const char *id)
{
    for (struct live_job *job = trainer->first; job != NULL; job = job->next) {
        if (strcmp(job->id, id) == 0) {
            return job;
        }
    }
    return NULL;
}

static void free_job(struct live_job *job)
{
    if (job != NULL) {
        event_log_unpin(job->log);
        mem_free(job);
    }
}

static void unlink_job(struct trainer *trainer, const struct live_job *job)
{
    for (struct live_job **at = &trainer->first; *at != NULL; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            trainer->count--;
            return;
        }
    }
}

/* Waits for a job whose turn it is; NULL: stopping. */
static struct live_job *take(struct trainer *trainer)
{
    pthread_mutex_lock(&trainer->lock);
    struct live_job *job = NULL;
    while (!trainer->stopping) {
        for (job = trainer->first; job != NULL && (!job->waiting || job->running); job = job->next) {
        }
        if (job != NULL) {
            break;
        }
        pthread_cond_wait(&trainer->changed, &trainer->lock);
    }
    if (job != NULL) {
        job->waiting = false;
        job->running = true;
        atomic_store(&job->ask, ASK_NOTHING);
    }
    pthread_mutex_unlock(&trainer->lock);
    return job;
}

/* The job is over for now: forgotten, or kept aside when it is only paused. It may wait again by now; then
 * this thread's next look finds it. Returns whether it is kept although it was asked to be cancelled. */
static bool give_back(struct trainer *trainer, struct live_job *job, bool keep)
{
    pthread_mutex_lock(&trainer->lock);
    job->running = false;
    keep = keep && !job->ended;
    const bool late = keep && atomic_load(&job->ask) == ASK_CANCEL;
    if (!keep) {
        unlink_job(trainer, job);
    }
    pthread_mutex_unlock(&trainer->lock);
    if (!keep) {
        free_job(job);
    }
    return late;
}

/* Tells the watchers how it ended, in the words that GET answers. */
static void tell_done(struct trainer *trainer, struct live_job *job)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_row row;
    AUTO_FREE char *json = NULL;
    enum rc rc = store_job_get(trainer->service->store, job->id, &region, &row, NULL);
    if (rc == RC_OK) {
        rc = job_done_json(&row, &json);
    }
    if (rc == RC_OK) {
        rc = event_log_done(job->log, json);
    }
    if (rc != RC_OK) {
        log_warn("job_done_untold", "job=%s rc=%s", job->id, rc_name(rc));
    }
}

/* The last move of a job that did not succeed. Returns whether it stays live. */
static bool end_unsuccessful(struct trainer *trainer, struct live_job *job, enum jobstate from, enum rc rc,
                             const struct why *why)
{
    const int ask = atomic_load(&job->ask);
    struct job_move move = { .from = jobstate_name(from) };
    AUTO_FREE char *error = NULL;
    enum jobstate to = JOBSTATE_FAILED;
    if (rc == RC_CANCELLED) {
        to = ask == ASK_CANCEL ? JOBSTATE_CANCELLED : ask == ASK_PAUSE ? JOBSTATE_PAUSED
                                                                       : JOBSTATE_QUEUED;
    } else {
        move.error = job_error_json(rc, why, &error) == RC_OK ? error : NULL; /* without memory it fails without words */
    }
    move.to = jobstate_name(to);
    if (jobstate_is_final(to)) {
        move.finished_at = wall_seconds();
        move.drop_checkpoint = true;
    }
    struct why moved = { 0 };
    const enum rc kept = service_move_job(trainer->service, job->id, &move, &moved);
    if (kept != RC_OK) {
        log_error("job_state_lost", "job=%s to=%s rc=%s why=%s", job->id, move.to, rc_name(kept), log_quote(moved.text).text);
    }
    log_info("job_ended", "job=%s status=%s why=%s", job->id, move.to, log_quote(to == JOBSTATE_FAILED ? why->text : "").text);
    if (jobstate_is_final(to)) {
        tell_done(trainer, job);
    } else if (to == JOBSTATE_PAUSED) {
        (void)event_log_progress(job->log, "{\"status\":\"paused\"}"); /* who misses it sees no progress */
    }
    return !jobstate_is_final(to);
}

static enum rc run_by_type(struct trainer *trainer, struct live_job *job, const struct job_row *row, struct why *why)
{
    return strcmp(row->type, "train") == 0 ? train_run(trainer->service, job, row, why)
                                           : evaluate_run(trainer->service, job, row, why);
}

/* One job from its move to running to its last move. Returns whether it stays live. */
static bool run_job(struct trainer *trainer, struct live_job *job)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_row row;
    struct why why = { 0 };
    struct job_move start = {
        .from = jobstate_name(JOBSTATE_QUEUED),
        .to = jobstate_name(JOBSTATE_RUNNING),
    };
    enum rc rc = store_job_get(trainer->service->store, job->id, &region, &row, &why);
    if (rc == RC_OK) {
        start.started_at = row.started_at == 0 ? wall_seconds() : 0;
        rc = service_move_job(trainer->service, job->id, &start, &why);
    }
    if (rc == RC_CONFLICT) {
        return true; /* paused or cancelled while it waited; who cancelled it says that it has ended */
    }
    if (rc != RC_OK) {
        return end_unsuccessful(trainer, job, JOBSTATE_QUEUED, rc, &why);
    }
    log_info("job_started", "job=%s type=%s model=%s epoch=%lld", job->id, row.type, row.model, (long long)row.checkpoint_epoch);
    rc = run_by_type(trainer, job, &row, &why);
    if (rc == RC_OK) {
        log_info("job_ended", "job=%s status=succeeded", job->id);
        tell_done(trainer, job);
        return false;
    }
    return end_unsuccessful(trainer, job, JOBSTATE_RUNNING, rc, &why);
}

/* Predictions must not feel training: batch scheduling and the lowest priority, for this thread and those it makes. */
static void be_humble(void)
{
    const struct sched_param none = { 0 };
    if (pthread_setschedparam(pthread_self(), SCHED_BATCH, &none) != 0 || setpriority(PRIO_PROCESS, 0, 19) != 0) {
        log_warn("trainer_priority", "detail=\"could not lower the priority; predictions may feel training\"");
    }
}

/* A cancel that was answered while the job's move to another state was being written: it still holds. */
static void cancel_late(struct trainer *trainer, const char *id)
{
    static const enum jobstate kept[] = { JOBSTATE_PAUSED, JOBSTATE_QUEUED };
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_row row;
    AUTO_FREE char *json = NULL;
    enum rc rc = RC_CONFLICT;
    for (size_t i = 0; rc == RC_CONFLICT && i < COUNT_OF(kept); i++) {
        const struct job_move move = {
            .from = jobstate_name(kept[i]),
            .to = jobstate_name(JOBSTATE_CANCELLED),
            .finished_at = wall_seconds(),
            .drop_checkpoint = true,
        };
        rc = service_move_job(trainer->service, id, &move, NULL);
    }
    if (rc == RC_CONFLICT) { /* resumed, and another thread has it */
        (void)trainer_ask(trainer, id, ASK_CANCEL);
        return;
    }
    rc = rc != RC_OK ? rc : store_job_get(trainer->service->store, id, &region, &row, NULL);
    rc = rc != RC_OK ? rc : job_done_json(&row, &json);
    log_info("job_ended", "job=%s status=cancelled rc=%s", id, rc_name(rc));
    trainer_forget(trainer, id, json);
}

static void *serve(void *arg)
{
    struct trainer *trainer = arg;
    be_humble();
    for (struct live_job *job = take(trainer); job != NULL; job = take(trainer)) {
        char id[ID_SIZE];
        memcpy(id, job->id, sizeof(id)); /* the job may be gone once it is given back */
        const bool live = run_job(trainer, job);
        if (give_back(trainer, job, live)) {
            cancel_late(trainer, id);
        }
    }
    return NULL;
}

enum rc trainer_create(struct service *service, struct trainer **ret)
{
    struct trainer *trainer = mem_alloc(sizeof(*trainer));
    if (trainer == NULL) {
        return RC_NO_MEMORY;
    }
    trainer->service = service;
    (void)pthread_mutex_init(&trainer->lock, NULL); /* neither can fail on Linux */
    (void)pthread_cond_init(&trainer->changed, NULL);
    const int wanted = service->config.trainers > TRAINERS_MAX ? TRAINERS_MAX : service->config.trainers;
    for (; trainer->threads < wanted; trainer->threads++) {
        char name[16];
        if (pthread_create(&trainer->thread[trainer->threads], NULL, serve, trainer) != 0) {
            trainer_destroy(trainer);
            return RC_UNAVAILABLE;
        }
        (void)snprintf(name, sizeof(name), "licit-t%d", trainer->threads);
        (void)pthread_setname_np(trainer->thread[trainer->threads], name); /* only for people */
    }
    *ret = trainer;
    return RC_OK;
}

void trainer_stop(struct trainer *trainer)
{
    pthread_mutex_lock(&trainer->lock);
    trainer->stopping = true;
    for (struct live_job *job = trainer->first; job != NULL; job = job->next) {
        int nothing = ASK_NOTHING; /* who was asked to cancel or pause still does */
        (void)atomic_compare_exchange_strong(&job->ask, &nothing, ASK_STOP);
    }
    pthread_cond_broadcast(&trainer->changed);
    pthread_mutex_unlock(&trainer->lock);
    for (; trainer->threads > 0; trainer->threads--) {
        (void)pthread_join(trainer->thread[trainer->threads - 1], NULL); /* ours and joinable */
    }
}

void trainer_destroy(struct trainer *trainer)
{
    if (trainer == NULL) {
        return;
    }
    trainer_stop(trainer);
    while (trainer->first != NULL) {
        struct live_job *job = trainer->first;
        trainer->first = job->next;
        free_job(job);
    }
    pthread_cond_destroy(&trainer->changed);
    pthread_mutex_destroy(&trainer->lock);
    mem_free(trainer);
}

bool trainer_is_full(struct trainer *trainer)
{
    pthread_mutex_lock(&trainer->lock);
    const bool full = trainer->count >= trainer->service->config.jobs_waiting;
    pthread_mutex_unlock(&trainer->lock);
    return full;
}

/* The epochs that are on record become events. */
static enum rc replay(struct trainer *trainer, const char *id, struct event_log *log, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_history history;
    enum rc rc = store_job_history(trainer->service->store, id, 0, INT64_MAX, &region, &history, why);
    for (size_t i = 0; rc == RC_OK && i < history.count; i++) {
        rc = event_log_epoch(log, history.epochs[i].epoch, history.epochs[i].body);
    }
    return rc;
}

static enum rc make_job(struct trainer *trainer, const char *id, struct live_job **ret, struct why *why)
{
    struct live_job *job = mem_alloc(sizeof(*job));
    if (job == NULL) {
        return RC_NO_MEMORY;
    }
    (void)snprintf(job->id, sizeof(job->id), "%s", id);
    job->log = event_log_create();
    const enum rc rc = job->log == NULL ? RC_NO_MEMORY : replay(trainer, id, job->log, why);
    if (rc != RC_OK) {
        free_job(job);
        return rc;
    }
    *ret = job;
    return RC_OK;
}

/* At the end, so that jobs run in the order of their submission. */
static void append(struct trainer *trainer, struct live_job *job)
{
    struct live_job **at = &trainer->first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = job;
    trainer->count++;
}

enum rc trainer_add(struct trainer *trainer, const char *id, struct why *why)
{
    struct live_job *made;
    const enum rc rc = make_job(trainer, id, &made, why);
    if (rc != RC_OK) {
        return rc;
    }
    pthread_mutex_lock(&trainer->lock);
    if (find(trainer, id) == NULL) {
        append(trainer, TAKE(made));
    }
    pthread_mutex_unlock(&trainer->lock);
    free_job(made);
    return RC_OK;
}

void trainer_wake(struct trainer *trainer, const char *id)
{
    pthread_mutex_lock(&trainer->lock);
    struct live_job *job = find(trainer, id);
    if (job != NULL) {
        job->waiting = true;
        pthread_cond_signal(&trainer->changed);
    }
    pthread_mutex_unlock(&trainer->lock);
}

/* A row that says "running" was interrupted without notice: it waits again. */
static enum rc recover(struct trainer *trainer, const struct job_row *row, struct why *why)
{
    if (strcmp(row->status, jobstate_name(JOBSTATE_RUNNING)) == 0) {
        const struct job_move move = { .from = row->status, .to = jobstate_name(JOBSTATE_QUEUED) };
        const enum rc rc = service_move_job(trainer->service, row->id, &move, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    const enum rc rc = trainer_add(trainer, row->id, why);
    if (rc == RC_OK) {
        trainer_wake(trainer, row->id);
    }
    return rc;
}

enum rc trainer_recover(struct trainer *trainer, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct job_list list;
    enum rc rc = store_job_pending(trainer->service->store, &region, &list, why);
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        rc = recover(trainer, &list.rows[i], why);
    }
    return rc;
}

bool trainer_ask(struct trainer *trainer, const char *id, enum ask ask)
{
    pthread_mutex_lock(&trainer->lock);
    struct live_job *job = find(trainer, id);
    const bool runs = job != NULL && job->running;
    if (runs && atomic_load(&job->ask) != ASK_CANCEL) { /* a cancel is not taken back */
        atomic_store(&job->ask, (int)ask);
    }
    pthread_mutex_unlock(&trainer->lock);
    return runs;
}

/* Unlinks the job, or has the thread that still holds it do so; the log of a live job, pinned. */
static struct event_log *forget(struct trainer *trainer, const char *id)
{
    struct live_job *unused = NULL;
    struct event_log *log = NULL;
    pthread_mutex_lock(&trainer->lock);
    struct live_job *job = find(trainer, id);
    if (job != NULL) {
        log = event_log_pin(job->log);
        job->ended = true;
    }
    if (job != NULL && !job->running) {
        unlink_job(trainer, job);
        unused = job;
    }
    pthread_mutex_unlock(&trainer->lock);
    free_job(unused);
    return log;
}

void trainer_forget(struct trainer *trainer, const char *id, const char *done_json)
{
    struct event_log *log = forget(trainer, id);
    if (log != NULL && (done_json == NULL || event_log_done(log, done_json) != RC_OK)) {
        log_warn("job_done_untold", "job=%s", id);
    }
    event_log_unpin(log);
}

struct event_log *trainer_log(struct trainer *trainer, const char *id)
{
    pthread_mutex_lock(&trainer->lock);
    struct live_job *job = find(trainer, id);
    struct event_log *log = job == NULL ? NULL : event_log_pin(job->log);
    pthread_mutex_unlock(&trainer->lock);
    return log;
}
