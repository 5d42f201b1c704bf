/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/clock.h"
#include "core/nn/metric.h"
#include "core/service/job_body.h"
#include "core/service/registry.h"
#include "core/service/rows.h"
#include "core/service/trainer.h"
#include "core/work/jobstate.h"

/*
 * One evaluate job: a version's predictions on rows of a dataset against what
 * stands there. Rows are taken in chunks, so that a cancel is heard.
 */

#define CHUNK_ROWS 4096

struct evaluation {
    struct service *service;
    struct live_job *live;
    const struct job_row *row;
    struct region region;
    const struct job_evaluate *spec;
    struct version *version;
    struct field_list metrics; /* of int */
    struct source source;
    struct target target; /* the version's, under the column's name here; borrows from it */
    struct split *split;
    struct split_part part;
    struct matrices rows;
    struct meter *meter;
    float *outputs; /* CHUNK_ROWS predictions */
    double loss_sum;
    char *progress; /* the newest, as it was told */
};

static void evaluation_finish(struct evaluation *e)
{
    mem_free(e->progress);
    mem_free(e->outputs);
    meter_destroy(e->meter);
    matrices_finish(&e->rows);
    split_destroy(e->split);
    source_finish(&e->source);
    registry_unpin(e->service->registry, e->version);
    region_finish(&e->region);
}
DEFINE_AUTO(evaluation)

static enum rc open_version(struct evaluation *e, struct why *why)
{
    struct field_variant variant;
    enum rc rc = jobspec_read(e->row->spec, &e->region, &variant, why);
    if (rc == RC_OK) {
        e->spec = variant.value;
        rc = registry_load(e->service->registry, e->spec->model, e->spec->version, &e->version, why);
    }
    if (rc == RC_OK) {
        e->metrics = e->spec->metrics.count > 0 ? e->spec->metrics : e->version->spec->metrics;
        e->target = *e->version->target;
        e->target.name = e->spec->target;
    }
    return rc;
}

/* Which rows: all, or those that the version's training held out, which only its own dataset has. */
static enum rc choose_rows(struct evaluation *e, struct why *why)
{
    if (e->spec->rows == ROWS_ALL) {
        e->part = (struct split_part){ NULL, e->source.table->rows };
        return RC_OK;
    }
    if (strcmp(e->spec->dataset, e->version->dataset) != 0) {
        return why_fail(why, RC_UNPROCESSABLE, "rows", "validation and test are rows of the version's own dataset %s", e->version->dataset);
    }
    const enum rc rc = rows_split(e->version->spec, e->version->target, e->source.table, &e->split, why);
    if (rc != RC_OK) {
        return rc;
    }
    e->part = e->spec->rows == ROWS_TEST ? e->split->test : e->split->validation;
    if (e->part.count == 0) {
        return why_fail(why, RC_UNPROCESSABLE, "rows", "the version's training held out no such rows");
    }
    return RC_OK;
}

static enum rc make_meter(struct evaluation *e, struct why *why)
{
    const struct job_train *trained = e->version->spec;
    const int outputs = version_outputs(e->version);
    const enum task task = metric_task((enum loss)trained->loss, outputs);
    const int *metrics = e->metrics.items;
    /* A class task counts its confusion matrix in any case; accuracy is what asks for it. */
    unsigned wanted = task == TASK_REGRESSION ? 0 : 1u << METRIC_ACCURACY;
    for (size_t i = 0; i < e->metrics.count; i++) {
        const enum rc rc = metric_check((enum metric)metrics[i], task, outputs, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "metrics[%zu]", i);
        }
        wanted |= 1u << metrics[i];
    }
    e->outputs = mem_array((size_t)CHUNK_ROWS * (size_t)outputs, sizeof(float));
    if (e->outputs == NULL) {
        return RC_NO_MEMORY;
    }
    return meter_create(wanted, task, trained->loss == LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, outputs, e->part.count, &e->meter);
}

static enum rc prepare(struct evaluation *e, struct why *why)
{
    size_t budget = e->service->config.train_memory;
    enum rc rc = open_version(e, why);
    if (rc == RC_OK) {
        rc = source_open(e->service, e->spec->dataset, budget, &e->region, &e->source, why);
    }
    if (rc == RC_OK) {
        rc = choose_rows(e, why);
    }
    if (rc == RC_OK) {
        rc = matrices_make(e->version->transform, &e->target, e->version->spec, version_outputs(e->version),
                           e->source.table, e->part.rows, e->part.count, &budget, &e->rows, why);
    }
    return rc == RC_OK ? make_meter(e, why) : rc;
}

static void tell_progress(struct evaluation *e, size_t done, struct mono began)
{
    const double seconds = (double)mono_since(began) / 1e9;
    const double speed = seconds > 0 ? (double)done / seconds : 0;
    const struct job_progress progress = {
        .epoch = 0,
        .epochs = FIELD_ABSENT,
        .fraction = (double)done / (double)e->rows.rows,
        .rows_per_second = speed,
        .eta_seconds = speed > 0 ? (double)(e->rows.rows - done) / speed : (double)NAN,
    };
    char *json = NULL;
    if (job_progress_json(&progress, &json) == RC_OK) {
        (void)event_log_progress(e->live->log, json); /* the next one tells the same and more */
        mem_free(e->progress);
        e->progress = json;
    }
}

static enum rc predict_all(struct evaluation *e, struct why *why)
{
    const size_t inputs = (size_t)network_inputs(e->version->network);
    const int outputs = version_outputs(e->version);
    const enum loss loss = (enum loss)e->version->spec->loss;
    const size_t width = (size_t)loss_target_width(loss, outputs);
    const struct mono began = mono_now();
    for (size_t at = 0; at < e->rows.rows; at += CHUNK_ROWS) {
        if (atomic_load(&e->live->ask) != ASK_NOTHING) {
            return RC_CANCELLED;
        }
        const size_t n = e->rows.rows - at < CHUNK_ROWS ? e->rows.rows - at : CHUNK_ROWS;
        const float *targets = e->rows.targets + at * width;
        const enum rc rc = version_predict(e->version, e->rows.x + at * inputs, n, e->outputs, why);
        if (rc != RC_OK) {
            return rc;
        }
        meter_add(e->meter, e->outputs, targets, n);
        e->loss_sum += loss_batch(loss, false, e->outputs, targets, NULL, (int)n, outputs, NULL);
        tell_progress(e, at + n, began);
    }
    return RC_OK;
}

/* {"classes":[...],"counts":[[...]]}: a row for each true class, a column for each predicted one. */
static enum rc put_confusion(const struct evaluation *e, struct doc *metrics)
{
    int n = 0;
    const uint64_t *counts = meter_confusion(e->meter, &n);
    if (counts == NULL) {
        return RC_OK;
    }
    AUTO_PTR(doc) struct doc *out = doc_new_object();
    AUTO_PTR(doc) struct doc *classes = doc_new_list();
    AUTO_PTR(doc) struct doc *rows = doc_new_list();
    enum rc rc = RC_OK;
    for (int i = 0; rc == RC_OK && i < n; i++) {
        AUTO_PTR(doc) struct doc *line = doc_new_list();
        for (int j = 0; rc == RC_OK && j < n; j++) {
            rc = doc_add(line, doc_new_integer((int64_t)counts[i * n + j]));
        }
        rc = rc == RC_OK ? doc_add(rows, TAKE(line)) : rc;
        rc = rc == RC_OK ? doc_add(classes, doc_new_string(target_class(e->version->target, (size_t)i))) : rc;
    }
    if (rc == RC_OK && (doc_put(out, "classes", TAKE(classes)) != RC_OK || doc_put(out, "counts", TAKE(rows)) != RC_OK)) {
        rc = RC_NO_MEMORY;
    }
    return rc == RC_OK ? doc_put(metrics, "confusion_matrix", TAKE(out)) : rc;
}

static enum rc keep_result(struct evaluation *e, struct why *why)
{
    double values[METRIC_COUNT];
    for (size_t i = 0; i < e->metrics.count; i++) {
        values[i] = meter_value(e->meter, (enum metric)((const int *)e->metrics.items)[i]);
    }
    AUTO_PTR(doc) struct doc *metrics = doc_new_object();
    const char *text = NULL;
    enum rc rc = rows_put_metrics(metrics, "", e->loss_sum / (double)e->rows.rows, &e->metrics, values);
    if (rc == RC_OK) {
        rc = doc_put_integer(metrics, "rows", (int64_t)e->rows.rows);
    }
    if (rc == RC_OK) {
        rc = put_confusion(e, metrics);
    }
    if (rc == RC_OK) {
        rc = service_text(metrics, &e->region, &text);
    }
    const struct job_move finish = {
        .from = jobstate_name(JOBSTATE_RUNNING),
        .to = jobstate_name(JOBSTATE_SUCCEEDED),
        .finished_at = wall_seconds(),
        .progress = e->progress,
        .metrics = text,
    };
    return rc == RC_OK ? service_move_job(e->service, e->row->id, &finish, why) : rc;
}

enum rc evaluate_run(struct service *service, struct live_job *live, const struct job_row *row, struct why *why)
{
    AUTO(evaluation) struct evaluation e = { .service = service, .live = live, .row = row };
    region_init(&e.region, SERVICE_REGION_MAX);
    enum rc rc = prepare(&e, why);
    if (rc == RC_OK) {
        rc = predict_all(&e, why);
    }
    return rc == RC_OK ? keep_result(&e, why) : rc;
}
