/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/token_body.h"

#include <string.h>

#include "core/auth/scope.h"
#include "core/service/internal.h"

static const struct field scope_item = { .name = "", .kind = FIELD_STRING, .min = 1, .max = SCOPE_TEXT_MAX };
static const struct field purpose_item = { .name = "", .kind = FIELD_STRING, .min = 1, .max = 128 };

static const struct field request_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct token_request, name), .flags = FIELD_REQUIRED, .min = 1, .max = 200, .about = "What it is for; shown in lists." },
    { .name = "scopes", .kind = FIELD_LIST, .offset = offsetof(struct token_request, scopes), .flags = FIELD_REQUIRED, .min = 1, .max = SCOPE_LIST_MAX, .item = &scope_item, .about = "kind:pattern:verb each; never wider than the creator's." },
    { .name = "expires_in", .kind = FIELD_INTEGER, .offset = offsetof(struct token_request, expires_in), .flags = FIELD_REQUIRED, .min = 1, .max = 3155760000, .about = "Seconds from now; the configuration has a ceiling." },
    { .name = "purposes", .kind = FIELD_LIST, .offset = offsetof(struct token_request, purposes), .max = 32, .item = &purpose_item, .about = "Limits it to these: predictions then need X-Purpose, jobs a purpose; none: not limited." },
    { .name = NULL },
};

const struct schema token_request_schema = {
    "TokenRequest", "A token to issue.", sizeof(struct token_request), request_fields, false
};

#define VIEW(member) offsetof(struct token_view, member)

static const struct field view_fields[] = {
    { .name = "id", .kind = FIELD_STRING, .offset = VIEW(id), .about = "tok- and 20 characters; stands in every record, the token in none." },
    { .name = "object", .kind = FIELD_STRING, .offset = VIEW(object), .about = "Always token." },
    { .name = "name", .kind = FIELD_STRING, .offset = VIEW(name) },
    { .name = "token", .kind = FIELD_STRING, .flags = FIELD_SECRET, .offset = VIEW(token), .about = "The secret; in the reply that creates it, and never again." },
    { .name = "scopes", .kind = FIELD_LIST, .offset = VIEW(scopes), .max = SCOPE_LIST_MAX, .item = &scope_item },
    { .name = "purposes", .kind = FIELD_LIST, .offset = VIEW(purposes), .max = 32, .item = &purpose_item },
    { .name = "parent", .kind = FIELD_STRING, .offset = VIEW(parent), .about = "The token that made it." },
    { .name = "created_at", .kind = FIELD_INTEGER, .offset = VIEW(created_at), .about = "Unix seconds." },
    { .name = "expires_at", .kind = FIELD_INTEGER, .offset = VIEW(expires_at), .about = "Unix seconds." },
    { .name = "revoked_at", .kind = FIELD_INTEGER, .offset = VIEW(revoked_at), .about = "Unix seconds; absent while it is good." },
    { .name = "last_used_at", .kind = FIELD_INTEGER, .offset = VIEW(last_used_at), .about = "Unix seconds, to ten minutes." },
    { .name = NULL },
};

const struct schema token_schema = {
    "Token", "Who is asking, and for what it may ask.", sizeof(struct token_view), view_fields, false
};

static const struct field body_fields[] = {
    { .name = "purposes", .kind = FIELD_LIST, .offset = 0, .max = 32, .item = &purpose_item },
    { .name = NULL },
};

const struct schema token_body_schema = { "TokenBody", "Kept with a token.", sizeof(struct field_list), body_fields, false };

enum rc token_read_purposes(const char *json, struct region *region, struct field_list *ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    const enum rc rc = service_stored(json, &body, why);
    *ret = (struct field_list){ 0 };
    return rc == RC_OK && body != NULL ? schema_read(&token_body_schema, body, region, ret, why) : rc;
}

bool token_has_purpose(const struct field_list *purposes, const char *purpose)
{
    const char *const *items = purposes->items;
    for (size_t i = 0; i < purposes->count; i++) {
        if (purpose != NULL && strcmp(items[i], purpose) == 0) {
            return true;
        }
    }
    return false;
}
