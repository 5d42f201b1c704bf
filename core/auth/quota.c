/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/quota.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rate.h"
#include "core/base/str.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_MS    INT64_C(86400000)

struct meter {
    int64_t used, held, leased;
};

struct quota {
    char token[ID_SIZE]; /* constant after create, as the next three */
    struct quota_numbers limits;
    struct quota *parent;
    struct rate rate;
    pthread_mutex_t lock;
    /* guarded by lock */
    int64_t rate_state;
    int64_t active; /* requests under way */
    int64_t day;
    struct meter meters[QUOTA_KINDS]; /* from QUOTA_METERS on */
};

static int64_t today(void)
{
    return wall_now().ms / DAY_MS;
}

int64_t quota_day_seconds(void)
{
    return (DAY_MS - wall_now().ms % DAY_MS + 999) / 1000;
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

enum rc quota_create(const char *token, const struct quota_numbers *limits, struct quota *parent, struct quota **ret)
{
    struct quota *quota = mem_alloc(sizeof(*quota));
    if (quota == NULL) {
        return RC_NO_MEMORY;
    }
    (void)str_copy(quota->token, sizeof(quota->token), token); /* an id fits */
    quota->limits = *limits;
    quota->parent = parent;
    const int64_t rate = limits->of[QUOTA_REQUESTS];
    quota->rate = rate > 0 ? rate_make(rate, rate) : (struct rate){ 0 };
    quota->day = today();
    (void)pthread_mutex_init(&quota->lock, NULL); /* cannot fail on Linux with default attributes */
    *ret = quota;
    return RC_OK;
}

void quota_destroy(struct quota *quota)
{
    if (quota != NULL) {
        (void)pthread_mutex_destroy(&quota->lock); /* nobody holds it */
        mem_free(quota);
    }
}

struct quota *quota_get_parent(const struct quota *quota)
{
    return quota->parent;
}

int quota_depth(const struct quota *quota)
{
    int depth = 0;
    for (; quota != NULL; quota = quota->parent) {
        depth++;
    }
    return depth;
}

int64_t quota_limit(const struct quota *quota, enum quota_kind kind)
{
    int64_t tightest = 0;
    for (; quota != NULL; quota = quota->parent) {
        const int64_t limit = quota->limits.of[kind];
        tightest = limit > 0 && (tightest == 0 || limit < tightest) ? limit : tightest;
    }
    return tightest;
}

/* Locks, with the meters of today. */
static void lock(struct quota *quota, int64_t day)
{
    (void)pthread_mutex_lock(&quota->lock); /* fails only on a broken mutex, here and below */
    if (day > quota->day) {
        quota->day = day;
        for (int kind = QUOTA_METERS; kind < QUOTA_USES; kind++) {
            quota->meters[kind] = (struct meter){ 0 };
        }
    }
}

static void unlock(struct quota *quota)
{
    (void)pthread_mutex_unlock(&quota->lock);
}

static bool refuse(const struct quota *quota, enum quota_kind kind, int64_t retry_seconds, struct quota_refusal *ret)
{
    *ret = (struct quota_refusal){ .token = quota->token, .kind = kind, .limit = quota->limits.of[kind], .retry_seconds = retry_seconds };
    return false;
}

/* Under the lock, as all up to the next public function: is the cost within the limits? */
static bool fits(const struct quota *quota, const struct quota_numbers *cost, struct quota_refusal *ret)
{
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        const int64_t limit = quota->limits.of[kind];
        if (limit > 0 && cost->of[kind] > 0 && cost->of[kind] > limit - quota->meters[kind].used) {
            return refuse(quota, (enum quota_kind)kind, kind == QUOTA_USES ? 0 : quota_day_seconds(), ret);
        }
    }
    return true;
}

static bool enter(struct quota *quota, struct mono now, const struct quota_numbers *least, struct quota_refusal *ret)
{
    const int64_t most = quota->limits.of[QUOTA_CONCURRENT];
    int64_t wait_ns;
    if (!fits(quota, least, ret)) {
        return false;
    }
    if (most > 0 && quota->active >= most) {
        return refuse(quota, QUOTA_CONCURRENT, 1, ret);
    }
    if (quota->rate.step_ns > 0 && !rate_take(&quota->rate, &quota->rate_state, now, &wait_ns)) {
        return refuse(quota, QUOTA_REQUESTS, (wait_ns + SECOND_NS - 1) / SECOND_NS, ret);
    }
    quota->active++;
    return true;
}

/* What enter() took. */
static void take_back(struct quota *quota)
{
    lock(quota, 0);
    quota->active--;
    if (quota->rate.step_ns > 0) {
        rate_give(&quota->rate, &quota->rate_state);
    }
    unlock(quota);
}

bool quota_enter(struct quota *quota, struct mono now, const struct quota_numbers *least, struct quota_refusal *ret)
{
    const int64_t day = today();
    for (struct quota *it = quota; it != NULL; it = it->parent) {
        lock(it, day);
        const bool entered = enter(it, now, least, ret);
        unlock(it);
        if (!entered) {
            for (struct quota *back = quota; back != it; back = back->parent) {
                take_back(back);
            }
            return false;
        }
    }
    return true;
}

void quota_leave(struct quota *quota)
{
    for (; quota != NULL; quota = quota->parent) {
        lock(quota, 0);
        quota->active--;
        unlock(quota);
    }
}

bool quota_fits(struct quota *quota, const struct quota_numbers *cost, struct quota_refusal *ret)
{
    const int64_t day = today();
    bool ok = true;
    for (struct quota *it = quota; ok && it != NULL; it = it->parent) {
        lock(it, day);
        ok = fits(it, cost, ret);
        unlock(it);
    }
    return ok;
}

/* Under the lock: is the cost covered by what is leased and not held? */
static bool is_leased(const struct quota *quota, const struct quota_numbers *cost)
{
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        const struct meter *meter = &quota->meters[kind];
        if (quota->limits.of[kind] > 0 && cost->of[kind] > 0 && cost->of[kind] > meter->leased - meter->used - meter->held) {
            return false;
        }
    }
    return true;
}

static enum quota_answer hold_one(struct quota *quota, const struct quota_numbers *cost, int64_t day, struct quota_refusal *ret)
{
    enum quota_answer answer = QUOTA_OK;
    lock(quota, day);
    if (!fits(quota, cost, ret)) {
        answer = QUOTA_OVER;
    } else if (!is_leased(quota, cost) || quota->day != day) { /* the day may have changed since it was asked for */
        answer = QUOTA_SHORT;
    }
    for (int kind = QUOTA_METERS; answer == QUOTA_OK && kind < QUOTA_KINDS; kind++) {
        quota->meters[kind].held += quota->limits.of[kind] > 0 ? cost->of[kind] : 0;
    }
    unlock(quota);
    return answer;
}

/* Takes what was held and uses so much of it. What was held on a day that is over has gone with it. */
static void settle_one(struct quota *quota, const struct quota_hold *hold, const struct quota_numbers *cost)
{
    lock(quota, 0);
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        if (quota->limits.of[kind] > 0 && (kind == QUOTA_USES || quota->day == hold->day)) {
            quota->meters[kind].held -= hold->cost.of[kind];
            quota->meters[kind].used += at_most(cost->of[kind], hold->cost.of[kind]);
        }
    }
    unlock(quota);
}

/* A clock that was set back: the days of the line go on as they were. */
static int64_t day_of(struct quota *quota)
{
    int64_t day = today();
    for (; quota != NULL; quota = quota->parent) {
        lock(quota, day);
        day = quota->day;
        unlock(quota);
    }
    return day;
}

enum quota_answer quota_hold(struct quota *quota, const struct quota_numbers *cost, struct quota_hold *hold, struct quota_refusal *ret)
{
    static const struct quota_numbers nothing = { { 0 } };
    const struct quota_hold want = { day_of(quota), *cost };
    for (struct quota *it = quota; it != NULL; it = it->parent) {
        const enum quota_answer answer = hold_one(it, cost, want.day, ret);
        if (answer != QUOTA_OK) {
            for (struct quota *back = quota; back != it; back = back->parent) {
                settle_one(back, &want, &nothing);
            }
            return answer;
        }
    }
    *hold = want;
    return QUOTA_OK;
}

void quota_settle(struct quota *quota, struct quota_hold *hold, const struct quota_numbers *cost)
{
    for (; hold->day != 0 && quota != NULL; quota = quota->parent) {
        settle_one(quota, hold, cost);
    }
    *hold = (struct quota_hold){ 0 };
}

void quota_force(struct quota *quota, const struct quota_numbers *cost)
{
    const int64_t day = today();
    for (; quota != NULL; quota = quota->parent) {
        lock(quota, day);
        for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
            struct meter *meter = &quota->meters[kind];
            meter->used += at_most(cost->of[kind], meter->leased - meter->used - meter->held);
        }
        unlock(quota);
    }
}

/* What should be leased for this much more: a block at least, so that the disk is asked seldom. */
static int64_t longer(const struct meter *meter, int64_t limit, int64_t cost)
{
    const int64_t needed = meter->used + meter->held + cost;
    const int64_t block = (limit + QUOTA_BLOCKS - 1) / QUOTA_BLOCKS;
    if (limit == 0 || cost == 0 || needed <= meter->leased) {
        return meter->leased;
    }
    return at_most(cost > block ? needed : meter->used + meter->held + block, limit);
}

bool quota_plan(struct quota *quota, const struct quota_numbers *cost, struct quota_lease *ret)
{
    int64_t leased[QUOTA_KINDS];
    bool more = false;
    lock(quota, today());
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        leased[kind] = longer(&quota->meters[kind], quota->limits.of[kind], cost->of[kind]);
        more = more || leased[kind] > quota->meters[kind].leased;
    }
    *ret = (struct quota_lease){ .day = quota->day, .rows = leased[QUOTA_ROWS], .bytes = leased[QUOTA_BYTES], .bits = leased[QUOTA_BITS], .uses = leased[QUOTA_USES] };
    unlock(quota);
    memcpy(ret->token, quota->token, sizeof(ret->token));
    return more;
}

static void raise(int64_t *leased, int64_t to, int64_t limit)
{
    *leased = limit > 0 && to > *leased ? to : *leased;
}

/* Two leases that were taken side by side come in any order: the longer one counts. */
void quota_grant(struct quota *quota, const struct quota_lease *lease)
{
    const int64_t leased[QUOTA_KINDS] = {
        [QUOTA_ROWS] = lease->rows, [QUOTA_BYTES] = lease->bytes, [QUOTA_BITS] = lease->bits, [QUOTA_USES] = lease->uses
    };
    lock(quota, lease->day);
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        if (kind == QUOTA_USES || quota->day == lease->day) {
            raise(&quota->meters[kind].leased, leased[kind], quota->limits.of[kind]);
        }
    }
    unlock(quota);
}

void quota_load(struct quota *quota, const struct quota_lease *lease)
{
    quota_grant(quota, lease);
    lock(quota, 0);
    for (int kind = QUOTA_METERS; kind < QUOTA_KINDS; kind++) {
        quota->meters[kind].used = quota->meters[kind].leased;
    }
    unlock(quota);
}

struct quota_lease quota_save(struct quota *quota)
{
    struct quota_lease lease = { .day = 0 };
    memcpy(lease.token, quota->token, sizeof(lease.token));
    lock(quota, 0);
    const struct meter *meters = quota->meters;
    lease.day = quota->day;
    lease.rows = meters[QUOTA_ROWS].used + meters[QUOTA_ROWS].held;
    lease.bytes = meters[QUOTA_BYTES].used + meters[QUOTA_BYTES].held;
    lease.bits = meters[QUOTA_BITS].used + meters[QUOTA_BITS].held;
    lease.uses = meters[QUOTA_USES].used + meters[QUOTA_USES].held;
    unlock(quota);
    return lease;
}

static int64_t left(const struct quota *quota, enum quota_kind kind, struct mono now)
{
    switch (kind) {
    case QUOTA_REQUESTS: return rate_left(&quota->rate, quota->rate_state, now);
    case QUOTA_CONCURRENT: return quota->limits.of[kind] - quota->active;
    case QUOTA_ROWS:
    case QUOTA_BYTES:
    case QUOTA_BITS:
    case QUOTA_USES: return quota->limits.of[kind] - quota->meters[kind].used;
    case QUOTA_KINDS: break;
    }
    return 0;
}

void quota_look(struct quota *quota, struct mono now, struct quota_view ret[QUOTA_KINDS])
{
    const int64_t day = today();
    memset(ret, 0, QUOTA_KINDS * sizeof(ret[0]));
    for (; quota != NULL; quota = quota->parent) {
        lock(quota, day);
        for (int kind = 0; kind < QUOTA_KINDS; kind++) {
            const int64_t limit = quota->limits.of[kind], rest = limit > 0 ? left(quota, (enum quota_kind)kind, now) : 0;
            if (limit > 0 && (ret[kind].limit == 0 || rest < ret[kind].left)) {
                ret[kind] = (struct quota_view){ limit, rest };
            }
        }
        unlock(quota);
    }
}
