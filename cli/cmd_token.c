/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/body.h"
#include "core/base/address.h"
#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/vault/narrow.h"

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

const struct option token_narrow_options[] = {
    { "id", OPTION_TEXT, "ID", NULL, NULL, "the id of the token, tok-...; a narrowed one knows its own" },
    { "model", OPTION_MANY, "NAME", NULL, NULL, "only requests for this model; a * at the end: for all that begin so" },
    { "path", OPTION_MANY, "PATH", NULL, NULL, "only this path, such as /v1/models/credit:predict; a * at the end: all that begin so" },
    { "expires-in", OPTION_SECONDS, "TIME", NULL, "10m 1h 12h 7d", "only so long: 1h, 30d, 90 (seconds)" },
    { "address", OPTION_MANY, "RANGE", NULL, NULL, "only from this client address, or range such as 192.0.2.0/24" },
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

/* A "*" anywhere but at the end would be taken for a character, and that is not what was meant. */
static bool is_pattern(const char *text)
{
    const size_t n = strcspn(text, "*");
    return text[0] != '\0' && (text[n] == '\0' || text[n + 1] == '\0');
}

static bool is_model(const char *text)
{
    char name[STR_NAME_MAX + 2];
    if (!is_pattern(text) || !str_copy(name, sizeof(name), text)) {
        return false;
    }
    name[strcspn(name, "*")] = '\0';
    return name[0] == '\0' || str_is_name(name);
}

static bool is_path(const char *text)
{
    return text[0] == '/' && is_pattern(text);
}

static bool is_range(const char *text)
{
    struct address_range range;
    return address_range_read(text, strlen(text), &range);
}

/* The options that become a caveat as they stand; the server's list is core/auth/caveat.h. */
static const struct {
    const char *name;
    bool (*fits)(const char *text);
    const char *words;
} caveats[] = {
    { "model", is_model, "a name, or how names begin and a *" },
    { "path", is_path, "a path from / on, with a * at its end or none" },
    { "address", is_range, "an address, or a range such as 192.0.2.0/24 with no bits behind the range" },
};

static enum rc add_caveat(struct narrowed *narrowed, const char *name, const char *value, struct why *why)
{
    AUTO(buf) struct buf caveat;
    buf_init(&caveat, NARROW_BYTES_MAX);
    return buf_printf(&caveat, "%s=%s", name, value) == RC_OK ? narrow_add(narrowed, caveat.data, why)
                                                              : why_fail(why, RC_TOO_LARGE, name, "is too long");
}

/* Every option that was given, all of which will have to hold. */
static enum rc add_caveats(const struct args *args, struct narrowed *narrowed, struct why *why)
{
    enum rc rc = RC_OK;
    for (size_t k = 0; rc == RC_OK && k < COUNT_OF(caveats); k++) {
        const char *value;
        for (size_t i = 0; rc == RC_OK && (value = args_next(args, caveats[k].name, &i)) != NULL;) {
            rc = caveats[k].fits(value) ? add_caveat(narrowed, caveats[k].name, value, why)
                                        : why_fail(why, RC_INVALID, NULL, "--%s must be %s, got \"%s\"", caveats[k].name, caveats[k].words, value);
        }
    }
    int64_t ms;
    if (rc == RC_OK && str_to_ms(args_get(args, "expires-in", ""), &ms)) {
        char seconds[32];
        (void)snprintf(seconds, sizeof(seconds), "%" PRId64, wall_seconds() + ms / 1000);
        rc = add_caveat(narrowed, "expires", seconds, why);
    }
    return rc;
}

/* The text alone on standard output, as of a token that was made. */
static enum outcome print_narrowed(const struct session *session, const struct narrowed *narrowed, const char *text)
{
    if (!session->json) {
        printf("%s\n", text);
        return OUTCOME_DONE;
    }
    AUTO_PTR(doc) struct doc *doc = doc_new_object();
    AUTO(buf) struct buf json;
    buf_init(&json, 2 * NARROW_TEXT_MAX);
    enum rc rc = doc_put_string(doc, "id", narrowed->id);
    rc = rc == RC_OK ? doc_put_string(doc, "token", text) : rc;
    rc = rc == RC_OK ? doc_write(doc, DOC_CANONICAL, &json) : rc;
    if (rc == RC_OK) {
        printf("%s\n", json.data);
    }
    return session_printed(rc);
}

enum outcome token_narrow(const struct session *session)
{
    const char *token = session->token, *id = args_get(session->args, "id", NULL);
    struct narrowed narrowed;
    struct why why = { 0 };
    if (token == NULL) {
        return session_usage(session, "there is no token to narrow: give it with --token or LICIT_TOKEN (@FILE reads it from a file)");
    }
    if (id == NULL && !narrow_is(token)) {
        return session_usage(session, "--id is missing: the id of the token, tok-..., which licit token create and list show");
    }
    enum rc rc = narrow_is(token) ? narrow_read(token, &narrowed, &why) : narrow_begin(token, id, &narrowed, &why);
    if (rc == RC_OK && id != NULL && strcmp(id, narrowed.id) != 0) {
        rc = why_fail(&why, RC_INVALID, NULL, "--id must be that of the narrowed token, %s, or be left out", narrowed.id);
    }
    char text[NARROW_TEXT_MAX + 1];
    const size_t before = rc == RC_OK ? narrowed.count : 0;
    rc = rc == RC_OK ? add_caveats(session->args, &narrowed, &why) : rc;
    if (rc == RC_OK && narrowed.count == before) {
        rc = why_fail(&why, RC_INVALID, NULL, "nothing makes it narrower: give --model, --path, --expires-in or --address");
    }
    rc = rc == RC_OK ? narrow_write(&narrowed, text, &why) : rc;
    const enum outcome outcome = rc == RC_OK ? print_narrowed(session, &narrowed, text) : session_failed(rc, &why);
    mem_wipe(&narrowed, sizeof(narrowed));
    mem_wipe(text, sizeof(text));
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
