/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/body.h"

const struct option token_create_options[] = {
    { "name", OPTION_TEXT, "NAME", "name", NULL, "what it is for (required)" },
    { "scope", OPTION_LIST, "SCOPE", "scopes",
      "* dataset:read dataset:write dataset:train job:read job:write model:read model:predict model:deploy token:read token:write",
      "what it may do, KIND:PATTERN:VERB or KIND:VERB (required; several)" },
    { "expires-in", OPTION_SECONDS, "TIME", "expires_in", "1h 12h 7d 30d", "how long it lives: 30d, 12h, 90 (seconds) (required)" },
    { "purpose", OPTION_LIST, "P", "purposes", NULL, "the purposes it may ask for" },
    { "limit", OPTION_MANY, "KEY=N", NULL, "requests_per_second= concurrent= rows_per_day= bytes_per_day= bits_per_day=",
      "a limit, of requests_per_second, concurrent, rows_per_day, bytes_per_day, bits_per_day (several)" },
    { "uses", OPTION_INTEGER, "N", "uses", NULL, "how often it may be used in all" },
    { NULL },
};

static const struct column list_columns[] = {
    { "ID", "id", CELL_TEXT },
    { "NAME", "name", CELL_TEXT },
    { "SCOPES", "scopes", CELL_TEXT },
    { "CREATED", "created_at", CELL_TIME },
    { "EXPIRES", "expires_at", CELL_TIME },
    { "REQ/S", "limits.requests_per_second", CELL_COUNT },
    { "AT ONCE", "limits.concurrent", CELL_COUNT },
    { "ROWS/DAY", "limits.rows_per_day", CELL_COUNT },
    { "BYTES/DAY", "limits.bytes_per_day", CELL_COUNT },
    { "BITS/DAY", "limits.bits_per_day", CELL_COUNT },
    { "USES", "uses", CELL_COUNT },
    { "LAST USED", "last_used_at", CELL_TIME },
    { "REVOKED", "revoked_at", CELL_TIME },
    { NULL },
};

/* "--limit rows_per_day=1000" is the key limits.rows_per_day. */
static enum rc add_limits(struct doc *body, const struct args *args, struct why *why)
{
    const char *text;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && (text = args_next(args, "limit", &i)) != NULL;) {
        char path[128];
        (void)snprintf(path, sizeof(path), "limits.%s", text); /* what is cut short is no limit, and the server says so */
        rc = strchr(text, '=') == NULL ? why_fail(why, RC_INVALID, NULL, "--limit %.60s: must be KEY=N", text) : body_set(body, path, why);
    }
    return rc;
}

enum outcome token_create(const struct session *session)
{
    static const char *const required[] = { "name", "scope", "expires-in" };
    for (size_t i = 0; i < COUNT_OF(required); i++) {
        if (!args_has(session->args, required[i])) {
            return session_usage(session, "--%s is missing", required[i]);
        }
    }
    AUTO_PTR(doc) struct doc *body = doc_new_object();
    AUTO_PTR(doc) struct doc *token = NULL;
    struct why why = { 0 };
    enum rc rc = body_add_options(body, session->args, &why);
    rc = rc != RC_OK ? rc : add_limits(body, session->args, &why);
    if (rc != RC_OK) {
        return session_failed(rc, &why);
    }
    const struct client_request request = { .method = "POST", .path = "/v1/tokens", .body = body };
    const enum outcome outcome = session_ask(session, &request, true, &token);
    if (outcome == OUTCOME_DONE && !session->json) {
        /* The token alone on standard output: TOKEN=$(licit token create ...) */
        printf("%s\n", doc_get_string(token, "token", ""));
        fprintf(stderr, "This is %s. It is shown this once: keep it now.\n", doc_get_string(token, "id", "the token"));
    }
    return outcome;
}

enum outcome token_list(const struct session *session)
{
    return session_list(session, "/v1/tokens", list_columns, NULL);
}

enum outcome token_revoke(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    const char *id = session->args->words[0];
    if (!client_path(path, "/v1/tokens/{}", id)) {
        return session_usage(session, "the id is too long");
    }
    const struct client_request request = { .method = "DELETE", .path = path };
    const enum outcome outcome = session_ask(session, &request, true, NULL);
    if (outcome == OUTCOME_DONE && !session->json) {
        printf("Revoked %s and all that were made from it.\n", id);
    }
    return outcome;
}
