/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/transform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/data/transform_codec.h"

size_t transform_features(const struct transform *transform)
{
    return transform->features;
}

const struct transform_input *transform_inputs(const struct transform *transform, size_t *ret_count)
{
    *ret_count = transform->file.columns.count;
    return transform->inputs;
}

static int has_name(const void *name, const void *item)
{
    return strcmp(name, (*(const struct transform_input *const *)item)->name);
}

const struct transform_input *transform_input(const struct transform *transform, const char *name, size_t *ret_index)
{
    const struct transform_input **found = bsearch(name, transform->by_name, transform->file.columns.count, sizeof(*found), has_name);
    if (found != NULL && ret_index != NULL) {
        *ret_index = (size_t)(*found - transform->inputs);
    }
    return found == NULL ? NULL : *found;
}

/* The feature of a number; false: so far from the training data that no float holds it. */
static bool put_number(const struct transform_input *input, double value, float *x)
{
    *x = input->constant ? 0.0f : (float)((value - input->_mean) / input->_std);
    return isfinite(*x);
}

/* place == category_count: unknown, all zeros. */
static void put_category(const struct transform_input *input, size_t place, float *x)
{
    memset(x, 0, input->count * sizeof(*x));
    if (place < input->category_count) {
        x[place] = 1.0f;
    }
}

static int by_text(const void *text, const void *item)
{
    return strcmp(text, *(const char *const *)item);
}

/* category_count: unknown. */
static size_t find_category(const struct transform_input *input, const char *text)
{
    const char **found = bsearch(text, input->categories, input->category_count, sizeof(*found), by_text);
    return found == NULL ? input->category_count : (size_t)(found - input->categories);
}

/* ---- one record */

static enum rc wrong_cell(const struct transform_input *input, const struct cell *cell, const char *wanted, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    switch (cell->kind) {
    case CELL_TEXT: return why_fail(why, RC_INVALID, input->name, "must be %s, got \"%s\"", wanted, column_quote(cell->text, quote));
    case CELL_NUMBER: return why_fail(why, RC_INVALID, input->name, "must be %s, got %.9g", wanted, cell->number);
    case CELL_BOOLEAN: return why_fail(why, RC_INVALID, input->name, "must be %s, got %s", wanted, cell->number != 0 ? "true" : "false");
    case CELL_MISSING: break;
    }
    return why_fail(why, RC_INVALID, input->name, "must be %s, got no value", wanted);
}

static enum rc fill_cell(const struct transform_input *input, float *x, struct why *why)
{
    if (!input->fills) {
        return why_fail(why, RC_INVALID, input->name, "is missing, and this model learned no stand-in for it");
    }
    if (input->type == COLUMN_CATEGORY) {
        put_category(input, input->_fill_place, x);
    } else if (input->type == COLUMN_BOOLEAN) {
        *x = (float)input->_fill;
    } else if (!put_number(input, input->_fill, x)) { /* only from a file that somebody wrote by hand */
        return why_fail(why, RC_INVALID, input->name, "is filled with a number too far from those of the training data");
    }
    return RC_OK;
}

static enum rc take_number(const struct transform_input *input, const struct cell *cell, float *x, unsigned *flags, struct why *why)
{
    float value = (float)cell->number;
    const bool read = cell->kind == CELL_NUMBER || (cell->kind == CELL_TEXT && decimal_to_float(cell->text, strlen(cell->text), &value));
    if (!read || !isfinite(value)) {
        return wrong_cell(input, cell, "a number of at most 3.4e38 in size", why);
    }
    if (!put_number(input, (double)value, x)) {
        return wrong_cell(input, cell, "a number nearer to those of the training data", why);
    }
    if ((double)value < input->min || (double)value > input->max) {
        *flags |= TRANSFORM_OUT_OF_RANGE;
    }
    return RC_OK;
}

static enum rc take_boolean(const struct transform_input *input, const struct cell *cell, float *x, struct why *why)
{
    bool yes = cell->number != 0;
    const bool read = cell->kind == CELL_TEXT ? column_to_boolean(cell->text, &yes) : cell->number == 0 || cell->number == 1;
    *x = yes ? 1.0f : 0.0f;
    return read ? RC_OK : wrong_cell(input, cell, "true or false", why);
}

static void take_category(const struct transform_input *input, const struct cell *cell, float *x, unsigned *flags)
{
    char number[32];
    const char *text = cell->text;
    if (cell->kind == CELL_BOOLEAN) {
        text = cell->number != 0 ? "true" : "false";
    } else if (cell->kind == CELL_NUMBER) {
        (void)snprintf(number, sizeof(number), "%.15g", cell->number); /* as a file would have it; fits */
        text = number;
    }
    const size_t place = find_category(input, text);
    put_category(input, place, x);
    if (place == input->category_count) {
        *flags |= TRANSFORM_UNKNOWN_CATEGORY;
    }
}

/* NaN, null and the tokens of the training data. A token that is a category of its own cannot be. */
static bool is_missing(const struct transform *transform, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_MISSING: return true;
    case CELL_NUMBER: return isnan(cell->number);
    case CELL_TEXT: return column_is_missing(&transform->file.missing, cell->text);
    case CELL_BOOLEAN: break;
    }
    return false;
}

enum rc transform_record(const struct transform *transform, const struct cell *cells,
                         float *x, unsigned *flags, struct why *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < transform->file.columns.count; i++) {
        const struct transform_input *input = &transform->inputs[i];
        float *to = x + input->first;
        if (is_missing(transform, &cells[i])) {
            rc = fill_cell(input, to, why);
        } else if (input->type == COLUMN_NUMBER) {
            rc = take_number(input, &cells[i], to, flags, why);
        } else if (input->type == COLUMN_BOOLEAN) {
            rc = take_boolean(input, &cells[i], to, why);
        } else {
            take_category(input, &cells[i], to, flags);
        }
    }
    return rc;
}

/* ---- a table */

/* places[code of the table] = the input's category. */
static enum rc map_codes(const struct transform_input *input, const struct table_column *from, size_t **ret)
{
    size_t *places = mem_array(from->category_count, sizeof(*places));
    if (places == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < from->category_count; i++) {
        places[i] = find_category(input, from->categories[i]);
    }
    *ret = places;
    return RC_OK;
}

static enum rc find_source(const struct transform_input *input, const struct table *table, const struct table_column **ret, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    const struct table_column *from = table_column(table, input->name);
    if (from == NULL) {
        return why_fail(why, RC_UNPROCESSABLE, "", "the dataset lacks the column \"%s\"", column_quote(input->name, quote));
    }
    if (from->type != input->type) {
        return why_fail(why, RC_UNPROCESSABLE, "", "the column \"%s\" must be of type %s, but the dataset has it as %s",
                        column_quote(input->name, quote), column_types[input->type], column_types[from->type]);
    }
    *ret = from;
    return RC_OK;
}

static enum rc fill_row(const struct transform_input *input, size_t row, float *x, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    struct why inner = { 0 };
    return fill_cell(input, x, &inner) == RC_OK
               ? RC_OK
               : why_fail(why, RC_UNPROCESSABLE, "", "row %zu, column \"%s\": %s", row + 1, column_quote(input->name, quote), inner.text);
}

/* One input for all rows; x already points to its first feature. */
static enum rc apply_column(const struct transform_input *input, const struct table_column *from, const size_t *places,
                            const uint32_t *rows, size_t n, size_t features, float *x, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    for (size_t i = 0; i < n; i++, x += features) {
        const size_t row = rows == NULL ? i : rows[i];
        const bool missing = input->type == COLUMN_NUMBER ? isnan(from->numbers[row]) : from->codes[row] == TABLE_MISSING;
        if (missing) {
            const enum rc rc = fill_row(input, row, x, why);
            if (rc != RC_OK) {
                return rc;
            }
        } else if (input->type == COLUMN_CATEGORY) {
            put_category(input, places[from->codes[row]], x);
        } else if (input->type == COLUMN_BOOLEAN) {
            *x = (float)from->codes[row];
        } else if (!put_number(input, (double)from->numbers[row], x)) {
            return why_fail(why, RC_UNPROCESSABLE, "", "row %zu, column \"%s\": %.6g is too far from the training data", row + 1,
                            column_quote(input->name, quote), (double)from->numbers[row]);
        }
    }
    return RC_OK;
}

enum rc transform_table(const struct transform *transform, const struct table *table, const uint32_t *rows, size_t n,
                        float *x, struct why *why)
{
    for (size_t i = 0; i < transform->file.columns.count; i++) {
        const struct transform_input *input = &transform->inputs[i];
        const struct table_column *from = NULL;
        AUTO_FREE size_t *places = NULL;
        enum rc rc = find_source(input, table, &from, why);
        if (rc == RC_OK && input->type == COLUMN_CATEGORY) {
            rc = map_codes(input, from, &places);
        }
        rc = rc != RC_OK ? rc : apply_column(input, from, places, rows, n, transform->features, x + input->first, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    return RC_OK;
}
