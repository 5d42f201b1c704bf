/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_AUTH_QUOTA_H
#define CORE_AUTH_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/base/rc.h"

/*
 * What a token may still use of what it is limited to. Every use counts for the
 * token and for all that made it, as far as they are limited: children multiply
 * no budget.
 *
 * Rows, bytes and bits of a day and the uses of a life are meters:
 *
 *     used + held <= leased <= limit
 *
 * Leased is what the store has as used (core/store/usage.h), before it is used;
 * a start takes all of it as used, so that a crash forfeits the rest of a lease
 * and never gives anything back. Leases are taken in blocks of a sixteenth of
 * the limit. Held is set aside for requests under way, whose cost is known only
 * when they are answered: hold what it may cost, settle what it did.
 *
 * A day is a day of UTC. A hold belongs to the day on which it was taken. A
 * clock that goes back starts no new day.
 *
 * One mutex a token guards all of it, a few instructions at a time: so a use
 * counts in every meter or in none. No two are held at once.
 *
 * Threads: any. Memory: quota_destroy() frees, when nobody holds anything and
 * no child is left. Logs: no. Disk: never.
 */

#define QUOTA_MAX       INT64_C(999999999999999) /* the largest integer of a structured header field */
#define QUOTA_DEPTH_MAX 16                       /* limited tokens in one line of descent: each use counts in all of them */
#define QUOTA_BLOCKS    16                       /* leases that a limit is given out in */

enum quota_kind {
    QUOTA_REQUESTS,   /* a second */
    QUOTA_CONCURRENT, /* at a time */
    QUOTA_ROWS,       /* a day, as the next two */
    QUOTA_BYTES,
    QUOTA_BITS,
    QUOTA_USES, /* in all */
    QUOTA_KINDS,
    QUOTA_METERS = QUOTA_ROWS /* the first meter */
};

/* A number for each kind. Of limits 0 is none; of costs only those of meters count. */
struct quota_numbers {
    int64_t of[QUOTA_KINDS];
};

/* What a meter has given out, as the store keeps it. */
struct quota_lease {
    char token[ID_SIZE];
    int64_t day; /* since 1970 */
    int64_t rows, bytes, bits, uses;
};

/* Which limit said no. */
struct quota_refusal {
    enum quota_kind kind;
    int64_t limit;
    int64_t retry_seconds; /* until it is worth asking again; 0: never */
    const char *token;     /* whose limit; alive as long as its quota */
};

/* Set aside for one request. Day 0: nothing. */
struct quota_hold {
    int64_t day;
    struct quota_numbers cost;
};

enum quota_answer {
    QUOTA_OK,
    QUOTA_SHORT, /* the limit allows it; a longer lease is needed, or what others hold has to come back */
    QUOTA_OVER,
};

struct quota;

/* Limits 0 to QUOTA_MAX, requests at most RATE_MAX. parent (NULL: none) must live longer. RC_NO_MEMORY. */
enum rc quota_create(const char *token, const struct quota_numbers *limits, struct quota *parent, struct quota **ret) MUST_CHECK;
void quota_destroy(struct quota *quota);

struct quota *quota_get_parent(const struct quota *quota);

/* How many are in its line, with itself. NULL: 0. */
int quota_depth(const struct quota *quota);

/* The tightest limit of a kind in its line; 0: there is none. NULL: 0. */
int64_t quota_limit(const struct quota *quota, enum quota_kind kind);

/* A request begins, which is known to cost this much at least. false: it may not, and nothing has changed. */
bool quota_enter(struct quota *quota, struct mono now, const struct quota_numbers *least, struct quota_refusal *ret);
void quota_leave(struct quota *quota);

/* Would this much still be within the limits? */
bool quota_fits(struct quota *quota, const struct quota_numbers *cost, struct quota_refusal *ret);

/* Sets the cost aside in the whole line, or nothing. *hold must be empty. *ret is filled on QUOTA_OVER. */
enum quota_answer quota_hold(struct quota *quota, const struct quota_numbers *cost, struct quota_hold *hold, struct quota_refusal *ret);

/* Turns a hold into use, no more than was held; the rest goes back. Empties it; an empty one is let pass. */
void quota_settle(struct quota *quota, struct quota_hold *hold, const struct quota_numbers *cost);

/* Uses as much of the cost as the leases allow: for what cannot be refused any more. */
void quota_force(struct quota *quota, const struct quota_numbers *cost);

/* Of this token alone: the lease that the cost needs. false: no longer lease is needed or possible. */
bool quota_plan(struct quota *quota, const struct quota_numbers *cost, struct quota_lease *ret);

/* The store has this lease now. */
void quota_grant(struct quota *quota, const struct quota_lease *lease);

/* At a start: all that the store has is used. Before anybody uses it. */
void quota_load(struct quota *quota, const struct quota_lease *lease);

/* At a clean stop: what was really used. */
struct quota_lease quota_save(struct quota *quota);

/* One limit as a client sees it, the tightest of the line. */
struct quota_view {
    int64_t limit; /* 0: there is none */
    int64_t left;
};

void quota_look(struct quota *quota, struct mono now, struct quota_view ret[QUOTA_KINDS]);

/* Seconds until the next day of UTC, 1 at least. */
int64_t quota_day_seconds(void);

#endif
