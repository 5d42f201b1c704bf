/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/answers.h"
#include "api/charge.h"
#include "api/rows.h"
#include "core/service/caller.h"
#include "core/service/predict.h"

#define BATCH_ROWS   256          /* rows that are computed together */
#define BATCH_FLOATS (1u << 20)   /* features of one batch; a wider row is a batch of its own */
#define ANSWER_MAX   (256u << 20) /* bytes of one reply */
#define INLINE_NS    20000        /* an event thread answers by itself what takes no longer; handing over costs about half of it */
#define BYTE_NS      10           /* to read a byte of the body, generously */

static const struct field anything = { .name = "", .kind = FIELD_ANY };

struct predict_request {
    struct field_list instances;
    const struct doc *inputs;
};

static const struct field request_fields[] = {
    { .name = "instances", .kind = FIELD_LIST, .offset = offsetof(struct predict_request, instances), .min = 1, .max = PREDICT_ROWS_MAX, .item = &anything, .about = "Rows: each an object by column name, or a list of raw columns in schema order. This or inputs." },
    { .name = "inputs", .kind = FIELD_ANY, .offset = offsetof(struct predict_request, inputs), .about = "Columns: an object of lists by column name; or rows as in instances." },
    { .name = NULL },
};
const struct schema predict_request_schema = { "PredictRequest", "Rows of raw columns; the version's own transforms apply. Read without a tree, not from this table.", sizeof(struct predict_request), request_fields, true };

struct predict_reply {
    struct field_list predictions, outputs;
};

static const struct field reply_fields[] = {
    { .name = "predictions", .kind = FIELD_LIST, .offset = offsetof(struct predict_reply, predictions), .max = PREDICT_ROWS_MAX, .item = &anything, .about = "One answer a row, when instances were given: for records a number, or label, probability, probabilities and flags; for lists the outputs." },
    { .name = "outputs", .kind = FIELD_LIST, .offset = offsetof(struct predict_reply, outputs), .max = PREDICT_ROWS_MAX, .item = &anything, .about = "The same, when inputs were given." },
    { .name = NULL },
};
const struct schema predict_reply_schema = { "PredictReply", "The answers, in the order of the rows.", sizeof(struct predict_reply), reply_fields, true };

/* One prediction under way: rows gather in a batch, answers in the text. */
struct work {
    struct api_request *request;
    struct version *version;
    const struct transform *transform;
    const struct target *target;
    size_t features, outputs, batch, filled;
    float *x, *y;
    enum rows_form forms[BATCH_ROWS];
    unsigned flags[BATCH_ROWS];
    size_t answered;
    struct buf text;
};

static void finish_work(struct work *work)
{
    mem_free(work->x);
    mem_free(work->y);
    buf_finish(&work->text);
}

/* No body of n bytes holds more rows: each value takes a byte and a comma at least. */
static size_t rows_bound(size_t n, size_t inputs)
{
    return n / (2 * (inputs > 0 ? inputs : 1)) + 1;
}

static enum rc prepare(struct work *work, struct api_request *request, struct version *version)
{
    *work = (struct work){ .request = request, .version = version, .transform = version_transform(version), .target = version_target(version) };
    buf_init(&work->text, ANSWER_MAX);
    work->features = transform_features(work->transform);
    work->outputs = (size_t)version_outputs(version);
    work->batch = BATCH_FLOATS / work->features;
    work->batch = work->batch > BATCH_ROWS ? BATCH_ROWS : work->batch;
    size_t inputs;
    (void)transform_inputs(work->transform, &inputs);
    const size_t bound = rows_bound(request->body.len, inputs);
    work->batch = work->batch > bound ? bound : work->batch;
    work->batch = work->batch == 0 ? 1 : work->batch;
    work->x = mem_floats(work->batch * work->features);
    work->y = mem_floats(work->batch * work->outputs);
    return work->x == NULL || work->y == NULL ? RC_NO_MEMORY : RC_OK;
}

/* Computes the batch and writes its answers. */
static enum rc flush(struct work *work, struct why *why)
{
    if (work->filled == 0) {
        return RC_OK;
    }
    enum rc rc = charge_check_rows(work->request, work->answered + work->filled, work->outputs, why);
    rc = rc != RC_OK ? rc : version_predict(work->version, work->x, work->filled, work->y, why);
    if (rc != RC_OK) {
        return rc;
    }
    for (size_t i = 0; i < work->filled; i++) {
        const float *y = work->y + i * work->outputs;
        if (work->answered++ > 0) {
            (void)buf_char(&work->text, ','); /* the buffer keeps its failure */
        }
        if (work->forms[i] == ROWS_RECORD) {
            answers_record(work->target, y, (int)work->outputs, work->flags[i], &work->text);
        } else {
            answers_tensor(y, (int)work->outputs, &work->text);
        }
    }
    work->filled = 0;
    return work->text.failed;
}

static enum rc begin_answers(void *arg, bool columns, struct why *why)
{
    struct work *work = arg;
    return buf_printf(&work->text, "{\"%s\":[", columns ? "outputs" : "predictions");
}

static enum rc take_row(void *arg, enum rows_form form, const struct cell *cells, struct why *why)
{
    struct work *work = arg;
    const size_t i = work->filled;
    work->flags[i] = 0;
    work->forms[i] = form;
    const enum rc rc = transform_record(work->transform, cells, work->x + i * work->features, &work->flags[i], why);
    if (rc != RC_OK) {
        return rc;
    }
    work->filled++;
    return work->filled == work->batch ? flush(work, why) : RC_OK;
}

static enum rc compute(struct api_request *request, struct work *work, struct why *why)
{
    struct rows_reader reader = {
        .transform = work->transform,
        .rows_max = (size_t)api_get_settings(request->api)->limits.predict_rows,
        .arg = work,
        .begin = begin_answers,
        .row = take_row,
    };
    size_t rows;
    (void)transform_inputs(work->transform, &reader.input_count); /* their number is all that is needed */
    enum rc rc = request->body.len == 0 ? why_fail(why, RC_SYNTAX, NULL, "the body must be a JSON object, got nothing") : RC_OK;
    rc = rc != RC_OK ? rc : rows_read(&reader, request->body.data, request->body.len, &rows, why);
    rc = rc != RC_OK ? rc : flush(work, why);
    rc = rc != RC_OK ? rc : buf_text(&work->text, "]}");
    request->charge.answer = charge_rows(work->answered, work->outputs);
    return rc != RC_OK ? rc : api_reply(request, 200, "application/json", work->text.data, work->text.len);
}

static struct version_choice choose(const struct api_request *request)
{
    return (struct version_choice){ .number = api_get_version(request), .label = api_get_param(request, "label") };
}

/* What a limited token may have to pay, so that it can be set aside before anything is read. */
static void bound_cost(struct api_request *request, const struct version_choice *choice, size_t rows)
{
    const size_t rows_max = (size_t)api_get_settings(request->api)->limits.predict_rows;
    struct version *version = version_pin_loaded(request->service, api_get_param(request, "model"), choice);
    if (version == NULL) { /* unloaded since: what it costs is seen when it is answered */
        return;
    }
    rows = rows > rows_max ? rows_max : rows;
    const int outputs = version_outputs(version);
    const size_t bytes = answers_bytes_max(version_target(version), outputs) + 1;
    request->charge.bound = charge_rows(rows, (size_t)outputs);
    request->charge.bound.of[QUOTA_BYTES] = (int64_t)(rows * bytes + sizeof("{\"predictions\":[]}"));
    version_unpin(request->service, version);
}

enum api_where place_predict(struct api_request *request)
{
    const struct version_choice choice = choose(request);
    size_t inputs;
    const int64_t row_ns = version_row_ns(request->service, api_get_param(request, "model"), &choice, &inputs);
    if (row_ns < 0) {
        return API_IO;
    }
    const size_t n = request->body.len;
    const int64_t rows = (int64_t)rows_bound(n, inputs);
    if (request->charge.entered) {
        bound_cost(request, &choice, (size_t)rows);
    }
    return n <= INLINE_NS / BYTE_NS && (int64_t)n * BYTE_NS + rows * row_ns <= INLINE_NS ? API_INLINE : API_COMPUTE;
}

static enum rc answer(struct api_request *request, struct version *version, struct why *why)
{
    char number[24];
    const char *purpose = api_get_header(request, "x-purpose");
    request->log_version = version_number(version);
    (void)snprintf(number, sizeof(number), "%" PRId64, request->log_version);
    enum rc rc = caller_check_purpose(request->caller.grant, purpose, "header:X-Purpose", why);
    rc = rc != RC_OK ? rc : version_check_purpose(version, purpose, "header:X-Purpose", why);
    rc = rc != RC_OK ? rc : api_add_header(request, "X-Model-Version", number);
    rc = rc != RC_OK ? rc : api_add_header(request, "X-Version-Digest", version_digest(version));
    if (rc != RC_OK) {
        return rc;
    }
    struct work work;
    rc = prepare(&work, request, version);
    rc = rc != RC_OK ? rc : compute(request, &work, why);
    finish_work(&work);
    return rc;
}

enum rc handle_predict(struct api_request *request, struct why *why)
{
    const struct version_choice choice = choose(request);
    struct version *version = NULL;
    request->log_model = api_get_param(request, "model");
    enum rc rc = version_pin(request->service, request->log_model, &choice, &version, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = answer(request, version, why);
    version_unpin(request->service, version);
    return rc;
}
