/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/service/job_body.h"
#include "core/service/registry.h"
#include "core/service/rows.h"
#include "core/service/trainer.h"
#include "core/service/version.h"

/*
 * One train job: dataset → split → transforms fitted on the training rows →
 * epochs → version.
 *
 * DESIGN. Everything before the first epoch is a function of the resolved job
 * and the dataset, so it is computed again after an interruption; what the
 * epochs have done is in the checkpoint that is committed with each of them.
 */

#define PROGRESS_NS 250000000 /* between two progress events */

struct training {
    struct service *service;
    struct live_job *live;
    const struct job_row *row;
    struct region region;
    const struct job_train *spec;
    struct source source;
    struct target *target;
    struct split *split;
    struct transform *transform;
    struct network *network;
    struct matrices train, validation, test;
    struct crew *crew;
    struct fit_spec fit_spec;
    struct fit *fit;
    size_t budget; /* bytes of [train] memory that are left */
    /* progress */
    struct mono began, told;
    size_t rows_done; /* since this run began, whole epochs */
};

static void training_finish(struct training *t)
{
    fit_destroy(t->fit);
    crew_destroy(t->crew);
    matrices_finish(&t->test);
    matrices_finish(&t->validation);
    matrices_finish(&t->train);
    network_destroy(t->network);
    transform_destroy(t->transform);
    split_destroy(t->split);
    target_destroy(t->target);
    source_finish(&t->source);
    region_finish(&t->region);
}
DEFINE_AUTO(training)

static enum rc read_spec(struct training *t, struct why *why)
{
    struct field_variant variant;
    const enum rc rc = jobspec_read(t->row->spec, &t->region, &variant, why);
    if (rc == RC_OK) {
        t->spec = variant.value;
    }
    return rc;
}

static enum rc make_part(struct training *t, const struct split_part *part, struct matrices *ret, struct why *why)
{
    return matrices_make(t->transform, t->target, t->spec, network_outputs(t->network), t->source.table,
                         part->rows, part->count, &t->budget, ret, why);
}

/* From the dataset to matrices of its three parts; the table is not needed any more. */
static enum rc prepare_rows(struct training *t, struct why *why)
{
    enum rc rc = source_open(t->service, t->spec->dataset, t->budget, &t->region, &t->source, why);
    if (rc == RC_OK) {
        rc = target_create(t->source.table, t->spec->target, jobspec_task(t->spec), t->spec->positive, &t->target, why);
    }
    if (rc == RC_OK) {
        rc = rows_split(t->spec, t->target, t->source.table, &t->split, why);
    }
    if (rc == RC_OK) {
        rc = transform_fit(t->source.table, t->spec->target, t->split->train.rows, t->split->train.count, &t->transform, why);
    }
    if (rc == RC_OK) {
        rc = network_create(t->spec->network, (int)transform_features(t->transform), t->budget, &t->network, why);
        rc = why_under(why, rc, "network");
    }
    if (rc == RC_OK) {
        rc = make_part(t, &t->split->train, &t->train, why);
    }
    if (rc == RC_OK) {
        rc = make_part(t, &t->split->validation, &t->validation, why);
    }
    if (rc == RC_OK) {
        rc = make_part(t, &t->split->test, &t->test, why);
    }
    source_finish(&t->source);
    return rc;
}

static struct fit_data data_of(const struct matrices *m)
{
    return (struct fit_data){ m->x, m->targets, m->rows };
}

/* Goes on from the checkpoint. A damaged one is no loss but of time: the same epochs give the same bits. */
static enum rc resume(struct training *t, struct why *why)
{
    if (t->row->checkpoint.name[0] == '\0') {
        return RC_OK;
    }
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, fit_checkpoint_bytes_max(t->fit));
    enum rc rc = blob_read(t->service->store, &t->row->checkpoint, bytes.max, &bytes);
    if (rc == RC_OK) {
        rc = fit_restore(t->fit, bytes.data, bytes.len, why);
    }
    if (rc == RC_NO_MEMORY || rc == RC_IO) {
        return rc;
    }
    if (rc != RC_OK) {
        log_warn("checkpoint_damaged", "job=%s rc=%s detail=\"starting anew\"", t->row->id, rc_name(rc));
        return RC_OK;
    }
    return store_job_rewind(t->service->store, t->row->id, why);
}

static enum rc prepare_fit(struct training *t, struct why *why)
{
    const struct fit_data train = data_of(&t->train), validation = data_of(&t->validation);
    enum rc rc = rows_fit_spec(t->spec, t->target, &t->region, &t->fit_spec, why);
    if (rc == RC_OK) {
        t->fit_spec.bytes_max = t->budget;
        rc = crew_create(t->service->config.train_threads, &t->crew);
    }
    if (rc == RC_OK) {
        rc = fit_create(t->network, &t->fit_spec, &train, &validation, t->crew, &t->fit, why);
    }
    return rc == RC_OK ? resume(t, why) : rc;
}

static struct job_progress progress_of(const struct training *t, size_t rows)
{
    const double seconds = (double)mono_since(t->began) / 1e9;
    const double epochs = (double)fit_epochs_done(t->fit) + (double)rows / (double)t->train.rows;
    const double done = (double)(t->rows_done + rows);
    const double speed = seconds > 0 ? done / seconds : 0;
    const double left = ((double)t->spec->epochs - epochs) * (double)t->train.rows;
    return (struct job_progress){
        .epoch = fit_epochs_done(t->fit),
        .epochs = t->spec->epochs,
        .fraction = fit_is_done(t->fit) ? 1.0 : epochs / (double)t->spec->epochs,
        .rows_per_second = speed,
        .eta_seconds = fit_is_done(t->fit) ? 0.0 : speed > 0 ? left / speed
                                                             : (double)NAN,
    };
}

/* Between batches: what was asked, and now and then a word to the watchers. */
static bool between_batches(void *arg, size_t rows)
{
    struct training *t = arg;
    if (mono_since(t->told) >= PROGRESS_NS) {
        AUTO_FREE char *json = NULL;
        const struct job_progress progress = progress_of(t, rows);
        if (job_progress_json(&progress, &json) == RC_OK) {
            (void)event_log_progress(t->live->log, json); /* the next one tells the same and more */
        }
        t->told = mono_now();
    }
    return atomic_load_explicit(&t->live->ask, memory_order_relaxed) != ASK_NOTHING;
}

static enum rc epoch_text(const struct training *t, const struct fit_result *result, struct region *region,
                          const char **ret)
{
    AUTO_PTR(doc) struct doc *doc = doc_new_object();
    enum rc rc = doc_put_integer(doc, "epoch", result->epoch);
    if (rc == RC_OK) {
        rc = rows_put_metrics(doc, "", result->loss, &t->spec->metrics, result->metrics);
    }
    if (rc == RC_OK && t->validation.rows > 0) {
        rc = rows_put_metrics(doc, "val_", result->val_loss, &t->spec->metrics, result->val_metrics);
    }
    return rc == RC_OK ? service_text(doc, region, ret) : rc;
}

static enum rc store_checkpoint(struct training *t, struct blob_ref *ret)
{
    AUTO(buf) struct buf bytes;
    buf_init(&bytes, fit_checkpoint_bytes_max(t->fit));
    const enum rc rc = fit_checkpoint(t->fit, &bytes);
    return rc == RC_OK ? blob_put(t->service->store, bytes.data, bytes.len, ret) : rc;
}

/* The epoch is done when its record and its checkpoint are on the disk; only then is it told. */
static enum rc keep_epoch(struct training *t, const struct fit_result *result, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const struct job_progress progress = progress_of(t, 0);
    AUTO_FREE char *progress_json = NULL;
    struct job_epoch epoch = { .epoch = result->epoch };
    struct blob_ref checkpoint;
    enum rc rc = epoch_text(t, result, &region, &epoch.body);
    if (rc == RC_OK) {
        rc = job_progress_json(&progress, &progress_json);
    }
    if (rc == RC_OK) {
        rc = store_checkpoint(t, &checkpoint);
    }
    if (rc != RC_OK) {
        return why_fail(why, rc, "", "the checkpoint of epoch %lld could not be stored: %s", (long long)result->epoch, rc_text(rc));
    }
    rc = store_job_epoch(t->service->store, t->row->id, &epoch, progress_json, &checkpoint, why);
    if (rc != RC_OK) {
        service_drop_unnamed(t->service, &checkpoint, rc);
        return rc;
    }
    rc = event_log_epoch(t->live->log, result->epoch, epoch.body);
    return rc == RC_OK ? event_log_progress(t->live->log, progress_json) : rc;
}

static enum rc run_epochs(struct training *t, struct why *why)
{
    const struct fit_watch watch = { between_batches, t };
    enum rc rc = RC_OK;
    t->began = mono_now();
    while (rc == RC_OK && !fit_is_done(t->fit)) {
        struct fit_result result;
        rc = fit_epoch(t->fit, &watch, &result, why);
        if (rc == RC_OK) {
            t->rows_done += t->train.rows;
            rc = keep_epoch(t, &result, why);
        }
        /* A job of one batch an epoch is asked here. */
        if (rc == RC_OK && !fit_is_done(t->fit) && atomic_load(&t->live->ask) != ASK_NOTHING) {
            rc = RC_CANCELLED;
        }
    }
    return rc;
}

static enum rc measure_part(const struct training *t, const struct matrices *part, const char *prefix,
                            struct doc *metrics, struct why *why)
{
    struct fit_result result;
    const struct fit_data data = data_of(part);
    const enum rc rc = fit_evaluate(t->network, fit_parameters(t->fit), &t->fit_spec, &data, &result, why);
    return rc == RC_OK ? rows_put_metrics(metrics, prefix, result.loss, &t->spec->metrics, result.metrics) : rc;
}

/* What the weights that are kept are worth: on the validation rows (else the training rows), and on the test rows. */
static enum rc measure(const struct training *t, struct doc **ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *metrics = doc_new_object();
    enum rc rc = metrics == NULL ? RC_NO_MEMORY : measure_part(t, t->validation.rows > 0 ? &t->validation : &t->train, "", metrics, why);
    if (rc == RC_OK && t->test.rows > 0) {
        rc = measure_part(t, &t->test, "test_", metrics, why);
    }
    if (rc == RC_OK) {
        *ret = TAKE(metrics);
    }
    return rc;
}

static enum rc keep_version(struct training *t, struct why *why)
{
    AUTO_PTR(doc) struct doc *metrics = NULL;
    enum rc rc = measure(t, &metrics, why);
    if (rc != RC_OK) {
        return rc;
    }
    const struct version_draft draft = {
        .job = t->row,
        .dataset = &t->source.row,
        .spec = t->spec,
        .network = t->network,
        .parameters = fit_parameters(t->fit),
        .transform = t->transform,
        .target = t->target,
        .metrics = metrics,
        .licence = t->source.view.governance.licence,
    };
    int64_t number;
    rc = version_write(t->service, &draft, &number, why);
    if (rc != RC_OK) {
        return rc;
    }
    log_info("version_added", "model=%s version=%lld job=%s", t->spec->model, (long long)number, t->row->id);
    /* The job has succeeded; what follows only makes the first request faster. */
    struct version *version = NULL;
    if (registry_load(t->service->registry, t->spec->model, number, &version, NULL) == RC_OK) {
        registry_unpin(t->service->registry, version);
    }
    return RC_OK;
}

enum rc train_run(struct service *service, struct live_job *live, const struct job_row *row, struct why *why)
{
    AUTO(training) struct training t = {
        .service = service,
        .live = live,
        .row = row,
        .budget = service->config.train_memory,
    };
    region_init(&t.region, SERVICE_REGION_MAX);
    enum rc rc = read_spec(&t, why);
    if (rc == RC_OK) {
        rc = prepare_rows(&t, why);
    }
    if (rc == RC_OK) {
        rc = prepare_fit(&t, why);
    }
    if (rc == RC_OK) {
        rc = run_epochs(&t, why);
    }
    return rc == RC_OK ? keep_version(&t, why) : rc;
}
