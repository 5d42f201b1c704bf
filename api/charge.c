/* SPDX-License-Identifier: Apache-2.0 */
#include "api/charge.h"

#include <string.h>

#include "core/service/token_body.h"

static const struct quota_numbers nothing = { { 0 } };

struct quota_numbers charge_rows(size_t rows, size_t outputs)
{
    return (struct quota_numbers){ .of = { [QUOTA_ROWS] = (int64_t)rows, [QUOTA_BITS] = (int64_t)(rows * outputs) * CHARGE_FLOAT_BITS } };
}

/* How each limit refuses: its code, and the words before and behind the number. */
static const struct {
    enum rc rc;
    const char *before, *behind;
} refusals[QUOTA_KINDS] = {
    [QUOTA_REQUESTS] = { RC_LIMITED, "at most", "requests a second" },
    [QUOTA_CONCURRENT] = { RC_CONCURRENCY_LIMITED, "at most", "requests at a time" },
    [QUOTA_ROWS] = { RC_ROWS_LIMITED, "at most", "rows a day of UTC" },
    [QUOTA_BYTES] = { RC_BYTES_LIMITED, "at most", "bytes of requests and replies a day of UTC" },
    [QUOTA_BITS] = { RC_BITS_LIMITED, "at most", "bits of information a day of UTC" },
    [QUOTA_USES] = { RC_UNAUTHENTICATED, "the token could be used", "times, and has been" },
};

static enum rc refuse(struct api_request *request, const struct quota_refusal *refusal, struct why *why)
{
    char path[WHY_PATH_MAX];
    (void)snprintf(path, sizeof(path), "token:%s", token_limit_path(refusal->kind)); /* the table's paths are short */
    request->retry_after = refusal->retry_seconds;
    return why_fail(why, refusals[refusal->kind].rc, path, "%s %lld %s%s", refusals[refusal->kind].before, (long long)refusal->limit,
                    refusals[refusal->kind].behind, strcmp(refusal->token, request->caller.token) != 0 ? ": a limit of the token that made this one" : "");
}

enum rc charge_begin(struct api_request *request, struct why *why)
{
    struct quota *quota = request->caller.quota;
    struct quota_refusal refusal;
    if (quota == NULL) {
        return RC_OK;
    }
    const int64_t rows = request->route->ceiling == API_CEILING_PREDICT ? 1 : 0;
    const struct quota_numbers least = {
        .of = {
            [QUOTA_ROWS] = rows,
            [QUOTA_BYTES] = request->body_announced > 0 ? request->body_announced : 1,
            [QUOTA_BITS] = rows * CHARGE_FLOAT_BITS,
            [QUOTA_USES] = 1,
        },
    };
    if (!quota_enter(quota, request->started, &least, &refusal)) {
        return refuse(request, &refusal, why);
    }
    request->charge.entered = true;
    request->charge.place = API_IO;
    return RC_OK;
}

/* What is known before the handler runs. What was uploaded has been paid, and the use with it. */
static struct quota_numbers cost_of_body(const struct api_request *request)
{
    return (struct quota_numbers){ .of = { [QUOTA_BYTES] = (int64_t)request->body.len, [QUOTA_USES] = request->charge.is_paid ? 0 : 1 } };
}

enum api_where charge_place(struct api_request *request, enum api_where where)
{
    struct api_charge *charge = &request->charge;
    struct quota_refusal refusal;
    if (!charge->entered || where == API_IO) {
        return where;
    }
    struct quota_numbers cost = cost_of_body(request);
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        cost.of[kind] += charge->bound.of[kind];
    }
    charge->place = quota_hold(request->caller.quota, &cost, &charge->hold, &refusal) == QUOTA_OK ? where : API_IO;
    return charge->place;
}

/* Sets the cost aside, with longer leases where the disk may be asked for them. */
static enum rc take(struct api_request *request, const struct quota_numbers *cost, struct quota_hold *hold, struct why *why)
{
    const struct api_auth *auth = &api_get_settings(request->api)->auth;
    struct quota_refusal refusal;
    for (;;) {
        enum rc rc = RC_OK;
        switch (quota_hold(request->caller.quota, cost, hold, &refusal)) {
        case QUOTA_OK: return RC_OK;
        case QUOTA_OVER: return refuse(request, &refusal, why);
        case QUOTA_SHORT:
            rc = request->charge.place == API_IO ? auth->lease(auth->arg, request->caller.quota, cost, why)
                                                 : why_fail(why, RC_LIMITED, NULL, "a limit of the token is being extended");
        }
        if (rc != RC_OK) {
            return rc;
        }
    }
}

enum rc charge_chunk(struct api_request *request, size_t n, struct why *why)
{
    struct api_charge *charge = &request->charge;
    if (!charge->entered) {
        return RC_OK;
    }
    struct quota_hold hold = { 0 };
    struct quota_numbers cost = cost_of_body(request);
    cost.of[QUOTA_BYTES] = (int64_t)n;
    const enum rc rc = take(request, &cost, &hold, why);
    if (rc == RC_OK) {
        quota_settle(request->caller.quota, &hold, &cost);
        charge->is_paid = true;
    }
    return rc;
}

enum rc charge_start(struct api_request *request, struct why *why)
{
    struct api_charge *charge = &request->charge;
    if (!charge->entered || charge->place != API_IO) {
        return RC_OK;
    }
    const struct quota_numbers cost = cost_of_body(request);
    return take(request, &cost, &charge->hold, why);
}

/* May the reply still become a refusal? */
static bool changes_nothing(const struct api_request *request)
{
    return request->route->ceiling == API_CEILING_PREDICT || strcmp(request->route->method, "GET") == 0;
}

/* What is not covered by what was set aside; all is what the request costs in all. */
static enum rc pay_rest(struct api_request *request, const struct quota_numbers *all, const struct quota_numbers *rest, struct why *why)
{
    const struct api_auth *auth = &api_get_settings(request->api)->auth;
    struct quota *quota = request->caller.quota;
    struct quota_refusal refusal;
    struct quota_hold hold = { 0 };
    if (changes_nothing(request) && !quota_fits(quota, all, &refusal)) { /* with the rest alone, what it holds itself would be in its way */
        return refuse(request, &refusal, why);
    }
    const enum rc rc = take(request, rest, &hold, why);
    if (rc == RC_OK) {
        quota_settle(quota, &hold, rest);
        return RC_OK;
    }
    if (changes_nothing(request)) {
        return rc;
    }
    (void)auth->lease(auth->arg, quota, rest, NULL); /* as long as may be, and no longer: it cannot be refused any more */
    quota_force(quota, rest);
    return RC_OK;
}

/* A stream is paid from what is set aside now, since nobody waits for the disk while it runs. */
static enum rc open_stream(struct api_request *request, struct why *why)
{
    static const unsigned sizes[] = { CHARGE_STREAM_BYTES, CHARGE_STREAM_LEAST };
    enum rc rc = RC_OK;
    for (size_t i = 0; i < COUNT_OF(sizes) && quota_limit(request->caller.quota, QUOTA_BYTES) > 0; i++) {
        const struct quota_numbers cost = { .of = { [QUOTA_BYTES] = sizes[i] } };
        rc = take(request, &cost, &request->charge.stream, why);
        if (rc == RC_OK) {
            break;
        }
    }
    return rc;
}

enum rc charge_reply(struct api_request *request, struct why *why)
{
    struct api_charge *charge = &request->charge;
    if (!charge->entered) {
        return RC_OK;
    }
    struct quota_numbers cost = cost_of_body(request), rest = { { 0 } };
    bool more = false;
    cost.of[QUOTA_BYTES] += (int64_t)request->response.body.len;
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        cost.of[kind] += charge->answer.of[kind];
        rest.of[kind] = cost.of[kind] > charge->hold.cost.of[kind] ? cost.of[kind] - charge->hold.cost.of[kind] : 0;
        more = more || rest.of[kind] > 0;
    }
    enum rc rc = more ? pay_rest(request, &cost, &rest, why) : RC_OK;
    rc = rc == RC_OK && request->response.stream.next != NULL ? open_stream(request, why) : rc;
    if (rc == RC_OK) {
        quota_settle(request->caller.quota, &charge->hold, &cost);
    }
    return rc;
}

enum rc charge_check_rows(struct api_request *request, size_t rows, size_t outputs, struct why *why)
{
    struct quota_refusal refusal;
    if (!request->charge.entered) {
        return RC_OK;
    }
    const struct quota_numbers cost = charge_rows(rows, outputs);
    return quota_fits(request->caller.quota, &cost, &refusal) ? RC_OK : refuse(request, &refusal, why);
}

void charge_failed(struct api_request *request)
{
    if (request->charge.entered) {
        const struct quota_numbers cost = cost_of_body(request);
        quota_settle(request->caller.quota, &request->charge.hold, &cost);
    }
}

bool charge_piece(const struct api_request *request, size_t n)
{
    const int64_t aside = request->charge.stream.cost.of[QUOTA_BYTES];
    return aside == 0 || (int64_t)(request->bytes_out + n) <= aside;
}

void charge_leave(struct api_request *request)
{
    struct api_charge *charge = &request->charge;
    if (charge->entered) {
        const struct quota_numbers streamed = { .of = { [QUOTA_BYTES] = (int64_t)request->bytes_out } };
        quota_settle(request->caller.quota, &charge->hold, &nothing);
        quota_settle(request->caller.quota, &charge->stream, &streamed);
        quota_leave(request->caller.quota);
    }
}
