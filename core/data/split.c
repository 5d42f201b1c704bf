/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/split.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"

/* One class while its rows are dealt out. */
struct stratum {
    size_t rows;
    size_t test, validation; /* how many of them go there */
    size_t dealt;            /* rows of it seen so far, in shuffled order */
    double rest;             /* what rounding down left of the share in hand */
};

static enum rc check_fraction(double fraction, const char *path, struct why *why)
{
    return fraction >= 0 && fraction < 1
               ? RC_OK
               : why_fail(why, RC_INVALID, path, "must be at least 0 and below 1, got %.6g", fraction);
}

static enum rc check_spec(const struct split_spec *spec, struct why *why)
{
    enum rc rc = check_fraction(spec->validation, "validation_split", why);
    rc = rc != RC_OK ? rc : check_fraction(spec->test, "test_split", why);
    if (rc == RC_OK && spec->validation + spec->test >= 1) {
        rc = why_fail(why, RC_INVALID, "validation_split", "validation and test split must together be below 1, got %.6g", spec->validation + spec->test);
    }
    return rc;
}

/* Counts the rows of each class; without classes all rows are one. */
static void count_rows(const struct split_spec *spec, struct stratum *strata)
{
    for (size_t i = 0; i < spec->rows; i++) {
        strata[spec->classes == NULL ? 0 : spec->classes[i]].rows++;
    }
}

/* The class with the largest rest that can still give a row and leave one for training; count: none. */
static size_t neediest(const struct stratum *strata, size_t count)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        const bool can_give = strata[i].rows > strata[i].test + strata[i].validation + 1;
        if (can_give && (best == count || strata[i].rest > strata[best].rest)) {
            best = i;
        }
    }
    return best;
}

/*
 * Shares out one part: each class gives its fraction rounded down, then those with the largest
 * rest one row more each until the part has its whole number (largest remainders, as in elections).
 * `part` is the offset of `test` or `validation` in a stratum. Returns the size of the part.
 */
static size_t share_out(const struct split_spec *spec, double fraction, size_t part, struct stratum *strata, size_t count)
{
    const size_t wanted = (size_t)llround(fraction * (double)spec->rows);
    size_t given = 0;
    for (size_t i = 0; i < count; i++) {
        struct stratum *it = &strata[i];
        const size_t left = it->rows > it->test + it->validation ? it->rows - it->test - it->validation : 0;
        size_t share = (size_t)(fraction * (double)it->rows);
        share = share < left ? share : left - (left > 0); /* one stays in training */
        it->rest = fraction * (double)it->rows - (double)share;
        *(size_t *)((char *)it + part) = share;
        given += share;
    }
    for (; given < wanted; given++) {
        const size_t i = neediest(strata, count);
        if (i == count) {
            break;
        }
        ++*(size_t *)((char *)&strata[i] + part);
        strata[i].rest -= 1;
    }
    return given;
}

/* Deals the rows of the shuffled order into the three lists, which follow each other in `lists`. */
static void deal(const struct split_spec *spec, const uint32_t *order, struct stratum *strata,
                 size_t validation, size_t test, uint32_t *lists)
{
    uint32_t *next_test = lists, *next_validation = lists + test, *next_train = lists + test + validation;
    for (size_t i = 0; i < spec->rows; i++) {
        struct stratum *it = &strata[spec->classes == NULL ? 0 : spec->classes[order[i]]];
        const size_t n = it->dealt++;
        if (n < it->test) {
            *next_test++ = order[i];
        } else if (n < it->test + it->validation) {
            *next_validation++ = order[i];
        } else {
            *next_train++ = order[i];
        }
    }
}

static enum rc too_few(const struct split_spec *spec, const char *part, double fraction, struct why *why)
{
    return why_fail(why, RC_UNPROCESSABLE, "", "%zu rows are too few: a %s split of %.6g leaves no row to %s with",
                    spec->rows, part, fraction, strcmp(part, "test") == 0 ? "test" : "validate");
}

static enum rc fill(const struct split_spec *spec, struct stratum *strata, struct split *split, struct why *why)
{
    const size_t count = spec->classes == NULL ? 1 : spec->class_count;
    count_rows(spec, strata);
    const size_t test = share_out(spec, spec->test, offsetof(struct stratum, test), strata, count);
    if (spec->test > 0 && test == 0) {
        return too_few(spec, "test", spec->test, why);
    }
    const size_t validation = share_out(spec, spec->validation, offsetof(struct stratum, validation), strata, count);
    if (spec->validation > 0 && validation == 0) {
        return too_few(spec, "validation", spec->validation, why);
    }
    AUTO_FREE uint32_t *order = mem_array(spec->rows, sizeof(*order));
    split->_order = mem_array(spec->rows, sizeof(*split->_order));
    if (order == NULL || split->_order == NULL) {
        return RC_NO_MEMORY;
    }
    const struct rng rng = { .seed = spec->seed, .stream = RNG_SPLIT };
    rng_permutation(&rng, order, spec->rows);
    deal(spec, order, strata, validation, test, split->_order);
    split->test = (struct split_part){ split->_order, test };
    split->validation = (struct split_part){ split->_order + test, validation };
    split->train = (struct split_part){ split->_order + test + validation, spec->rows - test - validation };
    return RC_OK;
}

enum rc split_create(const struct split_spec *spec, struct split **ret, struct why *why)
{
    enum rc rc = check_spec(spec, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (spec->rows < 2) {
        return why_fail(why, RC_UNPROCESSABLE, "", "too few rows to learn from: at least 2 are needed, got %zu", spec->rows);
    }
    AUTO_FREE struct stratum *strata = mem_array(spec->classes == NULL ? 1 : spec->class_count, sizeof(*strata));
    AUTO_PTR(split) struct split *split = mem_alloc(sizeof(*split));
    if (strata == NULL || split == NULL) {
        return RC_NO_MEMORY;
    }
    rc = fill(spec, strata, split, why);
    if (rc == RC_OK) {
        *ret = TAKE(split);
    }
    return rc;
}

void split_destroy(struct split *split)
{
    if (split != NULL) {
        mem_free(split->_order);
        mem_free(split);
    }
}
