/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/rows.h"

#include <stdio.h>
#include <string.h>

enum rc source_describe(struct service *service, const char *dataset, struct region *region,
                        struct source *ret, struct why *why)
{
    struct source source = { .table = NULL };
    enum rc rc = store_dataset_get(service->store, dataset, region, &source.row, why);
    if (rc == RC_NOT_FOUND) {
        return why_fail(why, rc, "dataset", "there is no dataset %s", dataset);
    }
    if (rc == RC_OK && source.row.erased) {
        return why_fail(why, RC_GONE, "dataset", "the dataset %s has been erased", dataset);
    }
    if (rc == RC_OK) {
        rc = dataset_view_read(source.row.body, region, &source.view, why);
    }
    if (rc == RC_OK) {
        *ret = source;
    }
    return rc;
}

/* The columns with the subject's set to ignored: who a row is about is not to be learned. */
static enum rc columns_to_read(const struct dataset_view *view, struct region *region, struct field_list *ret)
{
    const size_t n = view->columns.count;
    struct column *columns = region_alloc(region, n, sizeof(*columns));
    struct column **items = region_alloc(region, n, sizeof(struct column *));
    if (columns == NULL || items == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        columns[i] = *column_at(&view->columns, i);
        if (view->governance.subject_column != NULL && strcmp(columns[i].name, view->governance.subject_column) == 0) {
            columns[i].type = COLUMN_IGNORED;
        }
        items[i] = &columns[i];
    }
    *ret = (struct field_list){ items, n };
    return RC_OK;
}

struct push {
    struct table_reader *reader;
    struct why *why;
};

static enum rc push_chunk(void *arg, const char *bytes, size_t n)
{
    const struct push *push = arg;
    return table_reader_push(push->reader, bytes, n, push->why);
}

static enum rc read_table(struct service *service, const struct source *source, size_t bytes_max, struct region *region,
                          struct table **ret, struct why *why)
{
    struct field_list columns;
    AUTO_PTR(table_reader) struct table_reader *reader = NULL;
    enum rc rc = columns_to_read(&source->view, region, &columns);
    if (rc == RC_OK) {
        rc = table_reader_create(&columns, &source->view.governance.missing, bytes_max, &reader);
    }
    if (rc == RC_OK) {
        struct push push = { reader, why };
        rc = blob_each(service->store, &source->row.blob, push_chunk, &push);
    }
    return rc == RC_OK ? table_reader_end(reader, ret, why) : rc;
}

enum rc source_open(struct service *service, const char *dataset, size_t bytes_max, struct region *region,
                    struct source *ret, struct why *why)
{
    struct source source;
    enum rc rc = source_describe(service, dataset, region, &source, why);
    if (rc == RC_OK) {
        rc = read_table(service, &source, bytes_max, region, &source.table, why);
        if (rc == RC_CORRUPT && why != NULL && why->text[0] == '\0') {
            return why_fail(why, rc, "dataset", "the stored file of %s does not match its digest", dataset);
        }
    }
    if (rc == RC_OK) {
        *ret = source;
    }
    return rc;
}

void source_finish(struct source *source)
{
    table_destroy(source->table);
    source->table = NULL;
}

enum rc rows_split(const struct job_train *spec, const struct target *target, const struct table *table,
                   struct split **ret, struct why *why)
{
    AUTO_FREE uint32_t *classes = NULL;
    struct split_spec split = {
        .rows = table->rows,
        .validation = spec->validation_split,
        .test = spec->test_split,
        .seed = (uint64_t)spec->seed,
    };
    if (target->task != TARGET_REGRESSION) {
        classes = mem_array(table->rows, sizeof(*classes));
        const enum rc rc = classes == NULL ? RC_NO_MEMORY : target_classes(target, table, classes, why);
        if (rc != RC_OK) {
            return rc;
        }
        split.classes = classes;
        split.class_count = target->classes.count;
    }
    return split_create(&split, ret, why);
}

/* n * width floats within the budget. */
static enum rc take_floats(size_t n, size_t width, size_t *budget, float **ret, struct why *why)
{
    size_t count, bytes;
    if (!mem_multiply(n, width, &count) || !mem_multiply(count, sizeof(float), &bytes) || bytes > *budget) {
        return why_fail(why, RC_TOO_LARGE, "", "%zu rows of %zu numbers are more than the memory that a job may take ([train] memory)", n, width);
    }
    float *floats = mem_floats(count);
    if (floats == NULL) {
        return RC_NO_MEMORY;
    }
    *budget -= bytes;
    *ret = floats;
    return RC_OK;
}

/* From class indices, which lie at the start, to rows with a single 1: from the end, so that none is lost. */
static void spread(float *targets, size_t n, size_t width)
{
    for (size_t i = n; i-- > 0;) {
        const size_t class = (size_t)targets[i];
        memset(targets + i * width, 0, width * sizeof(float));
        targets[i * width + class] = 1.0f;
    }
}

enum rc matrices_make(const struct transform *transform, const struct target *target,
                      const struct job_train *spec, int outputs,
                      const struct table *table, const uint32_t *rows, size_t n, size_t *budget,
                      struct matrices *ret, struct why *why)
{
    AUTO(matrices) struct matrices made = { .rows = n };
    const size_t width = (size_t)loss_target_width((enum loss)spec->loss, outputs);
    enum rc rc = take_floats(n, transform_features(transform), budget, &made.x, why);
    if (rc == RC_OK) {
        rc = transform_table(transform, table, rows, n, made.x, why);
    }
    if (rc == RC_OK) {
        rc = take_floats(n, width, budget, &made.targets, why);
    }
    if (rc == RC_OK) {
        rc = target_values(target, table, rows, n, made.targets, why);
    }
    if (rc == RC_OK && spec->loss == LOSS_CATEGORICAL_CROSSENTROPY) {
        spread(made.targets, n, width);
    }
    if (rc == RC_OK) {
        *ret = (struct matrices){ TAKE(made.x), TAKE(made.targets), n };
    }
    return rc;
}

void matrices_finish(struct matrices *matrices)
{
    mem_free(matrices->x);
    mem_free(matrices->targets);
    *matrices = (struct matrices){ 0 };
}

enum rc rows_put_metrics(struct doc *object, const char *prefix, double loss, const struct field_list *metrics,
                         const double *values)
{
    const int *names = metrics->items;
    char key[80];
    (void)snprintf(key, sizeof(key), "%sloss", prefix); /* prefixes and names are ours and short */
    enum rc rc = isnan(loss) ? RC_OK : doc_put_number(object, key, loss);
    for (size_t i = 0; rc == RC_OK && i < metrics->count; i++) {
        (void)snprintf(key, sizeof(key), "%s%s", prefix, metric_names[names[i]]);
        rc = isnan(values[i]) ? RC_OK : doc_put_number(object, key, values[i]);
    }
    return rc;
}

static bool find_class(const struct target *target, const char *name, size_t *ret)
{
    for (size_t i = 0; i < target->classes.count; i++) {
        if (strcmp(target_class(target, i), name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static enum rc class_weights(const struct job_train *spec, const struct target *target, struct region *region,
                             struct fit_spec *fit, struct why *why)
{
    if (spec->class_weight.count == 0) {
        return RC_OK;
    }
    const size_t n = target->classes.count;
    if (n == 0) {
        return why_fail(why, RC_UNPROCESSABLE, "class_weight", "is for classes, but \"%.80s\" is a number", target->name);
    }
    double *weights = region_alloc(region, n, sizeof(*weights));
    if (weights == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        weights[i] = 1.0;
    }
    for (size_t i = 0; i < spec->class_weight.count; i++) {
        size_t class;
        if (!find_class(target, spec->class_weight.keys[i], &class)) {
            (void)why_fail(why, RC_UNPROCESSABLE, "", "is not a class of \"%.80s\"", target->name);
            return why_under(why, RC_UNPROCESSABLE, "class_weight.%.80s", spec->class_weight.keys[i]);
        }
        weights[class] = ((const double *)spec->class_weight.values)[i];
    }
    fit->class_weight = weights;
    fit->class_count = n;
    return RC_OK;
}

enum rc rows_fit_spec(const struct job_train *spec, const struct target *target, struct region *region,
                      struct fit_spec *ret, struct why *why)
{
    struct fit_spec fit = fit_spec_defaults();
    fit.loss = (enum loss)spec->loss;
    fit.optimizer = optimizer_from(&spec->optimizer);
    fit.schedule = schedule_from(&spec->schedule);
    fit.metrics_count = spec->metrics.count;
    for (size_t i = 0; i < spec->metrics.count; i++) {
        fit.metrics[i] = (enum metric)((const int *)spec->metrics.items)[i];
    }
    fit.epochs = spec->epochs;
    fit.batch_size = spec->batch_size;
    fit.seed = (uint64_t)spec->seed;
    fit.clip_norm = spec->clip_norm;
    fit.global_clip_norm = spec->global_clip_norm;
    fit.early_stopping = spec->early_stopping;
    const enum rc rc = class_weights(spec, target, region, &fit, why);
    if (rc == RC_OK) {
        *ret = fit;
    }
    return rc;
}
