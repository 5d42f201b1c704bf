/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"

enum outcome session_failed(enum rc rc, const struct why *why)
{
    AUTO(buf) struct buf text;
    buf_init(&text, 4096);
    text_foreign(&text, why->text);
    const bool nameless = why->path[0] == '\0';
    fprintf(stderr, "licit: %s%s%s\n", nameless ? "" : why->path, nameless ? "" : ": ", text.data == NULL ? rc_text(rc) : text.data);
    if (rc == RC_UNAVAILABLE) {
        return OUTCOME_UNREACHABLE;
    }
    if (rc == RC_CANCELLED) {
        return OUTCOME_INTERRUPTED;
    }
    return rc == RC_NO_MEMORY || rc == RC_INTERNAL ? OUTCOME_REFUSED : OUTCOME_USAGE;
}

enum outcome session_printed(enum rc rc)
{
    const struct why why = { .text = "out of memory" };
    return rc == RC_OK ? OUTCOME_DONE : session_failed(rc, &why);
}

enum outcome session_usage(const struct session *session, const char *format, ...)
{
    const struct command *command = session->args->command;
    va_list list;
    va_start(list, format);
    fputs("licit: ", stderr);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\nTry: licit %s%s%s --help\n", command->group,
            command->verb == NULL ? "" : " ", command->verb == NULL ? "" : command->verb);
    return OUTCOME_USAGE;
}

static void print_raw(const struct reply *reply)
{
    if (reply->body.len > 0) {
        fwrite(reply->body.data, 1, reply->body.len, stdout);
        if (reply->body.data[reply->body.len - 1] != '\n') {
            fputc('\n', stdout);
        }
    }
}

static void tell(const char *label, const char *text)
{
    AUTO(buf) struct buf safe;
    buf_init(&safe, 8192);
    if (text == NULL || text[0] == '\0') {
        return;
    }
    text_foreign(&safe, text);
    fprintf(stderr, "%s%s\n", label, safe.data == NULL ? "" : safe.data);
}

/* "licit: epochs: must be 1 to 10000, got 0" */
static void tell_refusal(const char *path, const char *detail)
{
    AUTO(buf) struct buf text;
    buf_init(&text, 8192);
    const bool has_path = path != NULL && path[0] != '\0';
    tell("licit: ", buf_printf(&text, "%s%s%s", has_path ? path : "", has_path ? ": " : "", detail) == RC_OK ? text.data : detail);
}

/* The words of the refusal: problem+json, or the error bodies of the foreign protocols. */
static const char *detail_of(const struct doc *problem)
{
    const char *detail = doc_get_string(problem, "detail", doc_get_string(problem, "title", NULL));
    if (detail == NULL) {
        const struct doc *error = doc_get(problem, "error");
        detail = doc_kind(error) == DOC_OBJECT ? doc_get_string(error, "message", NULL) : doc_string(error);
    }
    return detail;
}

static void give_hint(const struct session *session, long status)
{
    if (status == 401 && session->token == NULL) {
        tell("  hint      ", "no token was sent: give one with --token or LICIT_TOKEN (@FILE reads it from a file)");
    } else if (status == 403) {
        tell("  hint      ", "with a token that may, make one that has it: licit token create --help");
    } else if (status == 429) {
        tell("  hint      ", "the server is busy or limits you: try again in a moment");
    }
}

enum outcome session_refused(const struct session *session, const struct reply *reply)
{
    AUTO_PTR(doc) struct doc *problem = NULL;
    if (session->json) {
        print_raw(reply);
    }
    char status[96];
    const bool known = reply->body.len > 0 &&
                       doc_parse(reply->body.data, reply->body.len, &problem, NULL) == RC_OK && doc_kind(problem) == DOC_OBJECT;
    const char *detail = known ? detail_of(problem) : NULL;
    const char *code = known ? doc_get_string(problem, "code", NULL) : NULL;
    (void)snprintf(status, sizeof(status), "%.60s%s%ld", code == NULL ? "" : code, code == NULL ? "HTTP " : ", HTTP ", reply->status);
    if (detail == NULL) {
        detail = reply->status == 410 ? "it has been erased; --json shows what remains on record" : "the server refused this without saying why";
    }
    tell_refusal(known ? doc_get_string(problem, "path", NULL) : NULL, detail);
    if (known) {
        tell("  rule      ", doc_get_string(problem, "rule", NULL));
    }
    tell("  code      ", status);
    tell("  request   ", known ? doc_get_string(problem, "request_id", reply->request_id) : reply->request_id);
    give_hint(session, reply->status);
    return OUTCOME_REFUSED;
}

enum outcome session_ask(const struct session *session, const struct client_request *request, bool show, struct doc **ret)
{
    AUTO(reply) struct reply reply;
    reply_init(&reply);
    struct why why = { 0 };
    enum rc rc = client_send(session->client, request, &reply, &why);
    if (rc != RC_OK) {
        const enum outcome outcome = session_failed(rc, &why);
        return rc == RC_TOO_LARGE ? OUTCOME_UNREACHABLE : outcome; /* the reply, so nothing of the command line is wrong */
    }
    if (reply.status < 200 || reply.status >= 300) {
        return session_refused(session, &reply);
    }
    if (show && session->json) {
        print_raw(&reply);
    }
    AUTO_PTR(doc) struct doc *doc = NULL;
    if (ret != NULL && reply.body.len > 0) {
        rc = doc_parse(reply.body.data, reply.body.len, &doc, &why);
        if (rc != RC_OK) {
            fprintf(stderr, "licit: the reply is not what licit servers send: %s\n", why.text);
            return rc == RC_NO_MEMORY ? OUTCOME_REFUSED : OUTCOME_UNREACHABLE;
        }
    }
    if (ret != NULL) {
        *ret = TAKE(doc);
    }
    return OUTCOME_DONE;
}

enum outcome session_get(const struct session *session, const char *path, bool show, struct doc **ret)
{
    const struct client_request request = { .method = "GET", .path = path };
    return session_ask(session, &request, show, ret);
}

static void say_more(const struct session *session, const struct doc *data)
{
    const struct doc *last = doc_at(data, doc_count(data) - 1);
    const char *id = doc_get_string(last, "id", NULL);
    if (id != NULL) {
        AUTO(buf) struct buf safe;
        buf_init(&safe, 256);
        text_foreign(&safe, id);
        fprintf(stderr, "There are more: licit %s list --after %s\n", session->args->command->group, safe.data == NULL ? "" : safe.data);
    }
}

enum outcome session_list(const struct session *session, const char *path, const struct column *columns,
                          enum rc (*print)(const struct column *columns, const struct doc *list))
{
    char query[CLIENT_PATH_MAX];
    const char *limit = args_get(session->args, "limit", "20");
    const char *after = args_get(session->args, "after", NULL);
    if (!client_path(query, after == NULL ? "?limit={}" : "?limit={}&after={}", limit, after)) {
        return session_usage(session, "--after is too long");
    }
    char whole[CLIENT_PATH_MAX * 2];
    (void)snprintf(whole, sizeof(whole), "%s%s", path, query); /* both are bounded */
    AUTO_PTR(doc) struct doc *reply = NULL;
    const enum outcome outcome = session_get(session, whole, true, &reply);
    if (outcome != OUTCOME_DONE || session->json) {
        return outcome;
    }
    const struct doc *data = doc_get(reply, "data");
    if (doc_count(data) == 0) {
        fprintf(stderr, "There are none%s.\n", after == NULL ? "" : " after that one");
        return OUTCOME_DONE;
    }
    const enum rc rc = print == NULL ? table_print(stdout, columns, data) : print(columns, data);
    bool more = false;
    if (rc == RC_OK && doc_boolean(doc_get(reply, "has_more"), &more) && more) {
        say_more(session, data);
    }
    return session_printed(rc);
}

bool session_confirmed(const struct session *session, const char *question)
{
    if (args_has(session->args, "yes")) {
        return true;
    }
    if (isatty(STDIN_FILENO) != 1) {
        fprintf(stderr, "licit: %s Say so with --yes.\n", question);
        return false;
    }
    fprintf(stderr, "%s [y/N] ", question);
    const int c = getchar();
    return c == 'y' || c == 'Y';
}
