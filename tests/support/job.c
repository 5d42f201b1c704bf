/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/job.h"

#include <stdio.h>
#include <string.h>

struct body {
    struct network_spec *network;
    int loss;
    struct field_variant optimizer, schedule;
    struct field_list metrics;
    int64_t epochs, batch_size, seed, inputs;
    bool shuffle;
    double clip_norm, global_clip_norm;
    struct field_list class_weight;
    struct stopping_spec *early_stopping;
};

static const struct field metric_item = { .name = "", .kind = FIELD_CHOICE, .choices = metric_names };
static const struct field number_item = { .name = "", .kind = FIELD_NUMBER };
static const struct field body_fields[] = {
    { .name = "network", .kind = FIELD_OBJECT, .offset = offsetof(struct body, network), .flags = FIELD_REQUIRED, .schema = &network_schema },
    { .name = "loss", .kind = FIELD_CHOICE, .offset = offsetof(struct body, loss), .choices = loss_names, .fallback = "\"mean_squared_error\"" },
    { .name = "optimizer", .kind = FIELD_VARIANT, .offset = offsetof(struct body, optimizer), .options = optimizer_options, .fallback = OPTIMIZER_FALLBACK },
    { .name = "schedule", .kind = FIELD_VARIANT, .offset = offsetof(struct body, schedule), .options = schedule_options },
    { .name = "metrics", .kind = FIELD_LIST, .offset = offsetof(struct body, metrics), .item = &metric_item, .max = METRIC_COUNT },
    { .name = "epochs", .kind = FIELD_INTEGER, .offset = offsetof(struct body, epochs), .fallback = "10" },
    { .name = "batch_size", .kind = FIELD_INTEGER, .offset = offsetof(struct body, batch_size), .fallback = "32" },
    { .name = "seed", .kind = FIELD_INTEGER, .offset = offsetof(struct body, seed), .fallback = "7" },
    { .name = "shuffle", .kind = FIELD_BOOLEAN, .offset = offsetof(struct body, shuffle), .fallback = "true" },
    { .name = "clip_norm", .kind = FIELD_NUMBER, .offset = offsetof(struct body, clip_norm) },
    { .name = "global_clip_norm", .kind = FIELD_NUMBER, .offset = offsetof(struct body, global_clip_norm) },
    { .name = "class_weight", .kind = FIELD_LIST, .offset = offsetof(struct body, class_weight), .item = &number_item },
    { .name = "early_stopping", .kind = FIELD_OBJECT, .offset = offsetof(struct body, early_stopping), .schema = &stopping_schema },
    { .name = NULL },
};
static const struct schema body_schema = { "Body", "A training job.", sizeof(struct body), body_fields, true };

static void must(enum rc rc, const struct why *why)
{
    if (rc != RC_OK) {
        fprintf(stderr, "%s at %s: %s\n", rc_name(rc), why->path, why->text);
    }
    MUST(rc == RC_OK);
}

void job_init(struct job *job, const char *text, int inputs)
{
    struct body body;
    struct why why = { 0 };
    *job = (struct job){ .spec = fit_spec_defaults() };
    region_init(&job->region, 1000000);
    must(doc_parse(text, strlen(text), &job->doc, &why), &why);
    must(schema_read(&body_schema, job->doc, &job->region, &body, &why), &why);
    must(network_create(body.network, inputs, SIZE_MAX, &job->network, &why), &why);
    struct fit_spec *spec = &job->spec;
    spec->loss = (enum loss)body.loss;
    spec->optimizer = optimizer_from(&body.optimizer);
    spec->schedule = schedule_from(&body.schedule);
    spec->metrics_count = body.metrics.count;
    for (size_t i = 0; i < body.metrics.count; i++) {
        spec->metrics[i] = (enum metric)((const int *)body.metrics.items)[i];
    }
    spec->epochs = body.epochs;
    spec->batch_size = body.batch_size;
    spec->seed = (uint64_t)body.seed;
    spec->shuffle = body.shuffle;
    spec->clip_norm = body.clip_norm;
    spec->global_clip_norm = body.global_clip_norm;
    spec->class_weight = body.class_weight.items;
    spec->class_count = body.class_weight.count;
    if (body.early_stopping != NULL) {
        job->stopping = *body.early_stopping;
        spec->early_stopping = &job->stopping; /* the job must not move */
    }
}

void job_finish(struct job *job)
{
    network_destroy(job->network);
    doc_destroy(job->doc);
    region_finish(&job->region);
}
