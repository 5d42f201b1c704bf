/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/lease.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/service/internal.h"
#include "core/service/token_body.h"
#include "core/store/token.h"
#include "core/store/usage.h"

static struct usage_row row_of(const struct quota_lease *lease)
{
    struct usage_row row = { .day = lease->day, .rows = lease->rows, .bytes = lease->bytes, .bits = lease->bits, .uses = lease->uses };
    memcpy(row.token, lease->token, sizeof(row.token));
    return row;
}

enum rc lease_extend(struct service *service, struct quota *quota, const struct quota_numbers *cost, struct why *why)
{
    bool more = false;
    for (; quota != NULL; quota = quota_get_parent(quota)) {
        struct quota_lease lease;
        if (!quota_plan(quota, cost, &lease)) {
            continue;
        }
        const struct usage_row row = row_of(&lease);
        const enum rc rc = store_usage_lease(service->store, &row, why);
        if (rc != RC_OK) {
            return rc;
        }
        quota_grant(quota, &lease);
        more = true;
    }
    return more ? RC_OK : why_fail(why, RC_LIMITED, "", "requests under way hold what is left of a limit");
}

static int by_token(const void *id, const void *row)
{
    return strcmp(id, ((const struct usage_row *)row)->token);
}

/* NULL: nothing is on record. */
static const struct usage_row *find_usage(const struct usage_list *usage, const char *id)
{
    return usage == NULL || usage->count == 0 ? NULL : bsearch(id, usage->rows, usage->count, sizeof(usage->rows[0]), by_token);
}

enum rc lease_limit(struct service *service, const struct token_row *row, const struct usage_list *usage, struct why *why)
{
    if (row->body == NULL || strcmp(row->body, "{}") == 0) { /* most tokens, at a start that should not take long */
        return RC_OK;
    }
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    struct token_body body;
    struct quota_numbers limits;
    const enum rc rc = token_read_body(row->body, &region, &body, why);
    if (rc != RC_OK || !token_get_limits(body.limits, body.uses, &limits)) {
        return rc;
    }
    const struct usage_row *given = find_usage(usage, row->id);
    if (given == NULL) {
        return tokens_limit(service->tokens, row->id, &limits, NULL);
    }
    const struct quota_lease lease = {
        .day = given->day, .rows = given->rows, .bytes = given->bytes, .bits = given->bits, .uses = given->uses
    };
    return tokens_limit(service->tokens, row->id, &limits, &lease);
}

/* What was used, gathered under the table's lock and written without it. */
struct gathering {
    struct usage_row *rows;
    size_t count, room;
};

static void gather(void *arg, struct quota *quota)
{
    struct gathering *it = arg;
    if (it->count < it->room) {
        const struct quota_lease lease = quota_save(quota);
        it->rows[it->count++] = row_of(&lease);
    }
}

void lease_settle(struct service *service)
{
    struct gathering it = { .room = tokens_count(service->tokens) };
    AUTO_FREE struct usage_row *rows = mem_array(it.room, sizeof(*rows));
    it.rows = rows;
    if (rows != NULL) {
        tokens_each_quota(service->tokens, gather, &it);
    }
    const enum rc rc = rows == NULL ? RC_NO_MEMORY : it.count == 0 ? RC_OK
                                                                   : store_usage_settle(service->store, it.rows, it.count);
    if (rc != RC_OK) {
        log_warn("lease_not_settled", "rc=%s detail=%s", rc_name(rc), log_quote("the rest of the leases is forfeited, as after a crash").text);
    }
}
