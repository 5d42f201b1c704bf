/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/transform_codec.h"

#include <stdlib.h>
#include <string.h>

#include "core/data/csv.h"

#define REGION_BYTES_MAX (512u << 20) /* 4096 columns of 1000 categories */

static const char *const types[] = { "number", "category", "boolean", NULL }; /* as enum column_type */
static const struct field text_item = { .name = "", .kind = FIELD_STRING, .max = COLUMN_CATEGORY_BYTES_MAX };
static const struct field column_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct transform_column, name), .flags = FIELD_REQUIRED, .min = 1, .max = CSV_NAME_BYTES_MAX, .about = "As in the header of the training data." },
    { .name = "type", .kind = FIELD_CHOICE, .offset = offsetof(struct transform_column, type), .flags = FIELD_REQUIRED, .choices = types, .about = "What its cells hold." },
    { .name = "min", .kind = FIELD_NUMBER, .offset = offsetof(struct transform_column, min), .about = "Of the training rows." },
    { .name = "max", .kind = FIELD_NUMBER, .offset = offsetof(struct transform_column, max), .about = "Of the training rows." },
    { .name = "mean", .kind = FIELD_NUMBER, .offset = offsetof(struct transform_column, mean), .about = "Of the training rows." },
    { .name = "std", .kind = FIELD_NUMBER, .offset = offsetof(struct transform_column, std), .about = "Of the training rows, over n; 0: constant." },
    { .name = "fill", .kind = FIELD_NUMBER, .offset = offsetof(struct transform_column, fill), .about = "Stands in for a missing number or boolean." },
    { .name = "fill_category", .kind = FIELD_STRING, .offset = offsetof(struct transform_column, fill_category), .max = COLUMN_CATEGORY_BYTES_MAX, .about = "Stands in for a missing category." },
    { .name = "categories", .kind = FIELD_LIST, .offset = offsetof(struct transform_column, categories), .max = COLUMN_CATEGORIES_MAX, .item = &text_item, .about = "Of the training rows, in the order of their bytes." },
    { .name = NULL },
};
static const struct schema column_table = { "TransformColumn", "One input of a model.", sizeof(struct transform_column), column_fields, false };
static const struct field column_row = { .name = "", .kind = FIELD_OBJECT, .schema = &column_table };
static const struct field file_fields[] = {
    { .name = "version", .kind = FIELD_INTEGER, .offset = offsetof(struct transform_file, version), .flags = FIELD_REQUIRED, .min = 1, .max = 1e6, .about = "Of this form." },
    { .name = "missing", .kind = FIELD_LIST, .offset = offsetof(struct transform_file, missing), .flags = FIELD_REQUIRED, .max = COLUMN_MISSING_TOKENS_MAX, .item = &column_missing_item, .about = "Texts that stand for no value." },
    { .name = "columns", .kind = FIELD_LIST, .offset = offsetof(struct transform_file, columns), .flags = FIELD_REQUIRED, .min = 1, .max = CSV_COLUMNS_MAX, .item = &column_row, .about = "The inputs, in the order of the table." },
    { .name = NULL },
};
const struct schema transform_schema = { "Transforms", "From raw columns to features.", sizeof(struct transform_file), file_fields, false };

struct transform *transform_start(void)
{
    struct transform *transform = mem_alloc(sizeof(*transform));
    if (transform != NULL) {
        region_init(&transform->region, REGION_BYTES_MAX);
        transform->file.version = TRANSFORM_VERSION;
    }
    return transform;
}

void transform_destroy(struct transform *transform)
{
    if (transform != NULL) {
        region_finish(&transform->region);
        mem_free(transform);
    }
}

static enum rc check_number(const struct transform_column *column, struct why *why)
{
    if (isnan(column->min) || isnan(column->max) || isnan(column->mean) || isnan(column->std)) {
        return why_fail(why, RC_INVALID, "", "a number needs min, max, mean and std");
    }
    if (column->std < 0 || column->min > column->max) {
        return why_fail(why, RC_INVALID, "", "std must not be negative, nor min above max");
    }
    return column->categories.count == 0 && column->fill_category == NULL
               ? RC_OK
               : why_fail(why, RC_INVALID, "", "a number has no categories");
}

/* Sorted, no two the same; *ret_fill is the place of fill_category, or their count. */
static enum rc check_category(const struct transform_column *column, size_t *ret_fill, struct why *why)
{
    const char *const *names = column->categories.items;
    size_t fill = column->categories.count;
    if (fill == 0) {
        return why_fail(why, RC_INVALID, "categories", "must not be empty");
    }
    for (size_t i = 0; i < column->categories.count; i++) {
        if (i > 0 && strcmp(names[i - 1], names[i]) >= 0) {
            return why_fail(why, RC_INVALID, "categories", "must be in the order of their bytes, no two the same");
        }
        fill = column->fill_category != NULL && strcmp(names[i], column->fill_category) == 0 ? i : fill;
    }
    if (column->fill_category != NULL && fill == column->categories.count) {
        return why_fail(why, RC_INVALID, "fill_category", "must be one of the categories");
    }
    *ret_fill = fill;
    return RC_OK;
}

static enum rc check_boolean(const struct transform_column *column, struct why *why)
{
    const bool fits = isnan(column->fill) || column->fill == 0 || column->fill == 1;
    return fits && column->categories.count == 0 && column->fill_category == NULL
               ? RC_OK
               : why_fail(why, RC_INVALID, "", "a boolean is filled with 0 or 1 and has no categories");
}

static enum rc check_column(const struct transform_column *column, size_t *ret_fill, struct why *why)
{
    switch ((enum column_type)column->type) {
    case COLUMN_NUMBER: return check_number(column, why);
    case COLUMN_CATEGORY: return check_category(column, ret_fill, why);
    case COLUMN_BOOLEAN: return check_boolean(column, why);
    case COLUMN_IGNORED: break;
    }
    return why_fail(why, RC_INVALID, "type", "an ignored column is no input");
}

static struct transform_input make_input(const struct transform_column *column, size_t first, size_t fill)
{
    return (struct transform_input){
        .name = column->name,
        .type = (enum column_type)column->type,
        .first = first,
        .count = column->type == COLUMN_CATEGORY ? column->categories.count : 1,
        .fills = column->type == COLUMN_CATEGORY ? column->fill_category != NULL : !isnan(column->fill),
        .constant = column->type == COLUMN_NUMBER && !(column->std > 0),
        .categories = column->categories.items,
        .category_count = column->categories.count,
        .min = column->min,
        .max = column->max,
        ._mean = column->mean,
        ._std = column->std,
        ._fill = column->fill,
        ._fill_place = fill,
    };
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct transform_input *const *)a)->name, (*(const struct transform_input *const *)b)->name);
}

/* Sorts the inputs by name; no two may have the same. */
static enum rc sort_names(struct transform *transform, struct why *why)
{
    const size_t count = transform->file.columns.count;
    transform->by_name = region_alloc(&transform->region, count, sizeof(*transform->by_name));
    if (transform->by_name == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        transform->by_name[i] = &transform->inputs[i];
    }
    qsort(transform->by_name, count, sizeof(*transform->by_name), by_name);
    for (size_t i = 1; i < count; i++) {
        if (by_name(&transform->by_name[i - 1], &transform->by_name[i]) == 0) {
            return why_fail(why, RC_INVALID, "columns", "two have the same name");
        }
    }
    return RC_OK;
}

enum rc transform_lay_out(struct transform *transform, struct why *why)
{
    const struct field_list *columns = &transform->file.columns;
    transform->inputs = region_alloc(&transform->region, columns->count, sizeof(*transform->inputs));
    if (transform->inputs == NULL) {
        return RC_NO_MEMORY;
    }
    size_t features = 0;
    for (size_t i = 0; i < columns->count; i++) {
        const struct transform_column *column = ((struct transform_column *const *)columns->items)[i];
        size_t fill = 0;
        const enum rc rc = check_column(column, &fill, why);
        if (rc != RC_OK) {
            return why_under(why, rc, "columns[%zu]", i);
        }
        transform->inputs[i] = make_input(column, features, fill);
        features += transform->inputs[i].count;
        if (features > TRANSFORM_FEATURES_MAX) {
            return why_fail(why, RC_TOO_LARGE, "columns", "they make more than %d features: categories count one each; set columns with many to \"ignored\"",
                            TRANSFORM_FEATURES_MAX);
        }
    }
    transform->features = features;
    return sort_names(transform, why);
}

struct doc *transform_write(const struct transform *transform)
{
    return schema_write(&transform_schema, &transform->file);
}

enum rc transform_read(const struct doc *doc, struct transform **ret, struct why *why)
{
    AUTO_PTR(transform) struct transform *transform = transform_start();
    if (transform == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = RC_OK;
    if (doc_get_integer(doc, "version", TRANSFORM_VERSION) != TRANSFORM_VERSION) { /* before a newer form's keys are complained of */
        rc = why_fail(why, RC_UNSUPPORTED, "version", "must be %d", TRANSFORM_VERSION);
    }
    rc = rc != RC_OK ? rc : schema_read(&transform_schema, doc, &transform->region, &transform->file, why);
    rc = rc != RC_OK ? rc : transform_lay_out(transform, why);
    if (rc == RC_OK) {
        *ret = TAKE(transform);
    }
    return rc;
}
