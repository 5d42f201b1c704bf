/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/str.h"

const struct option model_show_options[] = {
    { "version", OPTION_INTEGER, "N", NULL, NULL, "one version only" },
    { NULL },
};

const struct option model_remove_options[] = {
    { "version", OPTION_INTEGER, "N", NULL, NULL, "one version only; a version that a label names is refused" },
    { "label", OPTION_TEXT, "LABEL", NULL, NULL, "this label only; the version that it names stays" },
    { "yes", OPTION_FLAG, NULL, NULL, NULL, "do not ask" },
    { NULL },
};

static const struct column list_columns[] = {
    { "MODEL", "name", CELL_TEXT },
    { "READY", "ready", CELL_TEXT },
    { "VERSIONS", "_versions", CELL_COUNT },
    { "LABELS", "_labels", CELL_TEXT },
    { "CREATED", "created", CELL_TIME },
    { NULL },
};

static const struct column field_columns[] = {
    { "Model", "name", CELL_TEXT },
    { "Ready", "ready", CELL_TEXT },
    { "Labels", "_labels", CELL_TEXT },
    { "Created", "created", CELL_TIME },
    { "Owner", "owned_by", CELL_TEXT },
    { NULL },
};

static const struct column version_columns[] = {
    { "VERSION", "version", CELL_COUNT },
    { "CREATED", "created_at", CELL_TIME },
    { "DATASET", "dataset", CELL_TEXT },
    { "PARAMETERS", "parameters", CELL_COUNT },
    { "METRICS", "_metrics", CELL_TEXT },
    { "WEIGHTS", "weights_digest", CELL_DIGEST },
    { NULL },
};

static const struct column version_fields[] = {
    { "Version", "version", CELL_TEXT },
    { "Created", "created_at", CELL_TIME },
    { "Dataset", "dataset", CELL_TEXT },
    { "Job", "job", CELL_TEXT },
    { "Parameters", "parameters", CELL_COUNT },
    { "Metrics", "_metrics", CELL_TEXT },
    { "Weights digest", "weights_digest", CELL_DIGEST },
    { "Version digest", "version_digest", CELL_DIGEST },
    { NULL },
};

static const struct column input_columns[] = {
    { "INPUT", "name", CELL_TEXT },
    { "TYPE", "type", CELL_TEXT },
    { NULL },
};

/* "production v3, canary v3 95 % + v4 5 % + v5 shadow" */
static void write_labels(struct buf *out, const struct doc *labels)
{
    for (struct doc_pair p = { 0 }; doc_next(labels, &p);) {
        const size_t n = doc_count(p.value);
        (void)buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", p.key);
        for (size_t i = 0; i < n; i++) {
            const struct doc *share = doc_at(p.value, i);
            bool shadow = false;
            (void)buf_printf(out, "%s v%" PRId64, i == 0 ? "" : " +", doc_get_integer(share, "version", 0));
            if (doc_boolean(doc_get(share, "shadow"), &shadow) && shadow) {
                (void)buf_text(out, " shadow");
            } else if (n > 1) {
                (void)buf_printf(out, " %" PRId64 " %%", doc_get_integer(share, "weight", 0));
            }
        }
    }
}

static void write_metrics(struct buf *out, const struct doc *metrics)
{
    for (struct doc_pair p = { 0 }; doc_next(metrics, &p);) {
        double x;
        if (doc_number(p.value, &x)) {
            (void)buf_printf(out, "%s%s ", out->len == 0 ? "" : ", ", p.key);
            table_cell(out, CELL_NUMBER, p.value);
        }
    }
}

/* A copy of the object with what the tables above show under "_": composed texts. */
static struct doc *compose(const struct doc *object)
{
    AUTO(buf) struct buf labels;
    AUTO(buf) struct buf metrics;
    buf_init(&labels, TABLE_CELL_MAX);
    buf_init(&metrics, TABLE_CELL_MAX);
    write_labels(&labels, doc_get(object, "labels"));
    write_metrics(&metrics, doc_get(object, "metrics"));
    AUTO_PTR(doc) struct doc *copy = doc_copy(object);
    if (copy == NULL ||
        doc_put_integer(copy, "_versions", (int64_t)doc_count(doc_get(object, "versions"))) != RC_OK ||
        (labels.len > 0 && doc_put_string(copy, "_labels", labels.data) != RC_OK) ||
        (metrics.len > 0 && doc_put_string(copy, "_metrics", metrics.data) != RC_OK)) {
        return NULL;
    }
    return TAKE(copy);
}

static enum rc print_composed(const struct column *columns, const struct doc *list)
{
    AUTO_PTR(doc) struct doc *composed = doc_new_list();
    for (size_t i = 0; i < doc_count(list); i++) {
        if (doc_add(composed, compose(doc_at(list, i))) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    return table_print(stdout, columns, composed);
}

static enum rc print_fields(const struct column *columns, const struct doc *object)
{
    AUTO_PTR(doc) struct doc *composed = compose(object);
    return composed == NULL ? RC_NO_MEMORY : table_print_fields(stdout, columns, composed);
}

enum outcome model_list(const struct session *session)
{
    return session_list(session, "/v1/models", list_columns, print_composed);
}

static enum outcome show_version(const struct session *session, const char *version)
{
    char path[CLIENT_PATH_MAX];
    AUTO_PTR(doc) struct doc *object = NULL;
    if (!client_path(path, "/v1/models/{}/versions/{}", session->args->words[0], version)) {
        return session_usage(session, "the name is too long");
    }
    const enum outcome outcome = session_get(session, path, true, &object);
    if (outcome != OUTCOME_DONE || session->json) {
        return outcome;
    }
    return session_printed(print_fields(version_fields, object));
}

enum outcome model_show(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    const char *version = args_get(session->args, "version", NULL);
    if (version != NULL) {
        return show_version(session, version);
    }
    if (!client_path(path, "/v1/models/{}", session->args->words[0])) {
        return session_usage(session, "the name is too long");
    }
    AUTO_PTR(doc) struct doc *model = NULL;
    const enum outcome outcome = session_get(session, path, true, &model);
    if (outcome != OUTCOME_DONE || session->json) {
        return outcome;
    }
    enum rc rc = print_fields(field_columns, model);
    if (rc == RC_OK && doc_count(doc_get(model, "versions")) > 0) {
        fputc('\n', stdout);
        rc = print_composed(version_columns, doc_get(model, "versions"));
    }
    if (rc == RC_OK && doc_count(doc_get(model, "inputs")) > 0) {
        fputc('\n', stdout);
        rc = table_print(stdout, input_columns, doc_get(model, "inputs"));
    }
    return session_printed(rc);
}

enum outcome model_label(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    int64_t version = 0;
    const char *const *words = session->args->words;
    if (!str_to_int64(words[2], &version)) {
        return session_usage(session, "VERSION must be a whole number, got \"%.40s\"", words[2]);
    }
    if (!client_path(path, "/v1/models/{}/labels/{}", words[0], words[1])) {
        return session_usage(session, "the name is too long");
    }
    AUTO_PTR(doc) struct doc *body = doc_new_object();
    if (doc_put_integer(body, "version", version) != RC_OK) {
        return session_printed(RC_NO_MEMORY);
    }
    const struct client_request request = { .method = "PUT", .path = path, .body = body };
    const enum outcome outcome = session_ask(session, &request, true, NULL);
    if (outcome == OUTCOME_DONE && !session->json) {
        printf("%s %s is version %" PRId64 " now.\n", words[0], words[1], version);
    }
    return outcome;
}

/* What is to go, and the words about it. */
struct removal {
    const char *pattern, *which, *question;
};

static struct removal removal_of(const char *version, const char *label)
{
    if (label != NULL) {
        return (struct removal){ "/v1/models/{}/labels/{}", "label", "Erase this label? Requests that rely on it will be refused." };
    }
    if (version != NULL) {
        return (struct removal){ "/v1/models/{}/versions/{}", "version", "Erase this version?" };
    }
    return (struct removal){ "/v1/models/{}", NULL, "Erase the model with all its versions?" };
}

enum outcome model_remove(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    const char *name = session->args->words[0];
    const char *version = args_get(session->args, "version", NULL), *label = args_get(session->args, "label", NULL);
    if (version != NULL && label != NULL) {
        return session_usage(session, "give one of --version and --label");
    }
    const struct removal removal = removal_of(version, label);
    const char *part = label == NULL ? version : label;
    if (!client_path(path, removal.pattern, name, part)) {
        return session_usage(session, "the name is too long");
    }
    if (!session_confirmed(session, removal.question)) {
        return OUTCOME_USAGE;
    }
    const struct client_request request = { .method = "DELETE", .path = path };
    const enum outcome outcome = session_ask(session, &request, true, NULL);
    if (outcome == OUTCOME_DONE && !session->json) {
        const bool whole = part == NULL;
        printf("Erased %s%s%s%s%s.\n", name, whole ? "" : " ", whole ? "" : removal.which, whole ? "" : " ", whole ? "" : part);
    }
    return outcome;
}
