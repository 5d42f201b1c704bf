/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/token.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auth/token.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/service/chores.h"
#include "core/service/internal.h"
#include "core/service/keys.h"
#include "core/service/lease.h"
#include "core/service/token_body.h"
#include "core/store/token.h"
#include "core/vault/narrow.h"
#include "core/vault/seal.h"

#define FIRST_TOKEN_SECONDS (30 * 86400)
#define FIRST_TOKEN_FILE    "first-token"

static int64_t or_absent(int64_t n)
{
    return n == 0 ? FIELD_ABSENT : n;
}

/* The words of a line, in the region. */
static enum rc split_words(const char *line, struct region *region, struct field_list *ret)
{
    char *copy = region_strdup(region, line);
    const char **words = region_alloc(region, SCOPE_LIST_MAX, sizeof(*words));
    if (copy == NULL || words == NULL) {
        return RC_NO_MEMORY;
    }
    size_t n = 0;
    char *rest = copy;
    for (char *word = strsep(&rest, " "); word != NULL && n < SCOPE_LIST_MAX; word = strsep(&rest, " ")) {
        words[n++] = word;
    }
    *ret = (struct field_list){ words, n };
    return RC_OK;
}

/* A token passes on at most its own purposes, and its limit too. */
static enum rc narrow_purposes(const struct caller *creator, const struct field_list *asked, struct region *region, struct why *why)
{
    struct field_list own;
    const enum rc rc = token_read_purposes(caller_grant(creator)->body, region, &own, why);
    bool narrower = own.count == 0 || asked->count > 0;
    for (size_t i = 0; rc == RC_OK && narrower && own.count > 0 && i < asked->count; i++) {
        narrower = token_has_purpose(&own, ((const char *const *)asked->items)[i]);
    }
    if (rc == RC_OK && !narrower) {
        return why_fail(why, RC_DENIED, "purposes", "go beyond those of the token that asks; a token passes on at most its own");
    }
    return rc;
}

/* A limit that the creator has is passed on as it is at most; one that it has and that is not asked for holds all the same. */
static enum rc narrow_limits(const struct caller *creator, const struct token_request *request, struct why *why)
{
    const struct quota *own = caller_grant(creator)->quota;
    struct quota_numbers asked;
    if (!token_get_limits(request->limits, request->uses, &asked)) {
        return RC_OK;
    }
    for (int i = 0; i < QUOTA_KINDS; i++) {
        const enum quota_kind kind = (enum quota_kind)i;
        const int64_t most = quota_limit(own, kind);
        if (most > 0 && asked.of[kind] > most) {
            return why_fail(why, RC_DENIED, token_limit_path(kind), "must be at most that of the token that asks, %lld; got %lld",
                            (long long)most, (long long)asked.of[kind]);
        }
    }
    if (quota_depth(own) >= QUOTA_DEPTH_MAX) {
        return why_fail(why, RC_DENIED, "limits", "there are %d limited tokens above it, and no more are allowed", QUOTA_DEPTH_MAX);
    }
    return RC_OK;
}

static enum rc view_of(const struct token_row *row, struct region *region, struct token_view *view, struct why *why)
{
    *view = (struct token_view){
        .id = row->id,
        .object = "token",
        .name = row->name,
        .parent = row->parent,
        .created_at = row->created_at,
        .expires_at = row->expires_at,
        .revoked_at = or_absent(row->revoked_at),
        .last_used_at = or_absent(row->last_used_at),
    };
    struct token_body body;
    enum rc rc = split_words(row->scopes, region, &view->scopes);
    rc = rc != RC_OK ? rc : token_read_body(row->body, region, &body, why);
    if (rc == RC_OK) {
        view->purposes = body.purposes;
        view->limits = body.limits;
        view->uses = body.uses;
    }
    return rc;
}

static enum rc reply(const struct token_view *view, struct doc **ret)
{
    struct doc *doc = schema_write(&token_schema, view);
    if (doc == NULL) {
        return RC_NO_MEMORY;
    }
    *ret = doc;
    return RC_OK;
}

/* One line of scopes, checked against the creator's. */
static enum rc join_scopes(const struct field_list *scopes, const struct caller *creator, struct region *region,
                           const char **ret, struct why *why)
{
    const char *const *texts = scopes->items;
    struct scope_list list;
    const enum rc rc = scope_parse(texts, scopes->count, region, &list, why);
    if (rc != RC_OK) {
        return why_under(why, rc, "scopes");
    }
    if (creator != NULL && !scope_is_subset(&list, &caller_grant(creator)->scopes)) {
        return why_fail(why, RC_DENIED, "scopes", "go beyond those of the token that asks; a token passes on at most its own");
    }
    AUTO(buf) struct buf line;
    buf_init(&line, SCOPE_LIST_MAX * (SCOPE_TEXT_MAX + 1));
    for (size_t i = 0; i < scopes->count; i++) {
        (void)buf_printf(&line, "%s%s", i == 0 ? "" : " ", texts[i]); /* line.failed is looked at below */
    }
    const char *text = line.failed == RC_OK ? region_strdup(region, line.data) : NULL;
    *ret = text;
    return text == NULL ? RC_NO_MEMORY : RC_OK;
}

/* What of a new token stands in no row as it is. */
struct secret {
    char text[TOKEN_SIZE];
    unsigned char start[DIGEST_BYTES]; /* of its narrowing */
    struct buf chain;                  /* that, sealed */
};

static void init_secret(struct secret *secret)
{
    *secret = (struct secret){ .text = "" };
    buf_init(&secret->chain, DIGEST_BYTES + SEAL_OVERHEAD);
}

static void finish_secret(struct secret *secret)
{
    buf_finish(&secret->chain);
    mem_wipe(secret, sizeof(*secret));
}

/* Makes a token: its secret, and id, digest, chain and times of its row. */
static enum rc make(struct service *service, struct token_row *row, int64_t seconds, struct secret *secret)
{
    id_make("tok", row->id);
    row->created_at = wall_seconds();
    row->expires_at = row->created_at + seconds;
    enum rc rc = token_make(secret->text);
    if (rc == RC_OK) {
        rc = token_digest(secret->text, row->sha256);
    }
    if (rc == RC_OK) {
        narrow_start(secret->text, row->id, secret->start);
        rc = keys_seal_start(service, row->id, secret->start, &secret->chain);
    }
    row->chain = secret->chain.data;
    row->chain_bytes = secret->chain.len;
    return rc;
}

/* Keeps it. A creator that is revoked meanwhile takes its children along: those that were in the store by
 * then, and those that were resident; one between the two is seen here. */
static enum rc keep(struct service *service, const struct token_row *row, const struct secret *secret,
                    const struct caller *creator, struct why *why)
{
    enum rc rc = store_token_add(service->store, row, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = tokens_insert(service->tokens, row, secret->start, why);
    rc = rc != RC_OK ? rc : lease_limit(service, row, NULL, why);
    if (rc == RC_OK && creator != NULL && atomic_load(&caller_grant(creator)->revoked)) {
        rc = why_fail(why, RC_CONFLICT, "", "the token that asks for it is revoked");
    }
    if (rc != RC_OK) { /* nobody will be told its text */
        const bool was_alive = tokens_revoke(service->tokens, row->id) == RC_OK;
        const enum rc revoked = store_token_revoke(service->store, row->id, wall_seconds(), NULL);
        log_warn("token_taken_back", "token=%s alive=%d rc=%s", row->id, was_alive, rc_name(revoked));
    }
    return rc;
}

static enum rc read_request(struct service *service, const struct doc *body, struct region *region,
                            struct token_request *request, struct why *why)
{
    const enum rc rc = schema_read(&token_request_schema, body, region, request, why);
    if (rc == RC_OK && request->expires_in > service->config.token_seconds) {
        return why_fail(why, RC_INVALID, "expires_in", "must be 1 to %lld seconds here, got %lld",
                        (long long)service->config.token_seconds, (long long)request->expires_in);
    }
    return rc;
}

enum rc service_token_create(struct service *service, const struct caller *creator, const struct doc *body,
                             struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct token_request request;
    struct token_row row = { .parent = caller_token_id(creator) };
    AUTO_PTR(doc) struct doc *kept = NULL;
    if (caller_is_narrowed(creator)) {
        return why_fail(why, RC_DENIED, "", "a narrowed token makes no tokens; use the one that it was narrowed from, or narrow it further");
    }
    enum rc rc = read_request(service, body, &region, &request, why);
    if (rc == RC_OK) {
        rc = join_scopes(&request.scopes, creator, &region, &row.scopes, why);
    }
    if (rc == RC_OK) {
        rc = narrow_purposes(creator, &request.purposes, &region, why);
    }
    if (rc == RC_OK) {
        rc = narrow_limits(creator, &request, why);
    }
    if (rc == RC_OK) {
        const struct token_body rest = { request.purposes, request.limits, request.uses };
        row.name = request.name;
        kept = schema_write(&token_body_schema, &rest);
        rc = kept == NULL ? RC_NO_MEMORY : service_text(kept, &region, &row.body);
    }
    struct secret secret;
    init_secret(&secret);
    struct token_view view;
    AUTO_PTR(doc) struct doc *doc = NULL;
    if (rc == RC_OK) {
        rc = make(service, &row, request.expires_in, &secret);
    }
    if (rc == RC_OK) {
        rc = view_of(&row, &region, &view, why);
    }
    if (rc == RC_OK) {
        view.token = secret.text;
        rc = reply(&view, &doc);
    }
    if (rc == RC_OK) {
        rc = keep(service, &row, &secret, creator, why);
    }
    if (rc == RC_OK) {
        *ret = TAKE(doc);
    }
    finish_secret(&secret);
    return rc;
}

enum rc service_token_list(struct service *service, const struct page *page, struct doc **ret, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const struct store_page rows = service_page(page);
    struct token_list list;
    enum rc rc = store_token_list(service->store, &rows, &region, &list, why);
    AUTO_PTR(doc) struct doc *data = doc_new_list();
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        struct token_view view;
        struct doc *item = NULL;
        rc = view_of(&list.rows[i], &region, &view, why);
        rc = rc == RC_OK ? reply(&view, &item) : rc;
        rc = rc == RC_OK ? doc_add(data, item) : rc;
    }
    if (rc != RC_OK) {
        return rc;
    }
    *ret = service_list(TAKE(data), list.has_more);
    return *ret == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc service_token_revoke(struct service *service, const struct caller *caller, const char *id, struct why *why)
{
    if (caller_is_narrowed(caller)) {
        return why_fail(why, RC_DENIED, "", "a narrowed token ends no tokens; use the one that it was narrowed from");
    }
    const enum rc rc = store_token_revoke(service->store, id, wall_seconds(), why);
    if (rc == RC_OK) {
        /* One that has expired is on record but may not be resident any more. */
        const bool was_alive = tokens_revoke(service->tokens, id) == RC_OK;
        log_info("token_revoked", "token=%s alive=%d", id, was_alive);
    }
    return rc;
}

/* A secret goes into a file of its own that nobody else can open, whole or not at all. */
static enum rc write_secret(const char *path, const char *text, struct why *why)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    const size_t n = strlen(text);
    if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, text, n) != (ssize_t)n || write(fd, "\n", 1) != 1 || fsync(fd) != 0) {
        (void)unlink(path); /* a half-written secret is of no use */
        return why_fail(why, RC_IO, "", "could not write %s in the state directory: %m", FIRST_TOKEN_FILE);
    }
    return RC_OK;
}

/* So that a file's name outlives a loss of power, as what the store says of it does. */
static enum rc sync_folder(const char *path, struct why *why)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? RC_OK : why_fail(why, RC_IO, "", "could not sync the state directory: %m");
}

enum rc service_first_token(struct service *service, bool *ret_made, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const struct store_page one = { .limit = 1 };
    struct token_list list;
    enum rc rc = store_token_list(service->store, &one, &region, &list, why);
    if (rc != RC_OK || list.count > 0) {
        *ret_made = false;
        return rc;
    }
    const char *path = region_printf(&region, "%s/%s", service->state, FIRST_TOKEN_FILE);
    struct secret secret;
    init_secret(&secret);
    struct token_row row = { .name = "first token", .scopes = "*" };
    rc = path == NULL ? RC_NO_MEMORY : make(service, &row, FIRST_TOKEN_SECONDS, &secret);
    if (rc == RC_OK) {
        rc = write_secret(path, secret.text, why); /* first: a token on record that nobody was told would lock everyone out */
    }
    if (rc == RC_OK) {
        rc = sync_folder(service->state, why);
    }
    if (rc == RC_OK) {
        rc = keep(service, &row, &secret, NULL, why);
    }
    finish_secret(&secret);
    *ret_made = rc == RC_OK;
    return rc;
}
