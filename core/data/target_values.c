/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/decimal.h"

#define NO_CLASS UINT32_MAX

/* How the values of one table's column become classes. */
struct lookup {
    uint32_t *by_code; /* categories and booleans */

    struct known_number {
        float value;
        uint32_t place;
    } * by_value; /* numbers, sorted */

    size_t count;
};

static void lookup_finish(struct lookup *lookup)
{
    mem_free(lookup->by_code);
    mem_free(lookup->by_value);
}

DEFINE_AUTO(lookup)

static uint32_t place_of(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->classes.count; i++) {
        if (strcmp(target_class(target, i), name) == 0) {
            return (uint32_t)i;
        }
    }
    return NO_CLASS;
}

static int by_known_value(const void *a, const void *b)
{
    const float x = ((const struct known_number *)a)->value, y = ((const struct known_number *)b)->value;
    return (x > y) - (x < y);
}

static enum rc make_lookup(const struct target *target, const struct table_column *column, struct lookup *lookup)
{
    static const char *const words[] = { "false", "true" };
    if (column->type != COLUMN_NUMBER) {
        const char *const *names = column->type == COLUMN_BOOLEAN ? words : column->categories;
        const size_t known = column->type == COLUMN_BOOLEAN ? 2 : column->category_count;
        lookup->by_code = mem_array(known, sizeof(*lookup->by_code));
        for (size_t i = 0; lookup->by_code != NULL && i < known; i++) {
            lookup->by_code[i] = place_of(target, names[i]);
        }
        return lookup->by_code == NULL ? RC_NO_MEMORY : RC_OK;
    }
    lookup->by_value = mem_array(target->classes.count, sizeof(*lookup->by_value));
    if (lookup->by_value == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < target->classes.count; i++) {
        const char *name = target_class(target, i);
        struct known_number *it = &lookup->by_value[lookup->count];
        if (decimal_to_float(name, strlen(name), &it->value)) {
            it->place = (uint32_t)i;
            lookup->count++;
        }
    }
    qsort(lookup->by_value, lookup->count, sizeof(*lookup->by_value), by_known_value);
    return RC_OK;
}

static uint32_t look_up(const struct lookup *lookup, const struct table_column *column, size_t row)
{
    if (column->type != COLUMN_NUMBER) {
        return column->codes[row] == TABLE_MISSING ? NO_CLASS : lookup->by_code[column->codes[row]];
    }
    const struct known_number key = { column->numbers[row], 0 };
    const struct known_number *found = bsearch(&key, lookup->by_value, lookup->count, sizeof(*lookup->by_value), by_known_value);
    return isnan(key.value) || found == NULL ? NO_CLASS : found->place;
}

static enum rc find_again(const struct target *target, const struct table *table, const struct table_column **ret, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    const struct table_column *column = table_column(table, target->name);
    const bool regression = target->task == TARGET_REGRESSION;
    if (column == NULL || column->type == COLUMN_IGNORED || (regression && column->type != COLUMN_NUMBER)) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "the dataset has no %scolumn \"%s\"", regression ? "number " : "", column_quote(target->name, quote));
    }
    *ret = column;
    return RC_OK;
}

static enum rc unknown_value(const struct target *target, const struct table_column *column, size_t row, struct why *why)
{
    char name[COLUMN_QUOTE_BYTES], text[COLUMN_QUOTE_BYTES] = "";
    if (column->type == COLUMN_NUMBER ? isnan(column->numbers[row]) : column->codes[row] == TABLE_MISSING) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "row %zu has no value in the column \"%s\"", row + 1, column_quote(target->name, name));
    }
    if (column->type == COLUMN_NUMBER) {
        (void)snprintf(text, sizeof(text), "%.9g", (double)column->numbers[row]); /* fits */
    } else if (column->type == COLUMN_CATEGORY) {
        (void)column_quote(column->categories[column->codes[row]], text);
    } else {
        (void)snprintf(text, sizeof(text), "%s", column->codes[row] == 0 ? "false" : "true"); /* fits */
    }
    return why_fail(why, RC_UNPROCESSABLE, "target", "row %zu: \"%s\" is not a class that is known", row + 1, text);
}

enum rc target_values(const struct target *target, const struct table *table, const uint32_t *rows, size_t n,
                      float *y, struct why *why)
{
    const struct table_column *column = NULL;
    AUTO(lookup) struct lookup lookup = { 0 };
    enum rc rc = find_again(target, table, &column, why);
    if (rc == RC_OK && target->task != TARGET_REGRESSION) {
        rc = make_lookup(target, column, &lookup);
    }
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        const size_t row = rows == NULL ? i : rows[i];
        if (target->task == TARGET_REGRESSION) {
            y[i] = column->numbers[row];
            rc = isnan(y[i]) ? unknown_value(target, column, row, why) : RC_OK;
            continue;
        }
        const uint32_t place = look_up(&lookup, column, row);
        if (place == NO_CLASS) {
            return unknown_value(target, column, row, why);
        }
        y[i] = (float)place;
    }
    return rc;
}

enum rc target_classes(const struct target *target, const struct table *table, uint32_t *classes, struct why *why)
{
    MUST(target->task != TARGET_REGRESSION);
    const struct table_column *column = NULL;
    AUTO(lookup) struct lookup lookup = { 0 };
    enum rc rc = find_again(target, table, &column, why);
    rc = rc != RC_OK ? rc : make_lookup(target, column, &lookup);
    for (size_t row = 0; rc == RC_OK && row < table->rows; row++) {
        classes[row] = look_up(&lookup, column, row);
        rc = classes[row] == NO_CLASS ? unknown_value(target, column, row, why) : RC_OK;
    }
    return rc;
}
