/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/job.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/service/caller.h"
#include "core/service/job_body.h"
#include "core/service/jobspec.h"
#include "core/service/registry.h"
#include "core/service/rows.h"
#include "core/service/trainer.h"
#include "core/work/jobstate.h"

/*
 * Submitting a job: everything that can be known without reading the table is
 * checked and filled in here, so that a queued job says all that it will do.
 */

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
