/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "cli/bar.h"
#include "cli/body.h"
#include "cli/text.h"
#include "cli/watch.h"

const struct option dataset_add_options[] = {
    { "name", OPTION_TEXT, "NAME", "name", NULL, "what people call it" },
    { "licence", OPTION_TEXT, "SPDX", "licence",
      "CC-BY-4.0 CC0-1.0 CC-BY-SA-4.0 ODbL-1.0 LicenseRef-Proprietary",
      "the licence of the data, an SPDX expression (required)" },
    { "purpose", OPTION_LIST, "P", "purposes", NULL, "what the data may be used for (required; several: --purpose a --purpose b, or a,b)" },
    { "target", OPTION_TEXT, "COLUMN", "target", NULL, "the column that models will predict" },
    { "column", OPTION_MANY, "C=TYPE", NULL, NULL, "what a column is: number, category, boolean or ignored (else it is found out)" },
    { "missing", OPTION_LIST, "TEXT", "missing", NULL, "cells that mean \"missing\" (an empty cell, NA, NaN, null and ?)" },
    { "origin", OPTION_TEXT, "TEXT", "origin", NULL, "where the data comes from" },
    { "known-gaps", OPTION_TEXT, "TEXT", "known_gaps", NULL, "what the data does not cover" },
    { "group-column", OPTION_LIST, "COLUMN", "group_columns", NULL, "columns that name groups of people" },
    { "personal-data", OPTION_FLAG, NULL, "personal_data", NULL, "the table is about people; then the next three are required" },
    { "legal-basis", OPTION_TEXT, "TEXT", "legal_basis",
      "consent contract legal-obligation vital-interests public-task legitimate-interests",
      "why it may be processed" },
    { "subject-column", OPTION_TEXT, "COLUMN", "subject_column", NULL, "the column that says whose row it is" },
    { "retention-days", OPTION_INTEGER, "N", "retention_days", NULL, "how long it may be kept" },
    { NULL },
};

static const struct column list_columns[] = {
    { "ID", "id", CELL_TEXT },
    { "NAME", "name", CELL_TEXT },
    { "ROWS", "rows", CELL_COUNT },
    { "SIZE", "bytes", CELL_BYTES },
    { "LICENCE", "licence", CELL_TEXT },
    { "STATUS", "status", CELL_TEXT },
    { "ADDED", "created_at", CELL_TIME },
    { NULL },
};

static const struct column field_columns[] = {
    { "Dataset", "id", CELL_TEXT },
    { "Name", "name", CELL_TEXT },
    { "Version", "version", CELL_TEXT },
    { "Status", "status", CELL_TEXT },
    { "Rows", "rows", CELL_COUNT },
    { "Size", "bytes", CELL_BYTES },
    { "Digest", "sha256", CELL_DIGEST },
    { "Target", "target", CELL_TEXT },
    { "Licence", "licence", CELL_TEXT },
    { "Purposes", "purposes", CELL_TEXT },
    { "Origin", "origin", CELL_TEXT },
    { "Known gaps", "known_gaps", CELL_TEXT },
    { "Personal data", "personal_data", CELL_TEXT },
    { "Legal basis", "legal_basis", CELL_TEXT },
    { "Subject column", "subject_column", CELL_TEXT },
    { "Retention, days", "retention_days", CELL_COUNT },
    { "Group columns", "group_columns", CELL_TEXT },
    { "Derived from", "derived_from", CELL_TEXT },
    { "Added", "created_at", CELL_TIME },
    { NULL },
};

static const struct column column_columns[] = {
    { "COLUMN", "name", CELL_TEXT },
    { "TYPE", "type", CELL_TEXT },
    { "MISSING", "missing", CELL_COUNT },
    { "DISTINCT", "distinct", CELL_COUNT },
    { "MIN", "min", CELL_NUMBER },
    { "MAX", "max", CELL_NUMBER },
    { "MEAN", "mean", CELL_NUMBER },
    { "STD", "std", CELL_NUMBER },
    { "CATEGORIES", "categories", CELL_TEXT },
    { NULL },
};

/* --column age=number: {"columns":{"age":{"type":"number"}}}. Column names may hold dots, so no path is used. */
static enum rc add_columns(struct doc *metadata, const struct args *args, struct why *why)
{
    const char *text;
    struct doc *columns = NULL;
    for (size_t i = 0; (text = args_next(args, "column", &i)) != NULL;) {
        const char *equals = strrchr(text, '=');
        if (equals == NULL || equals == text || equals[1] == '\0') {
            doc_destroy(columns);
            return why_fail(why, RC_INVALID, NULL, "--column must be NAME=TYPE, such as age=number, got \"%.60s\"", text);
        }
        AUTO_FREE char *name = mem_strndup(text, (size_t)(equals - text));
        struct doc *column = doc_new_object();
        columns = columns == NULL ? doc_new_object() : columns;
        const bool typed = doc_put_string(column, "type", equals + 1) == RC_OK;
        if (!typed || name == NULL) {
            doc_destroy(column);
            doc_destroy(columns);
            return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
        }
        if (doc_put(columns, name, column) != RC_OK) {
            doc_destroy(columns);
            return why_fail(why, RC_NO_MEMORY, NULL, "out of memory");
        }
    }
    return columns == NULL ? RC_OK : body_put(metadata, "columns", columns, why);
}

/* The file's name without its folders and ending: "data/wine.csv" is "wine". */
static char *name_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(base, '.');
    return mem_strndup(base, dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base));
}

static enum rc make_metadata(struct doc *metadata, const struct args *args, struct why *why)
{
    AUTO_FREE char *name = name_of(args->words[0]);
    enum rc rc = body_put(metadata, "name", doc_new_string(name), why);
    if (rc == RC_OK) {
        rc = body_put(metadata, "personal_data", doc_new_boolean(false), why);
    }
    if (rc == RC_OK) {
        rc = body_add_options(metadata, args, why);
    }
    return rc == RC_OK ? add_columns(metadata, args, why) : rc;
}

static bool draw_upload(void *arg, int64_t sent, int64_t total)
{
    char text[80];
    AUTO(buf) struct buf sizes;
    buf_init(&sizes, sizeof(text));
    text_bytes(&sizes, sent);
    if (total > 0) {
        (void)buf_text(&sizes, " of ");
        text_bytes(&sizes, total);
        bar_draw(arg, "uploading", (double)sent / (double)total, sizes.data == NULL ? "" : sizes.data, sent == total);
    }
    return !watch_is_interrupted();
}

enum outcome dataset_add(const struct session *session)
{
    const struct args *args = session->args;
    if (args_get(args, "licence", NULL) == NULL || args_get(args, "purpose", NULL) == NULL) {
        return session_usage(session, "say under which licence and for which purpose the data may be used: --licence SPDX --purpose P");
    }
    AUTO_PTR(doc) struct doc *metadata = doc_new_object();
    struct why why = { 0 };
    const enum rc rc = make_metadata(metadata, args, &why);
    if (rc != RC_OK) {
        return session_failed(rc, &why);
    }
    struct bar bar;
    bar_init(&bar, stderr);
    watch_catch_interrupts();
    const struct client_request request = {
        .method = "POST",
        .path = "/v1/datasets",
        .metadata = metadata,
        .file = args->words[0],
        .progress = draw_upload,
        .progress_arg = &bar,
    };
    AUTO_PTR(doc) struct doc *dataset = NULL;
    const enum outcome outcome = session_ask(session, &request, true, &dataset);
    bar_end(&bar);
    if (outcome == OUTCOME_DONE && !session->json) {
        return session_printed(table_print_fields(stdout, field_columns, dataset));
    }
    return outcome;
}

enum outcome dataset_list(const struct session *session)
{
    return session_list(session, "/v1/datasets", list_columns, NULL);
}

enum outcome dataset_show(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    if (!client_path(path, "/v1/datasets/{}", session->args->words[0])) {
        return session_usage(session, "the id is too long");
    }
    AUTO_PTR(doc) struct doc *dataset = NULL;
    const enum outcome outcome = session_get(session, path, true, &dataset);
    if (outcome != OUTCOME_DONE || session->json) {
        return outcome;
    }
    enum rc rc = table_print_fields(stdout, field_columns, dataset);
    const struct doc *columns = doc_get(dataset, "columns");
    if (rc == RC_OK && doc_count(columns) > 0) {
        fputc('\n', stdout);
        rc = table_print(stdout, column_columns, columns);
    }
    return session_printed(rc);
}

enum outcome dataset_remove(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    const char *id = session->args->words[0];
    if (!client_path(path, "/v1/datasets/{}", id)) {
        return session_usage(session, "the id is too long");
    }
    if (!session_confirmed(session, "Erase the dataset? Nobody can bring it back.")) {
        return OUTCOME_USAGE;
    }
    const struct client_request request = { .method = "DELETE", .path = path };
    const enum outcome outcome = session_ask(session, &request, true, NULL);
    if (outcome == OUTCOME_DONE && !session->json) {
        printf("Erased %s.\n", id);
    }
    return outcome;
}
