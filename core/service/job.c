/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/job.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/service/job_body.h"
#include "core/service/jobspec.h"
#include "core/service/registry.h"
#include "core/service/rows.h"
#include "core/service/token.h"
#include "core/service/trainer.h"
#include "core/work/jobstate.h"

#define PRODUCTION "production"

/* A submission on its way: what was asked, and what it is about. */
struct submission {
    struct service *service;
    const struct caller *caller;
    struct region region;
    struct field_variant variant;
    struct source source;
};

/* --- checks --- */

static enum rc deny(struct why *why, const char *path, const char *kind, const char *name, const char *verb)
{
    return why_fail(why, RC_DENIED, path, "needs a token with the scope %s:%.63s:%s", kind, name, verb);
}

/* Is the purpose one for which the data may be used? */
static enum rc check_purpose(const struct governance *g, const char *purpose, struct why *why)
{
    if (purpose == NULL) {
        return g->personal_data ? why_fail(why, RC_UNPROCESSABLE, "purpose", "is required: the dataset holds personal data") : RC_OK;
    }
    const char *const *purposes = g->purposes.items;
    AUTO(buf) struct buf names;
    buf_init(&names, WHY_TEXT_MAX);
    for (size_t i = 0; i < g->purposes.count; i++) {
        if (strcmp(purposes[i], purpose) == 0) {
            return RC_OK;
        }
        (void)buf_printf(&names, "%s%s", i == 0 ? "" : ", ", purposes[i]); /* cut at the ceiling */
    }
    return why_fail(why, RC_UNPROCESSABLE, "purpose", "must be one for which the dataset may be used: %s; got \"%.80s\"", names.data == NULL ? "" : names.data, purpose);
}

/* May the caller use the dataset, and may it be used for this? */
static enum rc open_dataset(struct submission *s, const char *dataset, const char *purpose, struct why *why)
{
    if (!caller_may(s->caller, "dataset", dataset, "train")) {
        return deny(why, "dataset", "dataset", dataset, "train");
    }
    enum rc rc = source_describe(s->service, dataset, &s->region, &s->source, why);
    if (rc == RC_OK) {
        rc = caller_check_purpose(s->caller, purpose, "purpose", why);
    }
    return rc == RC_OK ? check_purpose(&s->source.view.governance, purpose, why) : rc;
}

/* The features that training may have at most: every category that the file holds is one. */
static int count_inputs(const struct dataset_view *view, const char *target)
{
    size_t n = 0;
    for (size_t i = 0; i < view->columns.count; i++) {
        const struct column *column = column_at(&view->columns, i);
        const bool is_subject = view->governance.subject_column != NULL && strcmp(column->name, view->governance.subject_column) == 0;
        if (strcmp(column->name, target) != 0 && !is_subject) {
            n += column->type == COLUMN_CATEGORY ? column->categories.count : column->type != COLUMN_IGNORED;
        }
    }
    return n > NETWORK_INPUTS_MAX ? NETWORK_INPUTS_MAX : (int)n;
}

/* What training would refuse, before the job waits for its turn: settings that do not fit together, and the memory. */
static enum rc check_fit(struct submission *s, const struct job_train *spec, int inputs, struct why *why)
{
    AUTO_PTR(network) struct network *network = NULL;
    struct job_train unweighted = *spec;
    struct fit_spec fit;
    const size_t rows = (size_t)s->source.row.rows, held_out = (size_t)((double)rows * spec->validation_split);
    unweighted.class_weight = (struct field_map){ 0 }; /* the classes are known when the rows are read */
    enum rc rc = network_create(spec->network, inputs, s->service->config.train_memory, &network, why);
    if (rc == RC_OK) {
        rc = rows_fit_spec(&unweighted, NULL, &s->region, &fit, why);
    }
    if (rc == RC_OK) {
        fit.bytes_max = s->service->config.train_memory;
        rc = fit_check_spec(network, &fit, rows - held_out, held_out, why);
    }
    return rc;
}

static enum rc resolve_train(struct submission *s, struct job_train *spec, struct why *why)
{
    const struct dataset_view *view = &s->source.view;
    const struct column *target = column_find(&view->columns, spec->target, NULL);
    if (target == NULL) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "the dataset has no column \"%.80s\"", spec->target);
    }
    const int inputs = count_inputs(view, spec->target);
    if (inputs == 0) {
        return why_fail(why, RC_UNPROCESSABLE, "dataset", "has no column to learn from");
    }
    const enum rc rc = jobspec_resolve(spec, target, inputs, s->service->config.train_memory, &s->region, why);
    return rc == RC_OK ? check_fit(s, spec, inputs, why) : rc;
}

static enum rc check_train(struct submission *s, struct job_train *spec, struct why *why)
{
    if (spec->label != NULL && !caller_may(s->caller, "model", spec->model, "deploy")) {
        return deny(why, "label", "model", spec->model, "deploy");
    }
    enum rc rc = open_dataset(s, spec->dataset, spec->purpose, why);
    if (rc == RC_OK) {
        rc = why_under(why, store_model_check(s->service->store, spec->model, why), "model");
    }
    return rc == RC_OK ? resolve_train(s, spec, why) : rc;
}

/* Which version is meant, when it is submitted; a label may move later. */
static enum rc resolve_version(struct submission *s, struct job_evaluate *spec, struct why *why)
{
    if (spec->version != FIELD_ABSENT && spec->label != NULL) {
        return why_fail(why, RC_INVALID, "label", "is given beside version; name one of them");
    }
    if (spec->version == FIELD_ABSENT) {
        const char *label = spec->label == NULL ? PRODUCTION : spec->label;
        spec->version = registry_label(s->service->registry, spec->model, label);
        if (spec->version == 0) {
            return why_fail(why, RC_NOT_FOUND, spec->label == NULL ? "version" : "label", "the model \"%s\" has no label \"%s\"", spec->model, label);
        }
    }
    struct version *version;
    const enum rc rc = registry_load(s->service->registry, spec->model, spec->version, &version, why);
    if (rc == RC_NOT_FOUND) {
        return why_fail(why, rc, "version", "the model \"%s\" has no version %lld", spec->model, (long long)spec->version);
    }
    if (rc != RC_OK) {
        return rc;
    }
    if (spec->target == NULL) {
        spec->target = region_strdup(&s->region, version->target->name);
    }
    registry_unpin(s->service->registry, version);
    return spec->target == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc check_evaluate(struct submission *s, struct job_evaluate *spec, struct why *why)
{
    if (!caller_may(s->caller, "model", spec->model, "predict")) {
        return deny(why, "model", "model", spec->model, "predict");
    }
    enum rc rc = open_dataset(s, spec->dataset, spec->purpose, why);
    if (rc == RC_OK) {
        rc = resolve_version(s, spec, why);
    }
    if (rc == RC_OK && column_find(&s->source.view.columns, spec->target, NULL) == NULL) {
        rc = why_fail(why, RC_UNPROCESSABLE, "target", "the dataset has no column \"%.80s\"", spec->target);
    }
    return rc;
}

/* --- submitting --- */

static enum rc first_progress(const struct submission *s, struct region *region, const char **ret)
{
    const struct job_train *train = s->variant.value;
    const struct job_progress progress = {
        .epoch = 0,
        .epochs = s->variant.index == JOB_TRAIN ? train->epochs : FIELD_ABSENT,
        .rows_per_second = (double)NAN,
        .eta_seconds = (double)NAN,
    };
    AUTO_FREE char *json = NULL;
    const enum rc rc = job_progress_json(&progress, &json);
    *ret = rc == RC_OK ? region_strdup(region, json) : NULL;
    return rc == RC_OK && *ret == NULL ? RC_NO_MEMORY : rc;
}

static enum rc make_row(struct submission *s, struct job_row *row)
{
    const struct job_train *train = s->variant.value;
    const struct job_evaluate *evaluate = s->variant.value;
    const bool is_train = s->variant.index == JOB_TRAIN;
    *row = (struct job_row){
        .type = is_train ? "train" : "evaluate",
        .status = jobstate_name(JOBSTATE_QUEUED),
        .model = is_train ? train->model : evaluate->model,
        .version = is_train ? 0 : evaluate->version,
        .dataset = is_train ? train->dataset : evaluate->dataset,
        .token = caller_token_id(s->caller),
        .created_at = wall_seconds(),
    };
    id_make("job", row->id);
    AUTO_PTR(doc) struct doc *spec = jobspec_write((enum job_kind)s->variant.index, s->variant.value);
    AUTO(buf) struct buf text;
    buf_init(&text, SERVICE_REGION_MAX);
    enum rc rc = spec == NULL ? RC_NO_MEMORY : doc_write(spec, DOC_COMPACT, &text);
    if (rc == RC_OK) {
        row->spec = region_strdup(&s->region, text.data);
        rc = row->spec == NULL ? RC_NO_MEMORY : first_progress(s, &s->region, &row->progress);
    }
    return rc;
}

/* Once the row is written nothing can fail any more. */
static enum rc enqueue(struct service *service, const struct job_row *row, struct why *why)
{
    enum rc rc = trainer_add(service->trainer, row->id, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = store_job_add(service->store, row, why);
    if (rc != RC_OK) {
        trainer_forget(service->trainer, row->id, NULL);
        return rc;
    }
    log_info("job_queued", "job=%s type=%s model=%s dataset=%s token=%s", row->id, row->type, row->model, row->dataset, row->token);
    trainer_wake(service->trainer, row->id);
    return RC_OK;
}

static enum rc submit(struct submission *s, const struct doc *body, struct doc **ret, struct why *why)
{
    if (trainer_is_full(s->service->trainer)) {
        return why_fail(why, RC_BUSY, "", "%d jobs have not ended; wait for one or cancel one", s->service->config.jobs_waiting);
    }
    enum rc rc = field_read(&job_request, body, &s->region, &s->variant, why);
    if (rc == RC_OK) {
        rc = s->variant.index == JOB_TRAIN ? check_train(s, s->variant.value, why) : check_evaluate(s, s->variant.value, why);
    }
    struct job_row row;
    AUTO_PTR(doc) struct doc *reply = NULL;
    if (rc == RC_OK) {
        rc = make_row(s, &row);
    }
    if (rc == RC_OK) {
        rc = job_reply(&row, NULL, &reply, why);
    }
    if (rc == RC_OK) {
        rc = enqueue(s->service, &row, why);
    }
    if (rc == RC_OK) {
        *ret = TAKE(reply);
    }
    return rc;
}

enum rc service_job_submit(struct service *service, const struct caller *caller, const struct doc *body,
                           struct doc **ret, struct why *why)
{
    struct submission s = { .service = service, .caller = caller };
    region_init(&s.region, SERVICE_REGION_MAX);
    const enum rc rc = submit(&s, body, ret, why);
    region_finish(&s.region);
    return rc;
}

/* --- reading --- */

static enum rc get_row(struct service *service, const char *id, struct region *region, struct job_row *row,
                       struct why *why)
{
    const enum rc rc = store_job_get(service->store, id, region, row, why);
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
    return store_job_move(service->store, row->id, &move, why);
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
