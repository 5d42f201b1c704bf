/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_DATA_TALLY_H
#define CORE_DATA_TALLY_H

#include "core/data/column.h"
#include "core/data/distinct.h"

/*
 * One column while its type is being found out: every type that its cells still
 * allow, and the statistics for each.
 *
 * Threads: one at a time. Memory: tally_finish(). Logs: no.
 */

/* A column of texts that all differ, in more rows than this, names the rows: it is ignored. */
#define TALLY_IDENTIFIER_ROWS 20

/* The words about a number that no float32 holds. */
#define TALLY_TOO_LARGE "the number is too large: at most 3.4e38 in size"

struct tally {
    int chosen;                 /* the user's enum column_type; -1: to be found out */
    bool number, boolean, text; /* still possible */
    int64_t values, missing;
    int64_t yes;                    /* booleans: how many are true */
    double min, max, mean, squares; /* of the numbers; squares: the sum of (x - mean)^2 (Welford 1962) */
    struct distinct distinct;
    char **texts; /* sorted by bytes */
    size_t text_count, text_room;
    int64_t overflow_line; /* the first number that no float32 holds; 0: none */
};

/* What all columns of a table share. */
struct tally_budget {
    size_t text_bytes, distinct_bytes;
};

void tally_init(struct tally *tally, int chosen);
void tally_finish(struct tally *tally, struct tally_budget *budget);

/* One cell that is not missing. RC_INVALID: against the chosen type (words without the place);
 * RC_TOO_LARGE: the texts of all columns; RC_NO_MEMORY. */
enum rc tally_add(struct tally *tally, const char *text, size_t n, int64_t line,
                  struct tally_budget *budget, struct why *why) MUST_CHECK;

/* The type at the end. */
enum column_type tally_type(const struct tally *tally);

/* The finished description; its categories come from the region, its name is borrowed. RC_NO_MEMORY. */
enum rc tally_describe(const struct tally *tally, const char *name, struct region *region, struct column *ret) MUST_CHECK;

#endif
