/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/token_body.h"

#include <string.h>

#include "core/auth/scope.h"
#include "core/base/rate.h"
#include "core/service/internal.h"

static const struct field scope_item = { .name = "", .kind = FIELD_STRING, .min = 1, .max = SCOPE_TEXT_MAX };
static const struct field purpose_item = { .name = "", .kind = FIELD_STRING, .min = 1, .max = 128 };

#define LIMIT(member, max_, about_)                                                              \
    {                                                                                            \
        .name = #member, .kind = FIELD_INTEGER, .offset = offsetof(struct token_limits, member), \
        .min = 1, .max = (double)(max_), .about = (about_)                                       \
    }

static const struct field limit_fields[] = {
    LIMIT(requests_per_second, RATE_MAX, "Requests a second, as many at once."),
    LIMIT(concurrent, RATE_MAX, "Requests under way at a time, event streams included."),
    LIMIT(rows_per_day, QUOTA_MAX, "Rows predicted in a day of UTC."),
    LIMIT(bytes_per_day, QUOTA_MAX, "Bytes of bodies of requests and replies in a day of UTC."),
    LIMIT(bits_per_day, QUOTA_MAX, "Bits of information answered in a day of UTC: 32 for each float of an output."),
    { .name = NULL },
};

static const struct schema limits_schema = {
    "TokenLimits", "What a token may use; each use counts for it and for all that made it.", sizeof(struct token_limits), limit_fields, false
};

static const char limits_about[] = "Absent: as much as the token that made it.";
static const char uses_about[] = "Requests in all that may reach their operation; absent: any number.";

static const struct field request_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct token_request, name), .flags = FIELD_REQUIRED, .min = 1, .max = 200, .about = "What it is for; shown in lists." },
    { .name = "scopes", .kind = FIELD_LIST, .offset = offsetof(struct token_request, scopes), .flags = FIELD_REQUIRED, .min = 1, .max = SCOPE_LIST_MAX, .item = &scope_item, .about = "kind:pattern:verb each; never wider than the creator's." },
    { .name = "expires_in", .kind = FIELD_INTEGER, .offset = offsetof(struct token_request, expires_in), .flags = FIELD_REQUIRED, .min = 1, .max = 3155760000, .about = "Seconds from now; the configuration has a ceiling." },
    { .name = "purposes", .kind = FIELD_LIST, .offset = offsetof(struct token_request, purposes), .max = 32, .item = &purpose_item, .about = "Limits it to these: predictions then need X-Purpose, jobs a purpose; none: not limited." },
    { .name = "limits", .kind = FIELD_OBJECT, .offset = offsetof(struct token_request, limits), .schema = &limits_schema, .about = limits_about },
    { .name = "uses", .kind = FIELD_INTEGER, .offset = offsetof(struct token_request, uses), .min = 1, .max = (double)QUOTA_MAX, .about = uses_about },
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
    { .name = "limits", .kind = FIELD_OBJECT, .offset = VIEW(limits), .schema = &limits_schema, .about = limits_about },
    { .name = "uses", .kind = FIELD_INTEGER, .offset = VIEW(uses), .about = uses_about },
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
    { .name = "purposes", .kind = FIELD_LIST, .offset = offsetof(struct token_body, purposes), .max = 32, .item = &purpose_item },
    { .name = "limits", .kind = FIELD_OBJECT, .offset = offsetof(struct token_body, limits), .schema = &limits_schema },
    { .name = "uses", .kind = FIELD_INTEGER, .offset = offsetof(struct token_body, uses) },
    { .name = NULL },
};

const struct schema token_body_schema = { "TokenBody", "Kept with a token.", sizeof(struct token_body), body_fields, false };

enum rc token_read_body(const char *json, struct region *region, struct token_body *ret, struct why *why)
{
    AUTO_PTR(doc) struct doc *body = NULL;
    const enum rc rc = service_stored(json, &body, why);
    *ret = (struct token_body){ .uses = FIELD_ABSENT };
    return rc == RC_OK && body != NULL ? schema_read(&token_body_schema, body, region, ret, why) : rc;
}

enum rc token_read_purposes(const char *json, struct region *region, struct field_list *ret, struct why *why)
{
    struct token_body body;
    const enum rc rc = token_read_body(json, region, &body, why);
    *ret = body.purposes;
    return rc;
}

static const char *const paths[QUOTA_KINDS] = {
    [QUOTA_REQUESTS] = "limits.requests_per_second",
    [QUOTA_CONCURRENT] = "limits.concurrent",
    [QUOTA_ROWS] = "limits.rows_per_day",
    [QUOTA_BYTES] = "limits.bytes_per_day",
    [QUOTA_BITS] = "limits.bits_per_day",
    [QUOTA_USES] = "uses",
};

const char *token_limit_path(enum quota_kind kind)
{
    return paths[kind];
}

static int64_t or_none(int64_t n)
{
    return n == FIELD_ABSENT ? 0 : n;
}

bool token_get_limits(const struct token_limits *limits, int64_t uses, struct quota_numbers *ret)
{
    *ret = (struct quota_numbers){ .of = { [QUOTA_USES] = or_none(uses) } };
    if (limits != NULL) {
        ret->of[QUOTA_REQUESTS] = or_none(limits->requests_per_second);
        ret->of[QUOTA_CONCURRENT] = or_none(limits->concurrent);
        ret->of[QUOTA_ROWS] = or_none(limits->rows_per_day);
        ret->of[QUOTA_BYTES] = or_none(limits->bytes_per_day);
        ret->of[QUOTA_BITS] = or_none(limits->bits_per_day);
    }
    bool any = false;
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        any = any || ret->of[kind] > 0;
    }
    return any;
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
