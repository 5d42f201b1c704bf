/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/quota.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "tests/check.h"

#define DAY_MS INT64_C(86400000)
#define TODAY  INT64_C(20000)

static const struct mono start = { 5000000000 };

static void set_day(int64_t day, int64_t ms)
{
    wall_set((struct wall){ day * DAY_MS + ms });
}

static int setup(void **state)
{
    set_day(TODAY, 0);
    return 0;
}

static int teardown(void **state)
{
    mem_fail_at(0);
    wall_set((struct wall){ -1 });
    return 0;
}

static struct quota *make(struct quota *parent, const struct quota_numbers *limits)
{
    struct quota *quota = NULL;
    check_rc(quota_create(parent == NULL ? "tok-parent" : "tok-child", limits, parent, &quota), RC_OK);
    return quota;
}

/* As the service does: the lease is on record before it counts. */
static bool extend(struct quota *quota, const struct quota_numbers *cost)
{
    bool more = false;
    for (; quota != NULL; quota = quota_get_parent(quota)) {
        struct quota_lease lease;
        if (quota_plan(quota, cost, &lease)) {
            quota_grant(quota, &lease);
            more = true;
        }
    }
    return more;
}

static enum quota_answer charge(struct quota *quota, const struct quota_numbers *cost, struct quota_refusal *refusal)
{
    struct quota_hold hold = { 0 };
    enum quota_answer answer;
    while ((answer = quota_hold(quota, cost, &hold, refusal)) == QUOTA_SHORT && extend(quota, cost)) {
    }
    if (answer == QUOTA_OK) {
        quota_settle(quota, &hold, cost);
    }
    return answer;
}

static int64_t left_of(struct quota *quota, enum quota_kind kind)
{
    struct quota_view views[QUOTA_KINDS];
    quota_look(quota, start, views);
    return views[kind].left;
}

static const struct quota_numbers nothing = { { 0 } };

static void test_quota_enter_holds_to_the_rate_and_says_when(void **state)
{
    struct quota *quota = make(NULL, &(struct quota_numbers){ { [QUOTA_REQUESTS] = 2 } });
    struct quota_refusal refusal;
    check(quota_enter(quota, start, &nothing, &refusal));
    check(quota_enter(quota, start, &nothing, &refusal));
    check_int(left_of(quota, QUOTA_REQUESTS), 0);
    check(!quota_enter(quota, start, &nothing, &refusal));
    check_int(refusal.kind, QUOTA_REQUESTS);
    check_int(refusal.limit, 2);
    check_int(refusal.retry_seconds, 1);
    check_text(refusal.token, "tok-parent");
    check(quota_enter(quota, (struct mono){ start.ns + 500000000 }, &nothing, &refusal));
    quota_destroy(quota);
}

static void test_quota_enter_holds_to_the_number_at_a_time(void **state)
{
    struct quota *quota = make(NULL, &(struct quota_numbers){ { [QUOTA_CONCURRENT] = 2 } });
    struct quota_refusal refusal;
    check(quota_enter(quota, start, &nothing, &refusal) && quota_enter(quota, start, &nothing, &refusal));
    check(!quota_enter(quota, start, &nothing, &refusal));
    check_int(refusal.kind, QUOTA_CONCURRENT);
    check_int(refusal.retry_seconds, 1);
    quota_leave(quota);
    check_int(left_of(quota, QUOTA_CONCURRENT), 1);
    check(quota_enter(quota, start, &nothing, &refusal));
    quota_destroy(quota);
}

/* What the parent refuses has cost the child nothing: neither of its rate nor of its number at a time. */
static void test_quota_enter_counts_for_the_whole_line_or_not_at_all(void **state)
{
    struct quota *parent = make(NULL, &(struct quota_numbers){ { [QUOTA_CONCURRENT] = 1 } });
    struct quota *child = make(parent, &(struct quota_numbers){ { [QUOTA_REQUESTS] = 3, [QUOTA_CONCURRENT] = 3 } });
    struct quota *sibling = make(parent, &(struct quota_numbers){ { [QUOTA_ROWS] = 1 } });
    struct quota_refusal refusal;
    check(quota_enter(child, start, &nothing, &refusal));
    check(!quota_enter(child, start, &nothing, &refusal));
    check_text(refusal.token, "tok-parent");
    check_int(refusal.limit, 1);
    check(!quota_enter(sibling, start, &nothing, &refusal));
    check_int(left_of(child, QUOTA_REQUESTS), 2);
    quota_leave(child);
    check_int(left_of(child, QUOTA_CONCURRENT), 1);
    check_int(quota_limit(child, QUOTA_CONCURRENT), 1);
    check_int(quota_limit(child, QUOTA_REQUESTS), 3);
    check_int(quota_limit(child, QUOTA_BITS), 0);
    check_int(quota_depth(child), 2);
    quota_destroy(child);
    quota_destroy(sibling);
    quota_destroy(parent);
}

static void test_quota_hold_counts_only_what_is_leased(void **state)
{
    struct quota *quota = make(NULL, &(struct quota_numbers){ { [QUOTA_ROWS] = 160 } });
    const struct quota_numbers three = { { [QUOTA_ROWS] = 3 } }, two = { { [QUOTA_ROWS] = 2 } };
    struct quota_hold hold = { 0 }, other = { 0 };
    struct quota_refusal refusal;
    struct quota_lease lease;
    check_int(quota_hold(quota, &three, &hold, &refusal), QUOTA_SHORT);
    check(quota_plan(quota, &three, &lease));
    check_int(lease.rows, 10);
    check_int(lease.day, TODAY);
    check_int(quota_hold(quota, &three, &hold, &refusal), QUOTA_SHORT);
    quota_grant(quota, &lease);
    check(!quota_plan(quota, &three, &lease));
    check_int(quota_hold(quota, &three, &hold, &refusal), QUOTA_OK);
    check_int(quota_hold(quota, &(struct quota_numbers){ { [QUOTA_ROWS] = 8 } }, &other, &refusal), QUOTA_SHORT);
    quota_settle(quota, &hold, &two);
    check_int(left_of(quota, QUOTA_ROWS), 158);
    check_int(quota_hold(quota, &(struct quota_numbers){ { [QUOTA_ROWS] = 8 } }, &other, &refusal), QUOTA_OK);
    check_int(quota_save(quota).rows, 10);
    quota_settle(quota, &other, &nothing);
    check_int(quota_save(quota).rows, 2);
    check_int(quota_hold(quota, &(struct quota_numbers){ { [QUOTA_ROWS] = 159 } }, &hold, &refusal), QUOTA_OVER);
    check_int(refusal.kind, QUOTA_ROWS);
    quota_destroy(quota);
}

static void test_quota_meters_of_a_day_begin_anew_at_midnight(void **state)
{
    struct quota *quota = make(NULL, &(struct quota_numbers){ { [QUOTA_BYTES] = 100, [QUOTA_USES] = 3 } });
    const struct quota_numbers cost = { { [QUOTA_BYTES] = 60, [QUOTA_USES] = 1 } };
    struct quota_refusal refusal;
    set_day(TODAY, DAY_MS - 1500);
    check_int(quota_day_seconds(), 2);
    check_int(charge(quota, &cost, &refusal), QUOTA_OK);
    check_int(charge(quota, &cost, &refusal), QUOTA_OVER);
    check_int(refusal.kind, QUOTA_BYTES);
    check_int(refusal.retry_seconds, 2);
    set_day(TODAY + 1, 0);
    check_int(left_of(quota, QUOTA_BYTES), 100);
    check_int(charge(quota, &cost, &refusal), QUOTA_OK);
    set_day(TODAY, 0); /* a clock that is set back gives nothing back */
    check_int(charge(quota, &cost, &refusal), QUOTA_OVER);
    set_day(TODAY + 2, 0);
    check_int(charge(quota, &cost, &refusal), QUOTA_OK);
    set_day(TODAY + 3, 0);
    check_int(charge(quota, &cost, &refusal), QUOTA_OVER);
    check_int(refusal.kind, QUOTA_USES);
    check_int(refusal.retry_seconds, 0);
    quota_destroy(quota);
}

/* What was held before midnight is paid from yesterday; uses have no day. */
static void test_quota_settle_after_midnight_leaves_today_alone(void **state)
{
    struct quota *quota = make(NULL, &(struct quota_numbers){ { [QUOTA_BITS] = 100, [QUOTA_USES] = 3 } });
    const struct quota_numbers cost = { { [QUOTA_BITS] = 90, [QUOTA_USES] = 1 } };
    struct quota_refusal refusal;
    struct quota_hold hold = { 0 };
    check(extend(quota, &cost));
    check_int(quota_hold(quota, &cost, &hold, &refusal), QUOTA_OK);
    set_day(TODAY + 1, 0);
    check_int(charge(quota, &cost, &refusal), QUOTA_OK);
    quota_settle(quota, &hold, &cost);
    check_int(left_of(quota, QUOTA_BITS), 10);
    check_int(left_of(quota, QUOTA_USES), 1);
    const struct quota_lease lease = quota_save(quota);
    check_int(lease.bits, 90);
    check_int(lease.uses, 2);
    check_int(lease.day, TODAY + 1);
    quota_destroy(quota);
}

static void test_quota_force_uses_what_is_there(void **state)
{
    struct quota *quota = make(NULL, &(struct quota_numbers){ { [QUOTA_BYTES] = 100 } });
    const struct quota_numbers cost = { { [QUOTA_BYTES] = 70, [QUOTA_ROWS] = 5 } };
    check(extend(quota, &cost));
    quota_force(quota, &cost);
    check_int(left_of(quota, QUOTA_BYTES), 30);
    check(extend(quota, &cost));
    quota_force(quota, &cost);
    check_int(left_of(quota, QUOTA_BYTES), 0);
    check(!extend(quota, &cost));
    quota_force(quota, &cost);
    check_int(quota_save(quota).bytes, 100);
    quota_destroy(quota);
}

static void test_quota_create_refuses_failing_memory(void **state)
{
    struct quota *quota = NULL;
    mem_fail_at(1);
    check_rc(quota_create("tok-x", &nothing, NULL, &quota), RC_NO_MEMORY);
    check(quota == NULL);
}

/* A token and its child, with what is on record of them. */
struct line {
    struct quota *quotas[2];
    struct quota_lease kept[2];
};

struct dice {
    struct rng rng;
    uint64_t thrown;
};

static const struct quota_numbers line_limits[2] = { { { [QUOTA_ROWS] = 1000, [QUOTA_USES] = 400 } }, { { [QUOTA_ROWS] = 700 } } };

static void open_line(struct line *line)
{
    line->quotas[0] = make(NULL, &line_limits[0]);
    line->quotas[1] = make(line->quotas[0], &line_limits[1]);
    quota_load(line->quotas[0], &line->kept[0]);
    quota_load(line->quotas[1], &line->kept[1]);
}

static void close_line(struct line *line)
{
    quota_destroy(line->quotas[1]);
    quota_destroy(line->quotas[0]);
}

static enum quota_answer try_to_charge(struct line *line, int which, const struct quota_numbers *cost, struct dice *dice)
{
    struct quota_refusal refusal;
    struct quota_hold hold = { 0 };
    enum quota_answer answer = quota_hold(line->quotas[which], cost, &hold, &refusal);
    for (int i = which; answer == QUOTA_SHORT && i >= 0; i--) {
        struct quota_lease lease;
        if (quota_plan(line->quotas[i], cost, &lease)) {
            line->kept[i] = lease;
            if (rng_below(&dice->rng, dice->thrown++, 50) == 0) {
                return QUOTA_SHORT; /* a crash after the record and before the lease */
            }
            quota_grant(line->quotas[i], &lease);
        }
    }
    answer = answer == QUOTA_SHORT ? quota_hold(line->quotas[which], cost, &hold, &refusal) : answer;
    if (answer == QUOTA_OK) {
        quota_settle(line->quotas[which], &hold, cost);
    }
    return answer;
}

/* Whatever is asked and however often the process dies or stops: a day gives no more than its limit, a life no more than its own. */
static void test_quota_never_gives_more_than_the_limit_over_crashes(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct dice dice = { .rng = { .seed = seed, .stream = RNG_TEST } };
        struct line line = { .kept = { { .token = "" }, { .token = "" } } };
        int64_t uses = 0;
        set_day(TODAY, 0);
        open_line(&line);
        for (int64_t day = TODAY; day < TODAY + 3; day++) {
            int64_t rows = 0, child_rows = 0;
            set_day(day, 0);
            for (int i = 0; i < 300; i++) {
                const int which = (int)rng_below(&dice.rng, dice.thrown++, 2);
                const struct quota_numbers cost = { { [QUOTA_ROWS] = (int64_t)rng_below(&dice.rng, dice.thrown++, 30), [QUOTA_USES] = 1 } };
                if (try_to_charge(&line, which, &cost, &dice) == QUOTA_OK) {
                    rows += cost.of[QUOTA_ROWS];
                    child_rows += which == 1 ? cost.of[QUOTA_ROWS] : 0;
                    uses++;
                }
                const uint64_t event = rng_below(&dice.rng, dice.thrown++, 100);
                if (event < 2) { /* a clean stop */
                    line.kept[0] = quota_save(line.quotas[0]);
                    line.kept[1] = quota_save(line.quotas[1]);
                }
                if (event < 5) {
                    close_line(&line);
                    open_line(&line);
                }
            }
            check(rows <= 1000 && child_rows <= 700 && uses <= 400);
            check(day > TODAY || rows > 100);
        }
        close_line(&line);
    }
}

static void test_quota_forfeits_nothing_at_clean_stops(void **state)
{
    struct line line = { .kept = { { .token = "" }, { .token = "" } } };
    const struct quota_numbers one = { { [QUOTA_ROWS] = 1 } };
    struct quota_refusal refusal;
    int64_t rows = 0;
    open_line(&line);
    for (int i = 0; i < 3000; i++) {
        rows += charge(line.quotas[rows < 700], &one, &refusal) == QUOTA_OK;
        if (i % 7 == 0) {
            line.kept[0] = quota_save(line.quotas[0]);
            line.kept[1] = quota_save(line.quotas[1]);
            close_line(&line);
            open_line(&line);
        }
    }
    close_line(&line);
    check_int(rows, 1000);
}

#define THREADS 8
#define LEAVES  4

struct crowd {
    struct quota *quota;
    const struct quota_numbers *cost;
    atomic_int *most, *active;
    int64_t taken;
};

static void *use_up(void *arg)
{
    struct crowd *it = arg;
    struct quota_refusal refusal;
    for (int i = 0; i < 4000; i++) {
        if (!quota_enter(it->quota, start, &nothing, &refusal)) {
            continue;
        }
        const int active = atomic_fetch_add(it->active, 1) + 1;
        int most = atomic_load(it->most);
        while (active > most && !atomic_compare_exchange_weak(it->most, &most, active)) {
        }
        if (charge(it->quota, it->cost, &refusal) == QUOTA_OK) {
            it->taken++;
        }
        (void)atomic_fetch_sub(it->active, 1);
        quota_leave(it->quota);
    }
    return NULL;
}

/* Eight threads on a token and its children: all of the budget is given, and no more. */
static void test_quota_gives_many_threads_exactly_the_limit(void **state)
{
    struct quota *root = make(NULL, &(struct quota_numbers){ { [QUOTA_ROWS] = 9000, [QUOTA_USES] = 100000, [QUOTA_CONCURRENT] = 6 } });
    struct quota *leaves[LEAVES];
    const struct quota_numbers cost = { { [QUOTA_ROWS] = 3, [QUOTA_USES] = 1 } };
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    atomic_int most = 0, active = 0;
    int64_t taken = 0;
    for (int i = 0; i < LEAVES; i++) {
        leaves[i] = i == 0 ? root : make(root, &(struct quota_numbers){ { [QUOTA_ROWS] = 8000 } });
    }
    for (int i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){ .quota = leaves[i % LEAVES], .cost = &cost, .most = &most, .active = &active };
        check_int(pthread_create(&threads[i], NULL, use_up, &crowds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        taken += crowds[i].taken;
    }
    check_int(taken, 3000);
    check_int(left_of(root, QUOTA_ROWS), 0);
    check_int(left_of(root, QUOTA_USES), 100000 - 3000);
    check_int(left_of(root, QUOTA_CONCURRENT), 6);
    check(most <= 6);
    for (int i = 1; i < LEAVES; i++) {
        quota_destroy(leaves[i]);
    }
    quota_destroy(root);
}

CHECK_MAIN("core/auth/quota", CHECK_WITH(test_quota_enter_holds_to_the_rate_and_says_when, setup, teardown),
           CHECK_WITH(test_quota_enter_holds_to_the_number_at_a_time, setup, teardown),
           CHECK_WITH(test_quota_enter_counts_for_the_whole_line_or_not_at_all, setup, teardown),
           CHECK_WITH(test_quota_hold_counts_only_what_is_leased, setup, teardown),
           CHECK_WITH(test_quota_meters_of_a_day_begin_anew_at_midnight, setup, teardown),
           CHECK_WITH(test_quota_settle_after_midnight_leaves_today_alone, setup, teardown),
           CHECK_WITH(test_quota_force_uses_what_is_there, setup, teardown),
           CHECK_WITH(test_quota_create_refuses_failing_memory, setup, teardown),
           CHECK_WITH(test_quota_never_gives_more_than_the_limit_over_crashes, setup, teardown),
           CHECK_WITH(test_quota_forfeits_nothing_at_clean_stops, setup, teardown),
           CHECK_WITH(test_quota_gives_many_threads_exactly_the_limit, setup, teardown))
