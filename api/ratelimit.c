/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ratelimit.h"

#include <string.h>

#define FIELD_SIZE 512 /* six items of at most 60 bytes */

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

/* One field. By hand: this is done for every reply, and printf() would cost more than the rest of the limits. */
struct line {
    char text[FIELD_SIZE];
    size_t n;
};

static void put(struct line *line, const char *text)
{
    const size_t n = strlen(text);
    MUST(line->n + n < FIELD_SIZE);
    memcpy(line->text + line->n, text, n + 1);
    line->n += n;
}

/* Not negative. */
static void put_number(struct line *line, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(line, digits + at);
}

static void put_name(struct line *line, enum quota_kind kind)
{
    put(line, line->n > 0 ? ", \"" : "\"");
    put(line, items[kind].name);
    put(line, "\"");
}

/* The window of the rate is a second; the number at a time and the uses have none. */
static void put_policy(struct line *line, enum quota_kind kind, int64_t limit)
{
    put_name(line, kind);
    put(line, ";q=");
    put_number(line, limit);
    if (items[kind].unit != NULL) {
        put(line, ";qu=\"");
        put(line, items[kind].unit);
        put(line, "\"");
    }
    put(line, items[kind].is_daily ? ";w=86400" : kind == QUOTA_REQUESTS ? ";w=1"
                                                                         : "");
}

static void put_state(struct line *line, enum quota_kind kind, int64_t left, int64_t day_seconds)
{
    put_name(line, kind);
    put(line, ";r=");
    put_number(line, left > 0 ? left : 0);
    if (items[kind].is_daily || kind == QUOTA_REQUESTS) {
        put(line, ";t=");
        put_number(line, items[kind].is_daily ? day_seconds : 1);
    }
}

void ratelimit_write(struct api_request *request)
{
    if (request->caller.quota == NULL) {
        return;
    }
    struct line policy, state;
    struct quota_view views[QUOTA_KINDS];
    const int64_t day_seconds = quota_day_seconds();
    policy.n = state.n = 0;
    quota_look(request->caller.quota, mono_now(), views);
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        if (views[kind].limit > 0) {
            put_policy(&policy, (enum quota_kind)kind, views[kind].limit);
            put_state(&state, (enum quota_kind)kind, views[kind].left, day_seconds);
        }
    }
    (void)api_add_header(request, "RateLimit-Policy", policy.text); /* a reply without them is still one */
    (void)api_add_header(request, "RateLimit", state.text);
}
