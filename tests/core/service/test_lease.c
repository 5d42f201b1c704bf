/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/lease.h"

#include <unistd.h>

#include "core/base/clock.h"
#include "tests/core/service/house.h"

#define SCOPES "\"scopes\":[\"model:predict\",\"token:write\"],\"expires_in\":8640000"

static enum rc issue(struct house *it, const struct caller *creator, const char *rest, struct doc **ret)
{
    char json[400];
    AUTO_PTR(doc) struct doc *body = NULL;
    (void)snprintf(json, sizeof(json), "{\"name\":\"t\"," SCOPES "%s%s}", rest[0] == '\0' ? "" : ",", rest);
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    return service_token_create(it->service, creator, body, ret, &it->why);
}

/* A token's text. */
static void make(struct house *it, const struct caller *creator, const char *rest, char ret[128])
{
    AUTO_PTR(doc) struct doc *reply = NULL;
    check_ok(issue(it, creator, rest, &reply), &it->why);
    (void)snprintf(ret, 128, "%s", doc_get_string(reply, "token", ""));
}

static struct caller *find(struct house *it, const char *token)
{
    struct caller *caller = NULL;
    check_ok(caller_find(it->service, &(struct caller_ask){ .token = token }, &caller, &it->why), &it->why);
    return caller;
}

/* Charges as often as it may, n at most; how often it did. */
static int charge(struct house *it, const char *token, const struct quota_numbers *cost, int n)
{
    struct caller *caller = find(it, token);
    struct quota *quota = caller_quota(caller);
    struct quota_refusal refusal;
    int count = 0;
    while (count < n) {
        struct quota_hold hold = { 0 };
        const enum quota_answer answer = quota_hold(quota, cost, &hold, &refusal);
        if (answer == QUOTA_OVER) {
            break;
        }
        if (answer == QUOTA_SHORT) {
            check_ok(lease_extend(it->service, quota, cost, &it->why), &it->why);
            continue;
        }
        quota_settle(quota, &hold, cost);
        count++;
    }
    caller_release(caller);
    return count;
}

static const struct quota_numbers row = { { [QUOTA_ROWS] = 1 } };
static const struct quota_numbers use = { { [QUOTA_USES] = 1 } };

static void test_lease_of_an_unlimited_token_is_none(void **state)
{
    struct house *it = *state;
    char token[128];
    check(caller_quota(it->caller) == NULL);
    make(it, it->caller, "", token);
    struct caller *caller = find(it, token);
    check(caller_quota(caller) == NULL);
    caller_release(caller);
}

/* A process that dies forfeits what it had leased; one that stops forfeits nothing. */
static void test_lease_is_forfeited_by_a_crash_and_kept_by_a_stop(void **state)
{
    struct house *it = *state;
    char token[128], once[128], command[400], copy[100];
    make(it, it->caller, "\"limits\":{\"rows_per_day\":160}", token);
    make(it, it->caller, "\"uses\":2", once);
    check_int(charge(it, token, &row, 13), 13); /* of two blocks of ten */
    check_int(charge(it, once, &use, 1), 1);
    (void)snprintf(copy, sizeof(copy), "%s-crashed", it->dir); /* what lies on the disk now */
    (void)snprintf(command, sizeof(command), "cp -r '%s' '%s' && rm '%s/lock'", it->dir, copy, copy);
    check_int(system(command), 0);

    house_close(it);
    house_open(it);
    check_int(charge(it, token, &row, 1000), 160 - 13);
    check_int(charge(it, once, &use, 1000), 1);

    house_close(it);
    it->config.state = copy;
    house_open(it);
    const int rest = charge(it, token, &row, 1000), uses = charge(it, once, &use, 1000);
    house_close(it);
    it->config.state = it->dir;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", copy);
    check_int(system(command), 0);
    check_int(rest, 160 - 20);
    check_int(uses, 1);
}

/* Children share what their parent has, also when they are limited themselves, over a restart and after it has expired. */
static void test_lease_counts_for_the_parent(void **state)
{
    struct house *it = *state;
    char parent[128], plain[128], limited[128];
    make(it, it->caller, "\"limits\":{\"rows_per_day\":100},\"uses\":90", parent);
    struct caller *caller = find(it, parent);
    make(it, caller, "", plain);
    make(it, caller, "\"limits\":{\"rows_per_day\":50}", limited);
    caller_release(caller);
    check_int(charge(it, plain, &row, 30), 30);
    house_close(it);
    house_open(it);
    check_int(charge(it, limited, &row, 1000), 50);
    check_int(charge(it, parent, &row, 1000), 20);
    check_int(charge(it, plain, &row, 1000), 0);
    check_int(charge(it, plain, &use, 1000), 90);
    check_int(charge(it, parent, &use, 1000), 0);
    wall_set((struct wall){ wall_now().ms + 86400000 });
    const int next_day = charge(it, plain, &row, 1000);
    wall_set((struct wall){ -1 });
    check_int(next_day, 100);
}

static void test_lease_limits_are_shown_and_only_narrowed(void **state)
{
    struct house *it = *state;
    static const char all[] = "\"limits\":{\"requests_per_second\":10,\"concurrent\":3,\"rows_per_day\":100,\"bytes_per_day\":200,\"bits_per_day\":300},\"uses\":7";
    AUTO_PTR(doc) struct doc *reply = NULL;
    AUTO_PTR(doc) struct doc *list = NULL;
    check_ok(issue(it, it->caller, all, &reply), &it->why);
    check_int(doc_get_integer(doc_get(reply, "limits"), "concurrent", 0), 3);
    check_int(doc_get_integer(reply, "uses", 0), 7);
    check_ok(service_token_list(it->service, &(struct page){ .limit = 2 }, &list, &it->why), &it->why);
    const struct doc *newest = doc_at(doc_get(list, "data"), 0);
    check_int(doc_get_integer(doc_get(newest, "limits"), "bits_per_day", 0), 300);
    check_int(doc_get_integer(newest, "uses", 0), 7);
    check(doc_get(doc_at(doc_get(list, "data"), 1), "limits") == NULL);

    static const struct {
        const char *rest, *path;
        enum rc rc;
    } rows[] = {
        { "\"limits\":{\"rows_per_day\":100,\"concurrent\":1}", "", RC_OK },
        { "\"limits\":{\"rows_per_day\":101}", "limits.rows_per_day", RC_DENIED },
        { "\"limits\":{\"requests_per_second\":11}", "limits.requests_per_second", RC_DENIED },
        { "\"limits\":{\"bytes_per_day\":201}", "limits.bytes_per_day", RC_DENIED },
        { "\"limits\":{\"bits_per_day\":301}", "limits.bits_per_day", RC_DENIED },
        { "\"limits\":{\"concurrent\":4}", "limits.concurrent", RC_DENIED },
        { "\"uses\":8", "uses", RC_DENIED },
        { "\"uses\":0", "uses", RC_INVALID },
        { "\"limits\":{\"rows_per_day\":0}", "limits.rows_per_day", RC_INVALID },
        { "\"limits\":{\"rows_per_day\":1.5}", "limits.rows_per_day", RC_INVALID },
        { "\"limits\":{\"requests_per_second\":1000001}", "limits.requests_per_second", RC_INVALID },
        { "\"limits\":{\"rows_per_hour\":1}", "limits.rows_per_hour", RC_UNKNOWN_KEY },
        { "\"limits\":[]", "limits", RC_INVALID },
    };
    struct caller *caller = find(it, doc_get_string(reply, "token", ""));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct doc *child = NULL;
        it->why = (struct why){ 0 };
        check_rc(issue(it, caller, rows[i].rest, &child), rows[i].rc);
        check_text(it->why.path, rows[i].path);
        doc_destroy(child);
    }
    caller_release(caller);
}

static void test_lease_lines_of_limited_tokens_end_somewhere(void **state)
{
    struct house *it = *state;
    char token[128];
    make(it, it->caller, "\"limits\":{\"rows_per_day\":100}", token);
    for (int i = 1; i <= QUOTA_DEPTH_MAX; i++) {
        struct caller *caller = find(it, token);
        struct doc *child = NULL;
        const enum rc rc = issue(it, caller, "\"limits\":{\"rows_per_day\":100}", &child);
        caller_release(caller);
        check_rc(rc, i < QUOTA_DEPTH_MAX ? RC_OK : RC_DENIED);
        (void)snprintf(token, sizeof(token), "%s", doc_get_string(child, "token", ""));
        doc_destroy(child);
    }
    check_contains(it->why.text, "16 limited tokens");
}

/* A token is made whole or not at all; then what it asks for is as before. */
static void test_lease_survives_failing_memory(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *body = NULL;
    static const char json[] = "{\"name\":\"t\"," SCOPES ",\"limits\":{\"rows_per_day\":9},\"uses\":3}";
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    long failures = 0;
    for (long n = 1;; n++) {
        struct doc *reply = NULL;
        mem_fail_at(n);
        const enum rc rc = service_token_create(it->service, it->caller, body, &reply, &it->why);
        mem_fail_at(0);
        doc_destroy(reply);
        if (rc == RC_OK) {
            break;
        }
        check_rc(rc, RC_NO_MEMORY);
        failures++;
    }
    check(failures > 10);
}

#define HOUSE_CHECK(function) CHECK_WITH(function, house_setup, house_teardown)

CHECK_MAIN("core/service/lease", HOUSE_CHECK(test_lease_of_an_unlimited_token_is_none),
           HOUSE_CHECK(test_lease_is_forfeited_by_a_crash_and_kept_by_a_stop),
           HOUSE_CHECK(test_lease_counts_for_the_parent),
           HOUSE_CHECK(test_lease_limits_are_shown_and_only_narrowed),
           HOUSE_CHECK(test_lease_lines_of_limited_tokens_end_somewhere),
           HOUSE_CHECK(test_lease_survives_failing_memory))
