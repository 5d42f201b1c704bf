/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_JOB_H
#define CORE_STORE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/id.h"
#include "core/store/blob.h"
#include "core/store/store.h"

/*
 * Rows of jobs and their histories. The states are words here (their order is
 * the business of core/work/jobstate.h): a change names the state that it
 * expects, and is refused when the job is in another one.
 *
 * Threads, memory and common errors: store.h. Logs: no.
 */

struct job_row {
    char id[ID_SIZE];
    const char *type; /* "train" or "evaluate" */
    const char *status;
    const char *model;
    int64_t version;     /* the version that it made or evaluates; 0: none */
    const char *dataset; /* id */
    const char *token;   /* id of the token that submitted it; NULL: unknown */
    int64_t created_at;
    int64_t started_at;         /* 0: not yet */
    int64_t finished_at;        /* 0: not yet */
    const char *spec;           /* JSON text, as resolved */
    const char *progress;       /* JSON text; these four NULL: absent */
    const char *error;          /* JSON text */
    const char *metrics;        /* JSON text */
    const char *weights_digest; /* 64 hex digits */
    int64_t checkpoint_epoch;   /* 0: no checkpoint */
    struct blob_ref checkpoint; /* no name: none */
};

struct job_list {
    struct job_row *rows;
    size_t count;
    bool has_more;
};

/* A move from one state to another. What is 0, NULL or false is left as it is. */
struct job_move {
    const char *from; /* the state that it must be in */
    const char *to;   /* may be the same */
    int64_t started_at;
    int64_t finished_at;
    int64_t version;
    const char *progress;
    const char *error;
    const char *metrics;
    const char *weights_digest;
    bool drop_checkpoint; /* the checkpoint's file is removed */
};

struct job_epoch {
    int64_t epoch;    /* 1, 2, ... */
    const char *body; /* JSON text */
};

struct job_history {
    struct job_epoch *epochs;
    size_t count;
};

/* Keeps a new job (checkpoint is not looked at). RC_CONFLICT: the id is there. */
enum rc store_job_add(struct store *store, const struct job_row *row, struct why *why) MUST_CHECK;

/* RC_NOT_FOUND. */
enum rc store_job_get(struct store *store, const char *id, struct region *region, struct job_row *ret,
                      struct why *why) MUST_CHECK;

/* Newest first; status NULL: all. RC_NOT_FOUND: page->after. */
enum rc store_job_list(struct store *store, const char *status, const struct store_page *page,
                       struct region *region, struct job_list *ret, struct why *why) MUST_CHECK;

/* All that are queued or running, in the order of submission: what a start has to go on with. Their texts
 * (spec, progress, error, metrics) are left out: a start must not fail for their size. */
enum rc store_job_pending(struct store *store, struct region *region, struct job_list *ret,
                          struct why *why) MUST_CHECK;

/* RC_NOT_FOUND; RC_CONFLICT: it is in another state than move->from (why says in which). */
enum rc store_job_move(struct store *store, const char *id, const struct job_move *move, struct why *why) MUST_CHECK;

/* In one transaction: the record of an epoch (later ones are forgotten), the progress, and the new
 * checkpoint, whose predecessor is then removed. checkpoint NULL: the present one stays. RC_NOT_FOUND;
 * RC_CONFLICT: the job is not running; the new checkpoint then stays the caller's to remove. */
enum rc store_job_epoch(struct store *store, const char *id, const struct job_epoch *epoch,
                        const char *progress, const struct blob_ref *checkpoint, struct why *why) MUST_CHECK;

/* Forgets the epochs after the checkpoint, before the job goes on from there. RC_NOT_FOUND. */
enum rc store_job_rewind(struct store *store, const char *id, struct why *why) MUST_CHECK;

/* The epochs after `after` (0: all), oldest first; at most limit. An unknown job has none. */
enum rc store_job_history(struct store *store, const char *id, int64_t after, int64_t limit,
                          struct region *region, struct job_history *ret, struct why *why) MUST_CHECK;

#endif
