/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/job_body.h"

#include <string.h>

#include "core/service/internal.h"
#include "core/service/jobspec.h"

static const char *const types[] = { "train", "evaluate", NULL };
static const char *const statuses[] = { "queued", "running", "paused", "succeeded", "failed", "cancelled", NULL };

struct job_view {
    const char *id, *object, *model, *dataset, *purpose, *weights_digest;
    int type, status;
    int64_t version, created_at, started_at, finished_at;
    struct job_progress *progress;
    struct field_list history; /* documents */
    struct field_map metrics;  /* documents: numbers, and the confusion matrix */
    const struct doc *error, *spec;
};

#define PROGRESS(member) offsetof(struct job_progress, member)

static const struct field progress_fields[] = {
    { .name = "epoch", .kind = FIELD_INTEGER, .offset = PROGRESS(epoch), .about = "Epochs completed." },
    { .name = "epochs", .kind = FIELD_INTEGER, .offset = PROGRESS(epochs), .about = "Epochs in all." },
    { .name = "fraction", .kind = FIELD_NUMBER, .offset = PROGRESS(fraction), .about = "Of the whole job, 0 to 1." },
    { .name = "rows_per_second", .kind = FIELD_NUMBER, .offset = PROGRESS(rows_per_second), .about = "Rows trained or evaluated a second." },
    { .name = "eta_seconds", .kind = FIELD_NUMBER, .offset = PROGRESS(eta_seconds), .about = "Seconds to the end at this speed." },
    { .name = NULL },
};

const struct schema job_progress_schema = {
    "JobProgress", "How far a job is.", sizeof(struct job_progress), progress_fields, false
};

static const struct field any_item = { .name = "", .kind = FIELD_ANY };

#define VIEW(member) offsetof(struct job_view, member)

static const struct field view_fields[] = {
    { .name = "id", .kind = FIELD_STRING, .offset = VIEW(id), .about = "job- and 20 characters." },
    { .name = "object", .kind = FIELD_STRING, .offset = VIEW(object), .about = "Always job." },
    { .name = "type", .kind = FIELD_CHOICE, .offset = VIEW(type), .choices = types },
    { .name = "status", .kind = FIELD_CHOICE, .offset = VIEW(status), .choices = statuses },
    { .name = "model", .kind = FIELD_STRING, .offset = VIEW(model) },
    { .name = "version", .kind = FIELD_INTEGER, .offset = VIEW(version), .about = "The version that it made or evaluates." },
    { .name = "dataset", .kind = FIELD_STRING, .offset = VIEW(dataset) },
    { .name = "purpose", .kind = FIELD_STRING, .offset = VIEW(purpose) },
    { .name = "created_at", .kind = FIELD_INTEGER, .offset = VIEW(created_at), .about = "Unix seconds." },
    { .name = "started_at", .kind = FIELD_INTEGER, .offset = VIEW(started_at), .about = "Unix seconds." },
    { .name = "finished_at", .kind = FIELD_INTEGER, .offset = VIEW(finished_at), .about = "Unix seconds." },
    { .name = "progress", .kind = FIELD_OBJECT, .offset = VIEW(progress), .schema = &job_progress_schema },
    { .name = "history", .kind = FIELD_LIST, .offset = VIEW(history), .max = JOBSPEC_EPOCHS_MAX, .item = &any_item, .about = "One object an epoch: epoch, loss, val_loss, each metric and val_<metric>." },
    { .name = "metrics", .kind = FIELD_MAP, .offset = VIEW(metrics), .item = &any_item, .about = "By name, on the rows that the job held out or was asked to look at." },
    { .name = "error", .kind = FIELD_ANY, .offset = VIEW(error), .about = "code, detail and path of a failed job." },
    { .name = "weights_digest", .kind = FIELD_STRING, .offset = VIEW(weights_digest), .about = "SHA-256 of the weights file: the same job gives the same digest." },
    { .name = "spec", .kind = FIELD_ANY, .offset = VIEW(spec), .about = "The job as resolved, every default filled in." },
    { .name = NULL },
};

const struct schema job_schema = { "Job", "A unit of background work.", sizeof(struct job_view), view_fields, false };

static int choice(const char *const *choices, const char *text)
{
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

static int64_t or_absent(int64_t n)
{
    return n == 0 ? FIELD_ABSENT : n;
}

/* The documents that a reply borrows from while it is written. */
struct parts {
    struct doc *progress, *error, *metrics, *spec, *history;
};

static void free_parts(struct parts *parts)
{
    doc_destroy(parts->progress);
    doc_destroy(parts->error);
    doc_destroy(parts->metrics);
    doc_destroy(parts->spec);
    doc_destroy(parts->history);
}

static enum rc read_history(const struct job_history *history, struct doc **ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *list = doc_new_list();
    for (size_t i = 0; history != NULL && i < history->count; i++) {
        struct doc *epoch = NULL;
        enum rc rc = service_stored(history->epochs[i].body, &epoch, why);
        rc = rc == RC_OK ? doc_add(list, epoch) : rc;
        if (rc != RC_OK) {
            return rc;
        }
    }
    *ret = TAKE(list);
    return *ret == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc read_parts(const struct job_row *row, const struct job_history *history, struct parts *parts,
                          struct why *why)
{
    const struct {
        const char *text;
        struct doc **doc;
    } texts[] = {
        { row->progress, &parts->progress },
        { row->error, &parts->error },
        { row->metrics, &parts->metrics },
        { row->spec, &parts->spec },
    };
    enum rc rc = read_history(history, &parts->history, why);
    for (size_t i = 0; rc == RC_OK && i < COUNT_OF(texts); i++) {
        rc = service_stored(texts[i].text, texts[i].doc, why);
    }
    return rc;
}

static enum rc fill_view(const struct job_row *row, const struct parts *parts, struct region *region,
                         struct job_view *view, struct why *why)
{
    static const struct field history_row = { .name = "", .kind = FIELD_LIST, .max = JOBSPEC_EPOCHS_MAX, .item = &any_item };
    static const struct field metrics_row = { .name = "", .kind = FIELD_MAP, .item = &any_item };
    *view = (struct job_view){
        .id = row->id,
        .object = "job",
        .type = choice(types, row->type),
        .status = choice(statuses, row->status),
        .model = row->model,
        .version = or_absent(row->version),
        .dataset = row->dataset,
        .purpose = doc_get_string(parts->spec, "purpose", NULL),
        .created_at = row->created_at,
        .started_at = or_absent(row->started_at),
        .finished_at = or_absent(row->finished_at),
        .error = parts->error,
        .weights_digest = row->weights_digest,
        .spec = parts->spec,
    };
    enum rc rc = field_read(&history_row, parts->history, region, &view->history, why);
    if (rc == RC_OK && parts->metrics != NULL) {
        rc = field_read(&metrics_row, parts->metrics, region, &view->metrics, why);
    }
    if (rc == RC_OK && parts->progress != NULL) {
        view->progress = region_alloc(region, 1, sizeof(*view->progress));
        rc = view->progress == NULL ? RC_NO_MEMORY : schema_read(&job_progress_schema, parts->progress, region, view->progress, why);
    }
    return rc;
}

enum rc job_reply(const struct job_row *row, const struct job_history *history, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct parts parts = { 0 };
    struct job_view view;
    enum rc rc = read_parts(row, history, &parts, why);
    if (rc == RC_OK) {
        rc = fill_view(row, &parts, &region, &view, why);
    }
    struct doc *doc = rc == RC_OK ? schema_write(&job_schema, &view) : NULL;
    free_parts(&parts);
    if (doc == NULL) {
        return rc == RC_OK ? RC_NO_MEMORY : rc;
    }
    *ret = doc;
    return RC_OK;
}

/* A document's text as memory of the caller. */
static enum rc text_of(const struct doc *doc, char **ret)
{
    AUTO(buf) struct buf out;
    buf_init(&out, SERVICE_REGION_MAX);
    const enum rc rc = doc == NULL ? RC_NO_MEMORY : doc_write(doc, DOC_COMPACT, &out);
    if (rc != RC_OK) {
        return rc;
    }
    char *text = buf_take(&out, NULL);
    *ret = text;
    return text == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc job_done_json(const struct job_row *row, char **ret)
{
    static const char *const kept[] = { "status", "version", "metrics", "error", "weights_digest", NULL };
    AUTO_PTR(doc) struct doc *whole = NULL;
    AUTO_PTR(doc) struct doc *part = doc_new_object();
    enum rc rc = job_reply(row, NULL, &whole, NULL);
    for (size_t i = 0; rc == RC_OK && kept[i] != NULL; i++) {
        if (doc_get(whole, kept[i]) != NULL) {
            rc = doc_put(part, kept[i], doc_copy(doc_get(whole, kept[i])));
        }
    }
    return rc == RC_OK ? text_of(part, ret) : rc;
}

enum rc job_error_json(enum rc rc, const struct why *why, char **ret)
{
    AUTO_PTR(doc) struct doc *doc = doc_new_object();
    enum rc made = doc_put_string(doc, "code", rc_code(rc));
    if (made == RC_OK) {
        made = doc_put_string(doc, "detail", why->text[0] == '\0' ? rc_text(rc) : why->text);
    }
    if (made == RC_OK && why->path[0] != '\0') {
        made = doc_put_string(doc, "path", why->path);
    }
    return made == RC_OK ? text_of(doc, ret) : made;
}

enum rc job_progress_json(const struct job_progress *progress, char **ret)
{
    AUTO_PTR(doc) struct doc *doc = schema_write(&job_progress_schema, progress);
    return text_of(doc, ret);
}
