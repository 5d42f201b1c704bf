/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/tally.h"

#include <string.h>

#include "core/base/decimal.h"

#define TEXT_COST 32 /* bytes that a text costs beside its own: the allocator's and its pointer */

void tally_init(struct tally *tally, int chosen)
{
    *tally = (struct tally){
        .chosen = chosen,
        .number = chosen < 0 || chosen == COLUMN_NUMBER,
        .boolean = chosen < 0 || chosen == COLUMN_BOOLEAN,
        .text = chosen < 0 || chosen == COLUMN_CATEGORY,
        .min = (double)INFINITY,
        .max = -(double)INFINITY,
    };
}

static void drop_texts(struct tally *tally, struct tally_budget *budget)
{
    for (size_t i = 0; i < tally->text_count; i++) {
        budget->text_bytes += strlen(tally->texts[i]) + TEXT_COST;
        mem_free(tally->texts[i]);
    }
    mem_free(tally->texts);
    tally->texts = NULL;
    tally->text_count = tally->text_room = 0;
    tally->text = false;
}

void tally_finish(struct tally *tally, struct tally_budget *budget)
{
    drop_texts(tally, budget);
    distinct_finish(&tally->distinct, &budget->distinct_bytes);
}

static void count_number(struct tally *tally, double x, struct tally_budget *budget)
{
    const double before = x - tally->mean;
    tally->mean += before / (double)tally->values;
    tally->squares += before * (x - tally->mean);
    tally->min = x < tally->min ? x : tally->min;
    tally->max = x > tally->max ? x : tally->max;
    distinct_add(&tally->distinct, (float)x, &budget->distinct_bytes);
}

static enum rc add_number(struct tally *tally, const char *text, size_t n, int64_t line,
                          struct tally_budget *budget, struct why *why)
{
    float x;
    char quote[COLUMN_QUOTE_BYTES];
    if (decimal_to_float(text, n, &x)) {
        count_number(tally, (double)x, budget);
    } else if (!decimal_is_number(text, n)) {
        tally->number = false;
        distinct_finish(&tally->distinct, &budget->distinct_bytes);
        if (tally->chosen == COLUMN_NUMBER) {
            return why_fail(why, RC_INVALID, "", "must be a number, got \"%s\"", column_quote(text, quote));
        }
    } else if (tally->chosen == COLUMN_NUMBER) {
        return why_fail(why, RC_INVALID, "", TALLY_TOO_LARGE);
    } else if (tally->overflow_line == 0) {
        tally->overflow_line = line; /* an error only if the column stays one of numbers */
    }
    return RC_OK;
}

static enum rc add_boolean(struct tally *tally, const char *text, struct why *why)
{
    bool yes;
    char quote[COLUMN_QUOTE_BYTES];
    if (!column_to_boolean(text, &yes)) {
        tally->boolean = false;
        return tally->chosen != COLUMN_BOOLEAN
                   ? RC_OK
                   : why_fail(why, RC_INVALID, "", "must be true, false, yes, no, 1 or 0, got \"%s\"", column_quote(text, quote));
    }
    tally->yes += yes;
    return RC_OK;
}

/* The place of the text among the sorted ones; *ret_found says whether it is there already. */
static size_t find_text(const struct tally *tally, const char *text, bool *ret_found)
{
    size_t low = 0, high = tally->text_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = strcmp(tally->texts[middle], text);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    *ret_found = false;
    return low;
}

static enum rc insert_text(struct tally *tally, size_t at, const char *text, size_t n, struct tally_budget *budget)
{
    if (tally->text_count == tally->text_room) {
        const size_t room = tally->text_room == 0 ? 16 : tally->text_room * 2;
        char **texts = mem_resize(tally->texts, room, sizeof(*texts));
        if (texts == NULL) {
            return RC_NO_MEMORY;
        }
        tally->texts = texts;
        tally->text_room = room;
    }
    char *copy = mem_strndup(text, n);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    memmove(tally->texts + at + 1, tally->texts + at, (tally->text_count - at) * sizeof(*tally->texts));
    tally->texts[at] = copy;
    tally->text_count++;
    budget->text_bytes -= n + TEXT_COST;
    return RC_OK;
}

static enum rc add_text(struct tally *tally, const char *text, size_t n, struct tally_budget *budget, struct why *why)
{
    bool found;
    const size_t at = find_text(tally, text, &found);
    if (found) {
        return RC_OK;
    }
    if (n <= COLUMN_CATEGORY_BYTES_MAX && tally->text_count < COLUMN_CATEGORIES_MAX) {
        return n + TEXT_COST <= budget->text_bytes
                   ? insert_text(tally, at, text, n, budget)
                   : why_fail(why, RC_TOO_LARGE, "", "the texts of all columns take too much memory; set columns that hold free text to \"ignored\"");
    }
    drop_texts(tally, budget);
    if (tally->chosen != COLUMN_CATEGORY) {
        return RC_OK;
    }
    return n > COLUMN_CATEGORY_BYTES_MAX
               ? why_fail(why, RC_INVALID, "", "a category must be at most %d bytes long, got %zu", COLUMN_CATEGORY_BYTES_MAX, n)
               : why_fail(why, RC_INVALID, "", "a category column must hold at most %d different texts", COLUMN_CATEGORIES_MAX);
}

enum rc tally_add(struct tally *tally, const char *text, size_t n, int64_t line,
                  struct tally_budget *budget, struct why *why)
{
    enum rc rc = RC_OK;
    tally->values++;
    if (tally->number) {
        rc = add_number(tally, text, n, line, budget, why);
    }
    if (rc == RC_OK && tally->boolean) {
        rc = add_boolean(tally, text, why);
    }
    if (rc == RC_OK && tally->text) {
        rc = add_text(tally, text, n, budget, why);
    }
    return rc;
}

enum column_type tally_type(const struct tally *tally)
{
    if (tally->chosen >= 0) {
        return (enum column_type)tally->chosen;
    }
    if (tally->values == 0) {
        return COLUMN_IGNORED;
    }
    if (tally->number || tally->boolean) {
        return tally->number ? COLUMN_NUMBER : COLUMN_BOOLEAN;
    }
    const bool identifier = tally->values > TALLY_IDENTIFIER_ROWS && tally->text_count == (size_t)tally->values;
    return tally->text && !identifier ? COLUMN_CATEGORY : COLUMN_IGNORED;
}

static enum rc describe_texts(const struct tally *tally, struct region *region, struct column *it)
{
    const char **names = region_alloc(region, tally->text_count, sizeof(*names));
    if (names == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < tally->text_count; i++) {
        names[i] = region_strdup(region, tally->texts[i]);
        if (names[i] == NULL) {
            return RC_NO_MEMORY;
        }
    }
    it->categories = (struct field_list){ names, tally->text_count };
    it->distinct = (int64_t)tally->text_count;
    return RC_OK;
}

enum rc tally_describe(const struct tally *tally, const char *name, struct region *region, struct column *ret)
{
    const double none = (double)NAN, n = (double)tally->values;
    struct column it = { name, (int)tally_type(tally), tally->missing, FIELD_ABSENT, none, none, none, none, { NULL, 0 } };
    enum rc rc = RC_OK;
    if (it.type == COLUMN_NUMBER && tally->values > 0) {
        it.min = tally->min;
        it.max = tally->max;
        it.mean = tally->mean;
        it.std = sqrt(tally->squares / n);
        it.distinct = distinct_count(&tally->distinct);
        it.distinct = it.distinct < 0 ? FIELD_ABSENT : it.distinct;
    } else if (it.type == COLUMN_BOOLEAN && tally->values > 0) {
        it.mean = (double)tally->yes / n;
        it.distinct = 1 + (tally->yes > 0 && tally->yes < tally->values);
    } else if (it.type == COLUMN_CATEGORY) {
        rc = describe_texts(tally, region, &it);
    } else if (tally->values == 0 && tally->chosen < 0) {
        it.distinct = 0;
    }
    if (rc == RC_OK) {
        *ret = it;
    }
    return rc;
}
