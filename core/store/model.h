/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_MODEL_H
#define CORE_STORE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/store/blob.h"
#include "core/store/job.h"
#include "core/store/store.h"

/*
 * Rows of models, their versions and labels.
 *
 * Invariants: a name is one model ignoring case, and is found only in the
 * spelling of its first version (scopes compare names byte by byte). A
 * version's number is never given twice, not even after the model was deleted.
 * A version that a label names cannot be deleted.
 *
 * Threads, memory and common errors: store.h. Logs: no.
 */

#define LABEL_VERSIONS_MAX 16
#define LABELS_MAX         10000 /* of all models together: a start has to load them all */

struct model_row {
    const char *name;
    int64_t created_at; /* of the first version */
};

struct model_list {
    struct model_row *rows;
    size_t count;
    bool has_more;
};

struct version_row {
    const char *model;
    int64_t number; /* given by the store */
    int64_t created_at;
    const char *dataset;        /* id; NULL: none */
    const char *job;            /* id; NULL: none */
    const char *weights_digest; /* 64 hex digits */
    const char *version_digest; /* 64 hex digits */
    int64_t parameters;
    const char *body;       /* JSON text: manifest and metrics */
    const char *network;    /* JSON text; these three NULL: none */
    const char *transforms; /* JSON text */
    const char *card;       /* JSON text */
    struct blob_ref weights;
};

struct version_list {
    struct version_row *rows;
    size_t count;
    bool has_more;
};

struct label_row {
    const char *model;
    const char *label;
    int64_t updated_at;
    const int64_t *versions; /* every version that the body names, the first one first */
    size_t count;            /* 1 to LABEL_VERSIONS_MAX */
    const char *body;        /* JSON text: weights, shadows, stickiness */
};

struct label_list {
    struct label_row *rows;
    size_t count;
};

/* May versions be added under this spelling? RC_CONFLICT: another spelling of the name is taken (why says which). */
enum rc store_model_check(struct store *store, const char *name, struct why *why) MUST_CHECK;

/* In one transaction: the next version of the model (made when it is missing), the last move of the job
 * that made it (finish NULL: none; its version becomes this one), and the label set to this version
 * (label NULL: none; body {"versions":[{"version":n}]}). RC_CONFLICT: the name is taken in another
 * spelling, or the job is not in finish->from; nothing is kept then. */
enum rc store_version_add(struct store *store, const struct version_row *row, const struct job_move *finish,
                          const char *label, int64_t *ret_number, struct why *why) MUST_CHECK;

/* RC_NOT_FOUND. */
enum rc store_model_get(struct store *store, const char *name, struct region *region,
                        struct model_row *ret, struct why *why) MUST_CHECK;

/* Newest first. RC_NOT_FOUND: page->after (a name). */
enum rc store_model_list(struct store *store, const struct store_page *page, struct region *region,
                         struct model_list *ret, struct why *why) MUST_CHECK;

/* RC_NOT_FOUND. */
enum rc store_version_get(struct store *store, const char *model, int64_t number, struct region *region,
                          struct version_row *ret, struct why *why) MUST_CHECK;

/* Newest first: at most limit with numbers below `below` (0: all). network, transforms and card are
 * left out (NULL). An unknown model has none. */
enum rc store_version_list(struct store *store, const char *model, int64_t below, int64_t limit,
                           struct region *region, struct version_list *ret, struct why *why) MUST_CHECK;

/* RC_NOT_FOUND: the model or one of the versions; RC_TOO_LARGE: LABELS_MAX. Replaces what the label named before. */
enum rc store_label_set(struct store *store, const struct label_row *row, struct why *why) MUST_CHECK;

/* RC_NOT_FOUND. */
enum rc store_label_get(struct store *store, const char *model, const char *label, struct region *region,
                        struct label_row *ret, struct why *why) MUST_CHECK;
enum rc store_label_remove(struct store *store, const char *model, const char *label, struct why *why) MUST_CHECK;

/* By name; model NULL: of all models. */
enum rc store_label_list(struct store *store, const char *model, struct region *region,
                         struct label_list *ret, struct why *why) MUST_CHECK;

/* Removes the row and the weights. RC_NOT_FOUND; RC_CONFLICT: a label names it (why says which). */
enum rc store_version_remove(struct store *store, const char *model, int64_t number, struct why *why) MUST_CHECK;

/* Removes versions and their weights. RC_NOT_FOUND; RC_CONFLICT: a label names one of them, or a job that has
 * not ended is about the model (why says which). */
enum rc store_model_remove(struct store *store, const char *name, struct why *why) MUST_CHECK;

#endif
