/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/data/csv.h"

#define CLASS_BYTES_MAX  COLUMN_CATEGORY_BYTES_MAX
#define REGION_BYTES_MAX (1u << 20)

static const char *const tasks[] = { "binary", "multi_class", "regression", NULL };
static const struct field class_item = { .name = "", .kind = FIELD_STRING, .max = CLASS_BYTES_MAX };
static const struct field target_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct target, name), .flags = FIELD_REQUIRED, .min = 1, .max = CSV_NAME_BYTES_MAX, .about = "The column that is predicted." },
    { .name = "task", .kind = FIELD_CHOICE, .offset = offsetof(struct target, task), .flags = FIELD_REQUIRED, .choices = tasks, .about = "What is predicted of it." },
    { .name = "classes", .kind = FIELD_LIST, .offset = offsetof(struct target, classes), .max = TARGET_CLASSES_MAX, .item = &class_item, .about = "In the order of the outputs; binary: the negative and the positive class." },
    { .name = NULL },
};
const struct schema target_schema = { "Target", "What a model predicts.", sizeof(struct target), target_fields, false };

const char *target_class(const struct target *target, size_t i)
{
    return ((const char *const *)target->classes.items)[i];
}

void target_destroy(struct target *target)
{
    if (target != NULL) {
        region_finish(&target->_region);
        mem_free(target);
    }
}

static struct target *start(void)
{
    struct target *target = mem_alloc(sizeof(*target));
    if (target != NULL) {
        region_init(&target->_region, REGION_BYTES_MAX);
    }
    return target;
}

static size_t count_missing(const struct table_column *column, size_t rows)
{
    size_t missing = 0;
    for (size_t i = 0; i < rows; i++) {
        missing += column->type == COLUMN_NUMBER ? isnan(column->numbers[i]) : column->codes[i] == TABLE_MISSING;
    }
    return missing;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The distinct numbers in order; more than TARGET_CLASSES_MAX: only that many and one. */
static enum rc distinct_numbers(const struct table_column *column, size_t rows, float *values, size_t *ret_count)
{
    AUTO_FREE float *sorted = mem_array(rows, sizeof(*sorted));
    if (sorted == NULL) {
        return RC_NO_MEMORY;
    }
    memcpy(sorted, column->numbers, rows * sizeof(*sorted));
    qsort(sorted, rows, sizeof(*sorted), by_value);
    size_t count = 0;
    for (size_t i = 0; i < rows && count <= TARGET_CLASSES_MAX; i++) {
        if (i == 0 || sorted[i] > sorted[i - 1]) {
            values[count++] = sorted[i];
        }
    }
    *ret_count = count;
    return RC_OK;
}

/* The shortest text that reads back as the same float; whole numbers without an exponent. */
static char *number_name(struct region *region, float value)
{
    char text[32] = "";
    float back = NAN;
    if (fabsf(value) < 1e9f && truncf(value) == value) {
        (void)snprintf(text, sizeof(text), "%.0f", (double)(value + 0.0f)); /* -0 becomes 0 */
        return region_strdup(region, text);
    }
    for (int digits = 1; digits <= 9 && !(back == value); digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)value); /* 9 digits are always enough */
        (void)decimal_to_float(text, strlen(text), &back);
    }
    return region_strdup(region, text);
}

static enum rc name_numbers(struct target *target, const float *values, size_t count)
{
    const char **names = region_alloc(&target->_region, count, sizeof(*names));
    if (names == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = number_name(&target->_region, values[i]);
        if (names[i] == NULL) {
            return RC_NO_MEMORY;
        }
    }
    target->classes = (struct field_list){ names, count };
    return RC_OK;
}

/* Categories that occur, in their order; a boolean's are false and true. */
static enum rc name_codes(struct target *target, const struct table_column *column, size_t rows)
{
    static const char *const words[] = { "false", "true" };
    const char *const *from = column->type == COLUMN_BOOLEAN ? words : column->categories;
    const size_t known = column->type == COLUMN_BOOLEAN ? 2 : column->category_count;
    AUTO_FREE bool *seen = mem_array(known, sizeof(*seen));
    const char **names = region_alloc(&target->_region, known, sizeof(*names));
    if (seen == NULL || names == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < rows; i++) {
        seen[column->codes[i]] = true;
    }
    size_t count = 0;
    for (size_t i = 0; i < known; i++) {
        if (seen[i]) {
            names[count] = region_strdup(&target->_region, from[i]);
            if (names[count++] == NULL) {
                return RC_NO_MEMORY;
            }
        }
    }
    target->classes = (struct field_list){ names, count };
    return RC_OK;
}

/* Is it to be regression? Numbers are, unless classes were asked for or only 0 and 1 occur. */
static bool is_regression(enum target_task wanted, const float *values, size_t count)
{
    const bool zero_one = count == 2 && values[0] == 0.0f && values[1] == 1.0f;
    return wanted == TARGET_REGRESSION || (wanted == TARGET_AUTO && !zero_one);
}

static enum rc read_numbers(struct target *target, const struct table_column *column, size_t rows, enum target_task wanted, struct why *why)
{
    AUTO_FREE float *values = mem_array(TARGET_CLASSES_MAX + 1, sizeof(*values));
    size_t count = 0;
    if (values == NULL || distinct_numbers(column, rows, values, &count) != RC_OK) {
        return RC_NO_MEMORY;
    }
    if (count == 1) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "has only one value, %.6g: there is nothing to learn", (double)values[0]);
    }
    if (is_regression(wanted, values, count)) {
        target->task = TARGET_REGRESSION;
        return RC_OK;
    }
    if (count > TARGET_CLASSES_MAX) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "holds more than %d different numbers: too many to be classes; use a loss for regression", TARGET_CLASSES_MAX);
    }
    return name_numbers(target, values, count);
}

/* Puts the named class second of two. */
static enum rc place_positive(struct target *target, const char *positive, struct why *why)
{
    if (positive == NULL) {
        return RC_OK;
    }
    char quote[COLUMN_QUOTE_BYTES], one[COLUMN_QUOTE_BYTES], two[COLUMN_QUOTE_BYTES];
    if (target->task != TARGET_BINARY) {
        return why_fail(why, RC_UNPROCESSABLE, "positive", "has a meaning only where the target has two classes");
    }
    const char **names = target->classes.items;
    const char *first = names[0];
    if (strcmp(positive, first) != 0 && strcmp(positive, names[1]) != 0) {
        return why_fail(why, RC_INVALID, "positive", "must be one of the classes \"%s\" and \"%s\", got \"%s\"",
                        column_quote(names[0], one), column_quote(names[1], two), column_quote(positive, quote));
    }
    if (strcmp(positive, names[0]) == 0) {
        names[0] = names[1];
        names[1] = first;
    }
    return RC_OK;
}

/* The task that the classes allow. */
static enum rc choose_task(struct target *target, enum target_task wanted, struct why *why)
{
    const size_t count = target->classes.count;
    char quote[COLUMN_QUOTE_BYTES];
    if (target->task == TARGET_REGRESSION) {
        return RC_OK;
    }
    if (count < 2) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "has only one class, \"%s\": there is nothing to learn", column_quote(target_class(target, 0), quote));
    }
    if (wanted == TARGET_REGRESSION) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "holds classes, not numbers: regression is not possible");
    }
    if (wanted == TARGET_BINARY && count != 2) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "has %zu classes, but two are needed for a binary decision", count);
    }
    target->task = wanted != TARGET_AUTO ? (int)wanted : count == 2 ? TARGET_BINARY
                                                                    : TARGET_MULTI_CLASS;
    return RC_OK;
}

static enum rc find_column(const struct table *table, const char *name, const struct table_column **ret, struct why *why)
{
    char quote[COLUMN_QUOTE_BYTES];
    const struct table_column *column = table_column(table, name);
    if (column == NULL) {
        return why_fail(why, RC_INVALID, "target", "\"%s\" is not a column of the dataset", column_quote(name, quote));
    }
    if (column->type == COLUMN_IGNORED) {
        return why_fail(why, RC_INVALID, "target", "the column \"%s\" is ignored; give it a type", column_quote(name, quote));
    }
    const size_t missing = count_missing(column, table->rows);
    if (missing > 0) {
        return why_fail(why, RC_UNPROCESSABLE, "target", "%zu of %zu rows have no value in the column \"%s\"", missing, table->rows, column_quote(name, quote));
    }
    *ret = column;
    return RC_OK;
}

static enum rc fill(struct target *target, const struct table *table, enum target_task wanted, const char *positive, struct why *why)
{
    const struct table_column *column = NULL;
    enum rc rc = find_column(table, target->name, &column, why);
    if (rc != RC_OK) {
        return rc;
    }
    rc = column->type == COLUMN_NUMBER
             ? read_numbers(target, column, table->rows, wanted, why)
             : name_codes(target, column, table->rows);
    rc = rc != RC_OK ? rc : choose_task(target, wanted, why);
    return rc != RC_OK ? rc : place_positive(target, positive, why);
}

enum rc target_create(const struct table *table, const char *name, enum target_task task, const char *positive,
                      struct target **ret, struct why *why)
{
    AUTO_PTR(target) struct target *target = start();
    if (target == NULL) {
        return RC_NO_MEMORY;
    }
    target->task = TARGET_AUTO;
    target->name = region_strdup(&target->_region, name);
    if (target->name == NULL) {
        return RC_NO_MEMORY;
    }
    const enum rc rc = fill(target, table, task, positive, why);
    if (rc == RC_OK) {
        *ret = TAKE(target);
    }
    return rc;
}

struct doc *target_write(const struct target *target)
{
    return schema_write(&target_schema, target);
}

/* What the field table cannot say: how many classes a task has, and that no two are the same. */
static enum rc check(const struct target *target, struct why *why)
{
    const size_t count = target->classes.count;
    const bool fits = target->task == TARGET_REGRESSION ? count == 0 : target->task == TARGET_BINARY ? count == 2
                                                                                                     : count >= 2;
    if (!fits) {
        return why_fail(why, RC_INVALID, "classes", "%zu classes do not fit the task \"%s\"", count, tasks[target->task]);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(target_class(target, i), target_class(target, j)) == 0) {
                return why_fail(why, RC_INVALID, "classes", "two are the same");
            }
        }
    }
    return RC_OK;
}

enum rc target_read(const struct doc *doc, struct target **ret, struct why *why)
{
    AUTO_PTR(target) struct target *target = start();
    if (target == NULL) {
        return RC_NO_MEMORY;
    }
    enum rc rc = schema_read(&target_schema, doc, &target->_region, target, why);
    rc = rc != RC_OK ? rc : check(target, why);
    if (rc == RC_OK) {
        *ret = TAKE(target);
    }
    return rc;
}
