/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/transform.h"

#include <string.h>

#include "core/data/transform_codec.h"

static enum rc no_values(const char *name, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    return why_fail(why, RC_UNPROCESSABLE, "", "the column \"%s\" has no value in the training rows; set it to \"ignored\"", column_quote(name, quote));
}

/* Mean and std by Welford's method (1962), in double. */
static enum rc fit_number(const struct table_column *from, const uint32_t *rows, size_t n, struct transform_column *to, struct why *why)
{
    double mean = 0, squares = 0, min = (double)INFINITY, max = -(double)INFINITY;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)from->numbers[rows[i]];
        if (isnan(x)) {
            continue;
        }
        const double before = x - mean;
        mean += before / (double)++count;
        squares += before * (x - mean);
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    if (count == 0) {
        return no_values(from->name, why);
    }
    to->min = min;
    to->max = max;
    to->mean = mean;
    to->std = sqrt(squares / (double)count);
    to->fill = count < n ? mean : (double)NAN;
    return RC_OK;
}

/* counts[code] of the rows; returns how many have a value. */
static size_t count_codes(const struct table_column *from, const uint32_t *rows, size_t n, size_t *counts)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t code = from->codes[rows[i]];
        if (code != TABLE_MISSING) {
            counts[code]++;
            count++;
        }
    }
    return count;
}

static enum rc fit_boolean(const struct table_column *from, const uint32_t *rows, size_t n, struct transform_column *to, struct why *why)
{
    size_t counts[2] = { 0 };
    const size_t count = count_codes(from, rows, n, counts);
    if (count == 0) {
        return no_values(from->name, why);
    }
    if (count < n) {
        to->fill = counts[1] > counts[0] ? 1 : 0;
    }
    return RC_OK;
}

static enum rc fit_category(const struct table_column *from, const uint32_t *rows, size_t n,
                            struct region *region, struct transform_column *to, struct why *why)
{
    AUTO_FREE size_t *counts = mem_array(from->category_count, sizeof(*counts));
    const char **names = region_alloc(region, from->category_count, sizeof(*names));
    if (counts == NULL || names == NULL) {
        return RC_NO_MEMORY;
    }
    const size_t count = count_codes(from, rows, n, counts);
    if (count == 0) {
        return no_values(from->name, why);
    }
    size_t kept = 0, most = 0;
    for (size_t i = 0; i < from->category_count; i++) {
        if (counts[i] == 0) {
            continue;
        }
        names[kept] = region_strdup(region, from->categories[i]);
        if (names[kept] == NULL) {
            return RC_NO_MEMORY;
        }
        if (count < n && counts[i] > most) { /* of equals the first */
            most = counts[i];
            to->fill_category = names[kept];
        }
        kept++;
    }
    to->categories = (struct field_list){ names, kept };
    return RC_OK;
}

static enum rc fit_column(const struct table_column *from, const uint32_t *rows, size_t n,
                          struct region *region, struct transform_column *to, struct why *why)
{
    const double none = (double)NAN;
    *to = (struct transform_column){ .type = (int)from->type, .min = none, .max = none, .mean = none, .std = none, .fill = none };
    to->name = region_strdup(region, from->name);
    if (to->name == NULL) {
        return RC_NO_MEMORY;
    }
    switch (from->type) {
    case COLUMN_NUMBER: return fit_number(from, rows, n, to, why);
    case COLUMN_BOOLEAN: return fit_boolean(from, rows, n, to, why);
    case COLUMN_CATEGORY: return fit_category(from, rows, n, region, to, why);
    case COLUMN_IGNORED: break;
    }
    return RC_INTERNAL;
}

static enum rc copy_missing(const struct field_list *from, struct region *region, struct field_list *to)
{
    const char **texts = region_alloc(region, from->count, sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < from->count; i++) {
        texts[i] = region_strdup(region, ((const char *const *)from->items)[i]);
        if (texts[i] == NULL) {
            return RC_NO_MEMORY;
        }
    }
    *to = (struct field_list){ texts, from->count };
    return texts == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc fit_columns(struct transform *transform, const struct table *table, const char *target,
                           const uint32_t *rows, size_t n, struct why *why)
{
    struct region *region = &transform->region;
    struct transform_column *columns = region_alloc(region, table->column_count, sizeof(*columns));
    struct transform_column **list = region_alloc(region, table->column_count, sizeof(struct transform_column *));
    if (columns == NULL || list == NULL) {
        return RC_NO_MEMORY;
    }
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *from = &table->columns[i];
        if (from->type == COLUMN_IGNORED || strcmp(from->name, target) == 0) {
            continue;
        }
        list[count] = &columns[count];
        const enum rc rc = fit_column(from, rows, n, region, list[count++], why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    transform->file.columns = (struct field_list){ list, count };
    return count > 0 ? RC_OK : why_fail(why, RC_UNPROCESSABLE, "", "there is no column to learn from beside the target");
}

enum rc transform_fit(const struct table *table, const char *target, const uint32_t *rows, size_t n,
                      struct transform **ret, struct why *why)
{
    AUTO_PTR(transform) struct transform *transform = transform_start();
    if (transform == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = copy_missing(&table->missing, &transform->region, &transform->file.missing);
    rc = rc != RC_OK ? rc : fit_columns(transform, table, target, rows, n, why);
    rc = rc != RC_OK ? rc : transform_lay_out(transform, why);
    if (rc == RC_OK) {
        *ret = TAKE(transform);
    }
    return rc;
}
