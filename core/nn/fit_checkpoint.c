/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/fit_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/math/vec.h"
#include "core/nn/tensors.h"

/*
 * A checkpoint is a safetensors file: "parameters", "slot.0", "slot.1", "best"
 * (each flat, as long as the parameters; those that the fit has), and in the
 * metadata under "fit" the JSON text of struct note. The shape of the network
 * is not in it: who stores checkpoints stores the job beside them.
 */

#define KEY          "fit"
#define FORMAT       1
#define ARRAYS_MAX   (2 + OPTIMIZER_SLOTS_MAX)
#define REGION_BYTES 4000000 /* names of TENSORS_COUNT_MAX tensors */

struct note {
    int64_t format;
    const char *seed; /* decimal: JSON's integers end at 2^63 */
    const char *optimizer;
    int64_t batch_size, rows;
    int64_t epoch, step;
    double best; /* NaN: none yet */
    int64_t best_epoch, wait;
};

#define COUNTER(key, low)                                                                    \
    {                                                                                        \
        .name = #key, .kind = FIELD_INTEGER, .offset = offsetof(struct note, key),           \
        .flags = FIELD_REQUIRED | FIELD_BOUNDED, .min = (low), .max = 0x1p53, .about = #key, \
    }

static const struct field note_fields[] = {
    COUNTER(format, 1),
    { .name = "seed", .kind = FIELD_STRING, .offset = offsetof(struct note, seed), .flags = FIELD_REQUIRED, .max = 20 },
    { .name = "optimizer", .kind = FIELD_STRING, .offset = offsetof(struct note, optimizer), .flags = FIELD_REQUIRED, .max = 40 },
    COUNTER(batch_size, 1),
    COUNTER(rows, 1),
    COUNTER(epoch, 0),
    COUNTER(step, 0),
    { .name = "best", .kind = FIELD_NUMBER, .offset = offsetof(struct note, best) },
    COUNTER(best_epoch, 0),
    COUNTER(wait, 0),
    { .name = NULL },
};
static const struct schema note_schema = { "Checkpoint", "Where a training is.", sizeof(struct note), note_fields, false };

struct array {
    const char *name;
    float *at;
};

/* The arrays that this fit has; returns how many. */
static size_t list_arrays(const struct fit *fit, struct array out[ARRAYS_MAX])
{
    const struct array all[ARRAYS_MAX] = {
        { "parameters", fit->parameters },
        { "slot.0", fit->slots[0] },
        { "slot.1", fit->slots[1] },
        { "best", fit->best },
    };
    size_t count = 0;
    for (size_t i = 0; i < ARRAYS_MAX; i++) {
        if (all[i].at != NULL) {
            out[count++] = all[i];
        }
    }
    return count;
}

static void write_seed(const struct fit *fit, char out[24])
{
    (void)snprintf(out, 24, "%llu", (unsigned long long)fit->spec.seed); /* 20 digits at most */
}

size_t fit_checkpoint_bytes_max(const struct fit *fit)
{
    struct array arrays[ARRAYS_MAX];
    return list_arrays(fit, arrays) * fit->count * sizeof(float) + 4000;
}

static enum rc write_note(const struct fit *fit, struct doc **ret)
{
    char seed[24];
    write_seed(fit, seed);
    const struct note note = {
        .format = FORMAT,
        .seed = seed,
        .optimizer = optimizer_options[fit->spec.optimizer.kind].type,
        .batch_size = fit->spec.batch_size,
        .rows = (int64_t)fit->train.rows,
        .epoch = fit->epoch,
        .step = fit->step,
        .best = fit->stopping.best,
        .best_epoch = fit->stopping.best_epoch,
        .wait = fit->stopping.wait,
    };
    AUTO_PTR(doc) struct doc *written = schema_write(&note_schema, &note);
    AUTO_PTR(doc) struct doc *metadata = doc_new_object();
    AUTO(buf) struct buf text;
    buf_init(&text, 2000);
    if (written == NULL || metadata == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = doc_write(written, DOC_COMPACT, &text);
    rc = rc != RC_OK ? rc : doc_put_string(metadata, KEY, text.data);
    if (rc == RC_OK) {
        *ret = TAKE(metadata);
    }
    return rc;
}

enum rc fit_checkpoint(const struct fit *fit, struct buf *out)
{
    struct array arrays[ARRAYS_MAX];
    struct tensor_source sources[ARRAYS_MAX];
    const size_t count = list_arrays(fit, arrays);
    for (size_t i = 0; i < count; i++) {
        sources[i] = (struct tensor_source){ .name = arrays[i].name, .rank = 1, .shape = { (int64_t)fit->count }, .data = arrays[i].at };
    }
    AUTO_PTR(doc) struct doc *metadata = NULL;
    const enum rc rc = write_note(fit, &metadata);
    return rc != RC_OK ? rc : tensors_write(sources, count, metadata, out);
}

static enum rc other_job(struct why *why, const char *what)
{
    return why_fail(why, RC_INVALID, NULL, "the checkpoint is of another job: its %s differs", what);
}

static enum rc read_note(const struct tensors *tensors, struct region *region, struct note *out, struct why *why)
{
    const char *text = tensors_metadata(tensors, KEY);
    if (text == NULL) {
        return why_fail(why, RC_INVALID, NULL, "the file is not a checkpoint of a training");
    }
    AUTO_PTR(doc) struct doc *doc = NULL;
    enum rc rc = doc_parse(text, strlen(text), &doc, why);
    rc = rc != RC_OK ? rc : schema_read(&note_schema, doc, region, out, why);
    return rc == RC_OK || rc == RC_NO_MEMORY ? rc : why_fail(why, RC_CORRUPT, NULL, "the note in the checkpoint cannot be read");
}

static enum rc check_note(const struct fit *fit, const struct note *note, struct why *why)
{
    char seed[24];
    write_seed(fit, seed);
    if (note->format != FORMAT) {
        return why_fail(why, RC_UNSUPPORTED, NULL, "the checkpoint has format %lld, this program reads %d", (long long)note->format, FORMAT);
    }
    if (strcmp(note->seed, seed) != 0) {
        return other_job(why, "seed");
    }
    if (strcmp(note->optimizer, optimizer_options[fit->spec.optimizer.kind].type) != 0) {
        return other_job(why, "optimizer");
    }
    if (note->batch_size != fit->spec.batch_size) {
        return other_job(why, "batch_size");
    }
    if (note->rows != (int64_t)fit->train.rows) {
        return other_job(why, "number of rows");
    }
    if (note->epoch > fit->spec.epochs) {
        return other_job(why, "number of epochs");
    }
    const int64_t steps = (note->rows + note->batch_size - 1) / note->batch_size;
    if (note->step != note->epoch * steps || note->best_epoch > note->epoch || note->wait > note->epoch) {
        return why_fail(why, RC_CORRUPT, NULL, "the counters of the checkpoint contradict each other");
    }
    return RC_OK;
}

static enum rc check_arrays(const struct fit *fit, const struct tensors *tensors, const struct array *arrays, size_t count, struct why *why)
{
    for (size_t i = 0; i < count; i++) {
        const struct tensor *tensor = tensors_find(tensors, arrays[i].name);
        if (tensor == NULL || tensor->count != fit->count) {
            return other_job(why, "network");
        }
    }
    return tensors->count == count ? RC_OK : other_job(why, "set of arrays");
}

enum rc fit_restore(struct fit *fit, const void *bytes, size_t n, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, REGION_BYTES);
    AUTO(tensors) struct tensors tensors = { 0 };
    struct array arrays[ARRAYS_MAX];
    struct note note;
    const size_t count = list_arrays(fit, arrays);
    enum rc rc = tensors_read(bytes, n, &region, &tensors, why);
    rc = rc != RC_OK ? rc : read_note(&tensors, &region, &note, why);
    rc = rc != RC_OK ? rc : check_note(fit, &note, why);
    rc = rc != RC_OK ? rc : check_arrays(fit, &tensors, arrays, count, why);
    if (rc != RC_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        tensor_copy(tensors_find(&tensors, arrays[i].name), arrays[i].at);
    }
    fit->epoch = note.epoch;
    fit->step = note.step;
    fit->stopping = (struct stopping){ note.best, note.best_epoch, note.wait };
    return RC_OK;
}
