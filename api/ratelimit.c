/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ratelimit.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/cleanup.h"

#define FIELD_MAX 512 /* six items of at most 60 bytes */

static const struct {
    const char *name;
    const char *unit; /* of those that the draft registers; NULL: requests, or none of them */
    bool is_daily;
} items[QUOTA_KINDS] = {
    [QUOTA_REQUESTS] = { "requests", NULL, false },
    [QUOTA_CONCURRENT] = { "concurrent", "concurrent-requests", false },
    [QUOTA_ROWS] = { "rows", NULL, true },
    [QUOTA_BYTES] = { "bytes", "content-bytes", true },
    [QUOTA_BITS] = { "bits", NULL, true },
    [QUOTA_USES] = { "uses", NULL, false },
};

/* The window of the rate is a second; the number at a time and the uses have none. */
static void write_item(enum quota_kind kind, const struct quota_view *view, struct buf *policy, struct buf *state)
{
    const char *comma = policy->len > 0 ? ", " : "";
    (void)buf_printf(policy, "%s\"%s\";q=%" PRId64, comma, items[kind].name, view->limit); /* the buffers keep their failure */
    (void)buf_printf(state, "%s\"%s\";r=%" PRId64, comma, items[kind].name, view->left);
    if (items[kind].unit != NULL) {
        (void)buf_printf(policy, ";qu=\"%s\"", items[kind].unit);
    }
    if (items[kind].is_daily) {
        (void)buf_text(policy, ";w=86400");
        (void)buf_printf(state, ";t=%" PRId64, quota_day_seconds());
    } else if (kind == QUOTA_REQUESTS) {
        (void)buf_text(policy, ";w=1");
        (void)buf_text(state, ";t=1");
    }
}

void ratelimit_write(struct api_request *request)
{
    struct quota_view views[QUOTA_KINDS];
    if (request->caller.quota == NULL) {
        return;
    }
    AUTO(buf) struct buf policy;
    AUTO(buf) struct buf state;
    buf_init(&policy, FIELD_MAX);
    buf_init(&state, FIELD_MAX);
    quota_look(request->caller.quota, mono_now(), views);
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        if (views[kind].limit > 0) {
            write_item((enum quota_kind)kind, &views[kind], &policy, &state);
        }
    }
    if (policy.failed == RC_OK && state.failed == RC_OK) { /* a reply without them is still one */
        (void)api_add_header(request, "RateLimit-Policy", policy.data);
        (void)api_add_header(request, "RateLimit", state.data);
    }
}
