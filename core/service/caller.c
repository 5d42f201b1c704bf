/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/caller.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/service/chores.h"
#include "core/service/internal.h"
#include "core/service/token_body.h"
#include "core/vault/narrow.h"

/* One request's hold on a token. */
struct caller {
    struct grant *grant; /* pinned */
    bool is_narrowed;
};

struct grant *caller_grant(const struct caller *caller)
{
    return caller->grant;
}

static enum rc pin(struct service *service, const struct caller_ask *ask, struct caller *caller, struct why *why)
{
    if (ask->token == NULL) {
        return tokens_pin_id(service->tokens, ask->id, &caller->grant, why);
    }
    if (!narrow_is(ask->token)) {
        return tokens_pin(service->tokens, ask->token, &caller->grant, why);
    }
    const struct caveat_ask asked = { .path = ask->path, .model = ask->model, .address = &ask->address, .now = wall_seconds() };
    caller->is_narrowed = true;
    return tokens_pin_narrowed(service->tokens, ask->token, &asked, &caller->grant, why);
}

enum rc caller_find(struct service *service, const struct caller_ask *ask, struct caller **ret, struct why *why)
{
    struct caller *caller = mem_alloc(sizeof(*caller));
    if (caller == NULL) {
        return RC_NO_MEMORY;
    }
    const enum rc rc = pin(service, ask, caller, why);
    if (rc != RC_OK) {
        mem_free(caller);
        return rc;
    }
    if (ask->needs_scopes && scope_is_all(&caller->grant->scopes)) {
        caller_release(caller);
        return why_fail(why, RC_DENIED, NULL, "the token for whoever brings none must have scopes of its own, not *");
    }
    if (tokens_note_use(caller->grant, wall_seconds())) {
        chores_note(service->chores, caller->grant->id);
    }
    *ret = caller;
    return RC_OK;
}

void caller_release(struct caller *caller)
{
    if (caller != NULL) {
        tokens_unpin(caller->grant);
        mem_free(caller);
    }
}

struct quota *caller_quota(const struct caller *caller)
{
    return caller_grant(caller)->quota;
}

bool caller_is_narrowed(const struct caller *caller)
{
    return caller->is_narrowed;
}

const char *caller_token_id(const struct caller *caller)
{
    return caller_grant(caller)->id;
}

bool caller_may(const struct caller *caller, const char *kind, const char *name, const char *verb)
{
    char right[64];
    (void)snprintf(right, sizeof(right), "%s:%s", kind, verb); /* both are words of our own tables */
    for (int i = 0; i < SCOPE_RIGHT_COUNT; i++) {
        if (strcmp(right, scope_right_name((enum scope_right)i)) == 0) {
            return scope_allows(&caller_grant(caller)->scopes, (enum scope_right)i, name);
        }
    }
    return false;
}

enum rc caller_check_purpose(const struct caller *caller, const char *purpose, const char *path, struct why *why)
{
    const char *json = caller_grant(caller)->body;
    if (json == NULL || strstr(json, "\"purposes\":") == NULL) { /* not limited: nothing to read on the way of every prediction */
        return RC_OK;
    }
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct field_list purposes;
    const enum rc rc = token_read_purposes(json, &region, &purposes, why);
    if (rc != RC_OK || purposes.count == 0 || token_has_purpose(&purposes, purpose)) {
        return rc;
    }
    const char *const *items = purposes.items;
    return why_fail(why, RC_DENIED, path, "the token serves only the purposes that it names, such as \"%.80s\"; got %s%.80s%s",
                    items[0], purpose == NULL ? "" : "\"", purpose == NULL ? "none" : purpose, purpose == NULL ? "" : "\"");
}
