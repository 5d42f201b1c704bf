/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/body.h"
#include "cli/rows.h"
#include "core/base/str.h"

#define ROWS_PER_REQUEST 1000
#define BODY_MAX         (64 * 1024 * 1024) /* bytes of one request */

const struct option predict_options[] = {
    { "file", OPTION_FILE, "FILE", NULL, NULL, "rows of a CSV file whose first line names the columns; - reads standard input" },
    { "body", OPTION_FILE, "JSON", NULL, NULL, "the request as it is: '{\"instances\":[...]}', @FILE or -" },
    { "version", OPTION_INTEGER, "N", NULL, NULL, "this version (else the label production)" },
    { "label", OPTION_TEXT, "LABEL", NULL, "production", "the version that this label names" },
    { "purpose", OPTION_TEXT, "P", NULL, NULL, "what the answer is for" },
    { "subject", OPTION_TEXT, "WHO", NULL, NULL, "whom the row is about" },
    { NULL },
};

struct predict {
    const struct session *session;
    char path[CLIENT_PATH_MAX];
    char purpose[256], subject[256]; /* whole header lines; empty: none */
    struct doc *inputs;              /* [{"name","type"}]; NULL: not known */
    size_t told;                     /* rows printed so far */
};

static bool make_path(struct predict *it)
{
    const struct args *args = it->session->args;
    const char *name = args->words[0];
    const char *version = args_get(args, "version", NULL);
    const char *label = args_get(args, "label", NULL);
    if (version != NULL) {
        return client_path(it->path, "/v1/models/{}/versions/{}:predict", name, version);
    }
    return label != NULL ? client_path(it->path, "/v1/models/{}/labels/{}:predict", name, label)
                         : client_path(it->path, "/v1/models/{}:predict", name);
}

static bool make_header(char *out, size_t size, const char *name, const char *value)
{
    out[0] = '\0';
    if (value == NULL) {
        return true;
    }
    const int n = snprintf(out, size, "%s: %s", name, value);
    return n > 0 && (size_t)n < size && strpbrk(value, "\r\n") == NULL;
}

/* {"label","probability"} or a bare number as one object, so that one table of columns shows both. */
static struct doc *flatten(const struct doc *answer, size_t number)
{
    AUTO_PTR(doc) struct doc *row = doc_kind(answer) == DOC_OBJECT ? doc_copy(answer) : doc_new_object();
    if (doc_put_integer(row, "_row", (int64_t)number) != RC_OK || (doc_kind(answer) != DOC_OBJECT &&
                                                                   doc_put(row, "value", doc_copy(answer)) != RC_OK)) {
        return NULL;
    }
    return TAKE(row);
}

/* Which columns the answers have is read off the first one. */
static size_t choose_columns(struct column *columns, const struct doc *answers)
{
    static const struct column known[] = {
        { "ROW", "_row", CELL_NUMBER },
        { "LABEL", "label", CELL_TEXT },
        { "PROBABILITY", "probability", CELL_SHARE },
        { "VALUE", "value", CELL_NUMBER },
        { "FLAGS", "flags", CELL_TEXT },
        { "UNKNOWN CATEGORY", "unknown_category", CELL_TEXT },
        { "OUT OF RANGE", "out_of_range", CELL_TEXT },
    };
    size_t n = 0;
    for (size_t k = 0; k < COUNT_OF(known); k++) {
        bool used = false;
        for (size_t i = 0; i < doc_count(answers) && !used; i++) {
            used = doc_get(doc_at(answers, i), known[k].path) != NULL;
        }
        if (used) {
            columns[n++] = known[k];
        }
    }
    return n;
}

static enum rc print_answers(struct predict *it, const struct doc *reply)
{
    const struct doc *answers = doc_get(reply, "predictions");
    struct column columns[TABLE_COLUMNS_MAX] = { 0 };
    AUTO_PTR(doc) struct doc *rows = doc_new_list();
    if (doc_kind(answers) != DOC_LIST) { /* columns in, columns out: shown as it is */
        AUTO(buf) struct buf text;
        buf_init(&text, BODY_MAX);
        const enum rc rc = doc_write(reply, DOC_PRETTY, &text);
        fputs(text.data == NULL ? "" : text.data, stdout);
        return rc;
    }
    const bool first = it->told == 0;
    for (size_t i = 0; i < doc_count(answers); i++) {
        if (doc_add(rows, flatten(doc_at(answers, i), ++it->told)) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    if (choose_columns(columns, rows) == 0) {
        return RC_OK;
    }
    return first ? table_print(stdout, columns, rows) : table_print_more(stdout, columns, rows);
}

static enum outcome send_body(struct predict *it, const struct doc *body, const char *text)
{
    AUTO_PTR(doc) struct doc *reply = NULL;
    struct client_request request = { .method = "POST", .path = it->path, .body = body, .text = text };
    size_t n = 0;
    if (it->purpose[0] != '\0') {
        request.headers[n++] = it->purpose;
    }
    if (it->subject[0] != '\0') {
        request.headers[n++] = it->subject;
    }
    const enum outcome outcome = session_ask(it->session, &request, true, &reply);
    return outcome != OUTCOME_DONE || it->session->json ? outcome : session_printed(print_answers(it, reply));
}

static enum outcome send_rows(struct predict *it, struct doc *instances)
{
    AUTO_PTR(doc) struct doc *body = doc_new_object();
    if (doc_put(body, "instances", instances) != RC_OK) {
        return session_printed(RC_NO_MEMORY);
    }
    return send_body(it, body, NULL);
}

/* What the model calls its inputs. A token that may predict may be unable to read that; then the cells speak for themselves. */
static enum outcome learn_inputs(struct predict *it)
{
    char path[CLIENT_PATH_MAX];
    AUTO(reply) struct reply reply;
    reply_init(&reply);
    struct why why = { 0 };
    AUTO_PTR(doc) struct doc *model = NULL;
    if (!client_path(path, "/v1/models/{}", it->session->args->words[0])) {
        return session_usage(it->session, "the name is too long");
    }
    const struct client_request request = { .method = "GET", .path = path };
    const enum rc rc = client_send(it->session->client, &request, &reply, &why);
    if (rc != RC_OK) {
        return session_failed(rc, &why);
    }
    if (reply.status == 200 && reply.body.len > 0 &&
        doc_parse(reply.body.data, reply.body.len, &model, NULL) == RC_OK &&
        doc_count(doc_get(model, "inputs")) > 0) {
        it->inputs = doc_copy(doc_get(model, "inputs"));
    }
    return OUTCOME_DONE;
}

/* The declared type of an input; NULL: the model has no such input; "": nothing is known. */
static const char *type_of(const struct predict *it, const char *name)
{
    for (size_t i = 0; i < doc_count(it->inputs); i++) {
        const struct doc *input = doc_at(it->inputs, i);
        if (strcmp(doc_get_string(input, "name", ""), name) == 0) {
            return doc_get_string(input, "type", "");
        }
    }
    return it->inputs == NULL ? "" : NULL;
}

/* One cell as the type wants it; what does not fit goes as text, and the server says what is wrong with it. */
static struct doc *cell_value(const char *type, const char *text)
{
    double x;
    bool yes;
    if (text[0] == '\0') {
        return doc_new_null();
    }
    if (strcmp(type, "category") != 0 && strcmp(type, "boolean") != 0 && args_number(text, &x)) {
        return doc_new_number(x);
    }
    return strcmp(type, "boolean") == 0 && str_to_bool(text, &yes) ? doc_new_boolean(yes) : doc_new_string(text);
}

static struct doc *record_of(const struct predict *it, const struct rows *rows)
{
    struct doc *record = doc_new_object();
    for (size_t i = 0; i < rows->columns; i++) {
        const char *type = type_of(it, rows->names[i]);
        if (type != NULL && doc_put(record, rows->names[i], cell_value(type, rows->cells[i])) != RC_OK) {
            doc_destroy(record);
            return NULL;
        }
    }
    return record;
}

static void tell_ignored(const struct predict *it, const struct rows *rows)
{
    for (size_t i = 0; i < rows->columns; i++) {
        if (type_of(it, rows->names[i]) == NULL) {
            fprintf(stderr, "The column \"%s\" is no input of %s and is left out.\n", rows->names[i], it->session->args->words[0]);
        }
    }
}

static enum outcome predict_rows(struct predict *it, struct rows *rows)
{
    enum outcome outcome = OUTCOME_DONE;
    enum rc rc = RC_OK;
    struct why why = { 0 };
    tell_ignored(it, rows);
    while (outcome == OUTCOME_DONE && rc == RC_OK) {
        struct doc *instances = doc_new_list();
        size_t n = 0;
        while (n < ROWS_PER_REQUEST && (rc = rows_next(rows, &why)) == RC_OK) {
            if (doc_add(instances, record_of(it, rows)) != RC_OK) {
                doc_destroy(instances);
                return session_printed(RC_NO_MEMORY);
            }
            n++;
        }
        if (n > 0 && (rc == RC_OK || rc == RC_GONE)) {
            outcome = send_rows(it, instances);
        } else {
            doc_destroy(instances);
        }
    }
    return outcome != OUTCOME_DONE || rc == RC_GONE ? outcome : session_failed(rc, &why);
}

static enum outcome predict_file(struct predict *it, const char *file)
{
    struct rows rows;
    struct why why = { 0 };
    const enum rc rc = rows_open(&rows, file, &why);
    if (rc != RC_OK) {
        return session_failed(rc, &why);
    }
    enum outcome outcome = learn_inputs(it);
    if (outcome == OUTCOME_DONE) {
        outcome = predict_rows(it, &rows);
    }
    if (outcome == OUTCOME_REFUSED && it->inputs == NULL) {
        fprintf(stderr, "  hint      what the inputs of %s are could not be read, so every column was sent; a token with model:read tells them apart\n",
                it->session->args->words[0]);
    }
    rows_close(&rows);
    return outcome;
}

/* age=42 housing=own */
static enum outcome predict_words(struct predict *it)
{
    const struct args *args = it->session->args;
    enum outcome outcome = learn_inputs(it);
    struct doc *instances = doc_new_list();
    struct doc *record = doc_new_object();
    bool good = doc_add(instances, record) == RC_OK;
    for (size_t i = 1; i < args->word_count && good && outcome == OUTCOME_DONE; i++) {
        const char *equals = strchr(args->words[i], '=');
        if (equals == NULL || equals == args->words[i]) {
            outcome = session_usage(it->session, "\"%.60s\" must be COLUMN=VALUE, such as age=42", args->words[i]);
            break;
        }
        AUTO_FREE char *name = mem_strndup(args->words[i], (size_t)(equals - args->words[i]));
        const char *type = name == NULL ? NULL : type_of(it, name);
        good = name != NULL && doc_put(record, name, cell_value(type == NULL ? "" : type, equals + 1)) == RC_OK;
    }
    if (outcome == OUTCOME_DONE && good) {
        return send_rows(it, instances);
    }
    doc_destroy(instances);
    return good ? outcome : session_printed(RC_NO_MEMORY);
}

static enum outcome predict_body(struct predict *it, const char *body)
{
    if (body[0] != '@' && strcmp(body, "-") != 0) {
        return send_body(it, NULL, body);
    }
    AUTO(buf) struct buf text;
    buf_init(&text, BODY_MAX);
    struct why why = { 0 };
    const enum rc rc = body_read_text(body[0] == '@' ? body + 1 : body, BODY_MAX, &text, &why);
    return rc == RC_OK ? send_body(it, NULL, text.data == NULL ? "" : text.data) : session_failed(rc, &why);
}

enum outcome predict_run(const struct session *session)
{
    const struct args *args = session->args;
    struct predict it = { .session = session };
    const char *file = args_get(args, "file", NULL);
    const char *body = args_get(args, "body", NULL);
    const int ways = (file != NULL) + (body != NULL) + (args->word_count > 1);
    if (ways != 1) {
        return session_usage(session, "give the rows in one way: --file rows.csv, --body JSON or COLUMN=VALUE ...");
    }
    if (args_has(args, "version") && args_has(args, "label")) {
        return session_usage(session, "give --version or --label, not both");
    }
    if (!make_path(&it) ||
        !make_header(it.purpose, sizeof(it.purpose), "X-Purpose", args_get(args, "purpose", NULL)) ||
        !make_header(it.subject, sizeof(it.subject), "X-Subject", args_get(args, "subject", NULL))) {
        return session_usage(session, "a name, purpose or subject is too long or holds a line break");
    }
    const enum outcome outcome = file != NULL ? predict_file(&it, file) : (body != NULL ? predict_body(&it, body) : predict_words(&it));
    doc_destroy(it.inputs);
    return outcome;
}
