/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "cli/body.h"
#include "cli/watch.h"

#define BODY                                                                                                            \
    { "file", OPTION_FILE, "FILE", NULL, NULL, "the job as JSON, - reads standard input; other options come over it" }, \
        { "set", OPTION_MANY, "KEY=VALUE", NULL, NULL, "any other key of the job: --set early_stopping.patience=5" },   \
    {                                                                                                                   \
        "watch", OPTION_FLAG, NULL, NULL, NULL, "wait for the end and show the progress"                                \
    }

const struct option job_submit_options[] = {
    { "model", OPTION_TEXT, "NAME", "model", NULL, "the model that gets a new version (required)" },
    { "dataset", OPTION_TEXT, "ID", "dataset", NULL, "the dataset to learn from, ds-... (required)" },
    { "target", OPTION_TEXT, "COLUMN", "target", NULL, "the column to predict (required for training)" },
    { "type", OPTION_TEXT, "TYPE", "type", "train evaluate", "train or evaluate (train)" },
    { "layers", OPTION_TEXT, "LIST", NULL, NULL, "dense layers, UNITS:ACTIVATION (128:relu,64:relu and an output that fits the target)" },
    { "epochs", OPTION_INTEGER, "N", "epochs", NULL, "passes over the training rows (10)" },
    { "batch-size", OPTION_INTEGER, "N", "batch_size", NULL, "rows per step (32)" },
    { "optimizer", OPTION_TEXT, "NAME", "optimizer.type", "adam sgd", "adam or sgd (adam)" },
    { "learning-rate", OPTION_NUMBER, "X", "optimizer.learning_rate", NULL, "step size" },
    { "momentum", OPTION_NUMBER, "X", "optimizer.momentum", NULL, "of sgd" },
    { "loss", OPTION_TEXT, "NAME", "loss",
      "binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy mean_squared_error half_mean_squared_error",
      "what training makes small (it follows from the target: classes or numbers)" },
    { "metrics", OPTION_LIST, "LIST", "metrics", "accuracy auc precision recall f1 log_loss mse mae r2", "what is measured: accuracy,auc" },
    { "validation-split", OPTION_NUMBER, "X", "validation_split", NULL, "share of the rows that every epoch is checked on (0.2)" },
    { "test-split", OPTION_NUMBER, "X", "test_split", NULL, "share of the rows kept for an evaluation: licit job evaluate --rows test (0)" },
    { "seed", OPTION_INTEGER, "N", "seed", NULL, "of the split, the start and the order: same seed, same weights (0)" },
    { "patience", OPTION_INTEGER, "N", "early_stopping.patience", NULL, "stop after so many epochs without a better val_loss" },
    { "clip-norm", OPTION_NUMBER, "X", "clip_norm", NULL, "ceiling of each gradient tensor's norm" },
    { "positive", OPTION_TEXT, "CLASS", "positive", NULL, "the class that a binary model's probability speaks of (the second)" },
    { "purpose", OPTION_TEXT, "P", "purpose", NULL, "one of the dataset's purposes" },
    { "label", OPTION_TEXT, "LABEL", "label", "production", "label the version when it is made" },
    BODY,
    { NULL },
};

const struct option job_evaluate_options[] = {
    { "model", OPTION_TEXT, "NAME", "model", NULL, "the model to judge (required)" },
    { "dataset", OPTION_TEXT, "ID", "dataset", NULL, "the dataset that holds the rows, ds-... (required)" },
    { "target", OPTION_TEXT, "COLUMN", "target", NULL, "the column that holds the truth (the version's own)" },
    { "version", OPTION_INTEGER, "N", "version", NULL, "the version to judge (the one that production names)" },
    { "label", OPTION_TEXT, "LABEL", "label", "production", "or the one that this label names" },
    { "rows", OPTION_TEXT, "WHICH", "rows", "all validation test", "all, or the validation or test rows that training left out (all)" },
    { "metrics", OPTION_LIST, "LIST", "metrics", "accuracy auc precision recall f1 log_loss mse mae r2", "what is measured: accuracy,auc" },
    { "purpose", OPTION_TEXT, "P", "purpose", NULL, "one of the dataset's purposes" },
    BODY,
    { NULL },
};

static const struct column list_columns[] = {
    { "ID", "id", CELL_TEXT },
    { "TYPE", "type", CELL_TEXT },
    { "MODEL", "model", CELL_TEXT },
    { "VERSION", "version", CELL_COUNT },
    { "STATUS", "status", CELL_TEXT },
    { "DONE", "progress.fraction", CELL_PERCENT },
    { "SUBMITTED", "created_at", CELL_TIME },
    { NULL },
};

static const struct column field_columns[] = {
    { "Job", "id", CELL_TEXT },
    { "Type", "type", CELL_TEXT },
    { "Status", "status", CELL_TEXT },
    { "Error", "error.detail", CELL_TEXT },
    { "Error at", "error.path", CELL_TEXT },
    { "Error code", "error.code", CELL_TEXT },
    { "Model", "model", CELL_TEXT },
    { "Version", "version", CELL_TEXT },
    { "Dataset", "dataset", CELL_TEXT },
    { "Purpose", "purpose", CELL_TEXT },
    { "Epochs", "_epochs", CELL_TEXT },
    { "Rows per second", "progress.rows_per_second", CELL_COUNT },
    { "Weights", "weights_digest", CELL_DIGEST },
    { "Submitted", "created_at", CELL_TIME },
    { "Started", "started_at", CELL_TIME },
    { "Finished", "finished_at", CELL_TIME },
    { NULL },
};

/* {"classes":[...],"counts":[[...]]}: a line for each true class, a column for each predicted one. */
static enum rc print_confusion(const struct doc *matrix)
{
    struct column columns[TABLE_COLUMNS_MAX + 1] = { { "actual, predicted:", "_class", CELL_TEXT } };
    char keys[TABLE_COLUMNS_MAX][4];
    const struct doc *classes = doc_get(matrix, "classes");
    const size_t n = doc_count(classes);
    if (n == 0 || n >= TABLE_COLUMNS_MAX) {
        return RC_OK; /* more classes than a screen is wide: --json has them */
    }
    for (size_t j = 0; j < n; j++) {
        const char *name = doc_string(doc_at(classes, j));
        (void)snprintf(keys[j], sizeof(keys[j]), "%zu", j);
        columns[j + 1] = (struct column){ name == NULL ? "" : name, keys[j], CELL_COUNT };
    }
    AUTO_PTR(doc) struct doc *lines = doc_new_list();
    for (size_t i = 0; i < n; i++) {
        struct doc *line = doc_new_object();
        if (doc_add(lines, line) != RC_OK || doc_put(line, "_class", doc_copy(doc_at(classes, i))) != RC_OK) {
            return RC_NO_MEMORY;
        }
        for (size_t j = 0; j < n; j++) {
            if (doc_put(line, keys[j], doc_copy(doc_at(doc_at(doc_get(matrix, "counts"), i), j))) != RC_OK) {
                return RC_NO_MEMORY;
            }
        }
    }
    fputc('\n', stdout);
    return table_print(stdout, columns, lines);
}

/* One line per number of "metrics", names and numbers lined up. */
static enum rc print_metrics(const struct doc *metrics)
{
    struct column columns[TABLE_COLUMNS_MAX + 1] = { 0 };
    size_t n = 0;
    for (struct doc_pair p = { 0 }; n < TABLE_COLUMNS_MAX && doc_next(metrics, &p);) {
        if (doc_kind(p.value) != DOC_OBJECT) {
            columns[n++] = (struct column){ p.key, p.key, CELL_NUMBER };
        }
    }
    if (n == 0) {
        return RC_OK;
    }
    fputs("\nMetrics\n", stdout);
    const enum rc rc = table_print_fields(stdout, columns, metrics);
    return rc == RC_OK ? print_confusion(doc_get(metrics, "confusion_matrix")) : rc;
}

/* The columns are the keys of the first row; every row has the same. */
static enum rc print_history(const struct doc *history)
{
    static const char *const first[] = { "epoch", "loss", "val_loss" };
    struct column columns[TABLE_COLUMNS_MAX + 1] = { 0 };
    const struct doc *row = doc_at(history, 0);
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        if (doc_get(row, first[i]) != NULL) {
            columns[n++] = (struct column){ first[i], first[i], CELL_NUMBER };
        }
    }
    for (struct doc_pair p = { 0 }; n < TABLE_COLUMNS_MAX && doc_next(row, &p);) {
        if (strcmp(p.key, "epoch") != 0 && strcmp(p.key, "loss") != 0 && strcmp(p.key, "val_loss") != 0) {
            columns[n++] = (struct column){ p.key, p.key, CELL_NUMBER };
        }
    }
    if (n == 0) {
        return RC_OK;
    }
    fputc('\n', stdout);
    return table_print(stdout, columns, history);
}

/* The fields, with "7 of 30" for the epochs where there are any. */
static enum rc print_fields(const struct doc *job)
{
    char text[64];
    const struct doc *progress = doc_get(job, "progress");
    const int64_t epochs = doc_get_integer(progress, "epochs", doc_get_integer(doc_get(job, "spec"), "epochs", 0));
    AUTO_PTR(doc) struct doc *copy = doc_copy(job);
    if (epochs > 0) {
        (void)snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64, doc_get_integer(progress, "epoch", 0), epochs);
        if (doc_put_string(copy, "_epochs", text) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    return copy == NULL ? RC_NO_MEMORY : table_print_fields(stdout, field_columns, copy);
}

enum rc job_print(const struct doc *job)
{
    const enum rc rc = print_fields(job);
    return rc == RC_OK ? print_metrics(doc_get(job, "metrics")) : rc;
}

/* An optimizer's options without its type mean adam, as the server's default is. */
static enum rc complete(struct doc *body, const char *type, struct why *why)
{
    const struct doc *optimizer = doc_get(body, "optimizer");
    enum rc rc = RC_OK;
    if (optimizer != NULL && doc_kind(optimizer) == DOC_OBJECT && doc_get(optimizer, "type") == NULL) {
        rc = body_put(body, "optimizer.type", doc_new_string("adam"), why);
    }
    if (rc == RC_OK && doc_get(body, "type") == NULL) {
        rc = body_put(body, "type", doc_new_string(type), why);
    }
    return rc;
}

static enum rc make_body(const struct args *args, const char *type, struct doc **ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    struct doc *network = NULL;
    const char *file = args_get(args, "file", NULL);
    const char *layers = args_get(args, "layers", NULL);
    enum rc rc = RC_OK;
    if (file != NULL) {
        rc = body_read(file, &body, why);
    } else {
        body = doc_new_object();
    }
    if (rc == RC_OK) {
        rc = body_add_options(body, args, why);
    }
    if (rc == RC_OK && layers != NULL) {
        rc = body_layers(layers, &network, why);
        rc = rc == RC_OK ? body_put(body, "network", network, why) : rc;
    }
    const char *text;
    for (size_t i = 0; rc == RC_OK && (text = args_next(args, "set", &i)) != NULL;) {
        rc = body_set(body, text, why);
    }
    if (rc == RC_OK) {
        rc = complete(body, type, why);
    }
    if (rc == RC_OK) {
        *ret = TAKE(body);
    }
    return rc;
}

static enum outcome check_body(const struct session *session, const struct doc *body)
{
    static const char *const required[] = { "model", "dataset", "target" };
    const bool train = strcmp(doc_get_string(body, "type", ""), "train") == 0;
    for (size_t i = 0; i < COUNT_OF(required) - (train ? 0 : 1); i++) {
        if (doc_get(body, required[i]) == NULL) {
            return session_usage(session, "--%s is missing", required[i]);
        }
    }
    return OUTCOME_DONE;
}

/* Says what was begun and how to follow it; or follows it. */
static enum outcome follow(const struct session *session, const struct doc *job)
{
    const char *id = doc_get_string(job, "id", "");
    if (args_has(session->args, "watch")) {
        const enum outcome outcome = watch_job(session, id);
        if (outcome == OUTCOME_REFUSED || outcome == OUTCOME_UNREACHABLE) {
            fprintf(stderr, "It was submitted as %s and goes on unwatched.\n", id);
        }
        return outcome;
    }
    if (!session->json) {
        const enum rc rc = print_fields(job);
        fprintf(stderr, "Follow it: licit job watch %s\n", id);
        return session_printed(rc);
    }
    return OUTCOME_DONE;
}

static enum outcome submit(const struct session *session, const char *type)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *job = NULL;
    struct why why = { 0 };
    const enum rc rc = make_body(session->args, type, &body, &why);
    if (rc != RC_OK) {
        return session_failed(rc, &why);
    }
    enum outcome outcome = check_body(session, body);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    const struct client_request request = { .method = "POST", .path = "/v1/jobs", .body = body };
    outcome = session_ask(session, &request, !args_has(session->args, "watch"), &job);
    return outcome == OUTCOME_DONE ? follow(session, job) : outcome;
}

enum outcome job_submit(const struct session *session)
{
    return submit(session, "train");
}

enum outcome job_evaluate(const struct session *session)
{
    return submit(session, "evaluate");
}

enum outcome job_list(const struct session *session)
{
    return session_list(session, "/v1/jobs", list_columns, NULL);
}

enum outcome job_show(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    if (!client_path(path, "/v1/jobs/{}", session->args->words[0])) {
        return session_usage(session, "the id is too long");
    }
    AUTO_PTR(doc) struct doc *job = NULL;
    const enum outcome outcome = session_get(session, path, true, &job);
    if (outcome != OUTCOME_DONE || session->json) {
        return outcome;
    }
    enum rc rc = job_print(job);
    if (rc == RC_OK) {
        rc = print_history(doc_get(job, "history"));
    }
    return session_printed(rc);
}

enum outcome job_watch(const struct session *session)
{
    return watch_job(session, session->args->words[0]);
}

static enum outcome move(const struct session *session, const char *verb)
{
    char path[CLIENT_PATH_MAX];
    if (!client_path(path, "/v1/jobs/{}/{}", session->args->words[0], verb)) {
        return session_usage(session, "the id is too long");
    }
    AUTO_PTR(doc) struct doc *job = NULL;
    const struct client_request request = { .method = "POST", .path = path };
    const enum outcome outcome = session_ask(session, &request, true, &job);
    if (outcome != OUTCOME_DONE || session->json) {
        return outcome;
    }
    const enum rc rc = print_fields(job);
    if (strcmp(verb, "resume") != 0 && strcmp(doc_get_string(job, "status", ""), "running") == 0) {
        fprintf(stderr, "It has been asked to and stops at its next batch: licit job show %s\n", session->args->words[0]);
    }
    return session_printed(rc);
}

enum outcome job_cancel(const struct session *session)
{
    return move(session, "cancel");
}

enum outcome job_pause(const struct session *session)
{
    return move(session, "pause");
}

enum outcome job_resume(const struct session *session)
{
    return move(session, "resume");
}
