/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/column.h"

#include <string.h>
#include <strings.h>

#include "core/data/csv.h"

const char *const column_types[] = { "number", "category", "boolean", "ignored", NULL };

static const struct field category_item = { .name = "", .kind = FIELD_STRING, .max = COLUMN_CATEGORY_BYTES_MAX };

static const struct field column_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct column, name), .flags = FIELD_REQUIRED, .min = 1, .max = CSV_NAME_BYTES_MAX, .about = "As in the header of the file." },
    { .name = "type", .kind = FIELD_CHOICE, .offset = offsetof(struct column, type), .flags = FIELD_REQUIRED, .choices = column_types, .about = "What its cells hold." },
    { .name = "missing", .kind = FIELD_INTEGER, .offset = offsetof(struct column, missing), .flags = FIELD_REQUIRED, .max = 1e15, .about = "Rows without a value." },
    { .name = "distinct", .kind = FIELD_INTEGER, .offset = offsetof(struct column, distinct), .max = 1e15, .about = "Values that differ; absent: more than were counted." },
    { .name = "min", .kind = FIELD_NUMBER, .offset = offsetof(struct column, min), .about = "The least number." },
    { .name = "max", .kind = FIELD_NUMBER, .offset = offsetof(struct column, max), .about = "The greatest number." },
    { .name = "mean", .kind = FIELD_NUMBER, .offset = offsetof(struct column, mean), .about = "Of the rows with a value; of a boolean: the share of true." },
    { .name = "std", .kind = FIELD_NUMBER, .offset = offsetof(struct column, std), .about = "Standard deviation over n of the rows with a value." },
    { .name = "categories", .kind = FIELD_LIST, .offset = offsetof(struct column, categories), .max = COLUMN_CATEGORIES_MAX, .item = &category_item, .about = "The texts of a category column, in the order of their bytes." },
    { .name = NULL },
};
const struct schema column_schema = { "Column", "A column of a table and its statistics.", sizeof(struct column), column_fields, false };
const struct field column_item = { .name = "", .kind = FIELD_OBJECT, .schema = &column_schema };

static const char *const default_tokens[] = { "", "NA", "NaN", "null", "?" };
const struct field_list column_missing_default = { (void *)default_tokens, COUNT_OF(default_tokens) };
const char column_missing_fallback[] = "[\"\",\"NA\",\"NaN\",\"null\",\"?\"]";
const struct field column_missing_item = { .name = "", .kind = FIELD_STRING, .max = 64 };

static const struct field choice_fields[] = {
    { .name = "type", .kind = FIELD_CHOICE, .offset = offsetof(struct column_choice, type), .flags = FIELD_REQUIRED, .choices = column_types, .about = "The type that the column must have." },
    { .name = NULL },
};
const struct schema column_choice_schema = { "ColumnChoice", "What the user says of a column.", sizeof(struct column_choice), choice_fields, false };
const struct field column_choice_item = { .name = "", .kind = FIELD_OBJECT, .schema = &column_choice_schema };

const struct column *column_at(const struct field_list *columns, size_t i)
{
    return ((struct column *const *)columns->items)[i];
}

const struct column *column_find(const struct field_list *columns, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(column_at(columns, i)->name, name) == 0) {
            if (ret_index != NULL) {
                *ret_index = i;
            }
            return column_at(columns, i);
        }
    }
    return NULL;
}

bool column_is_missing(const struct field_list *tokens, const char *text)
{
    const char *const *token = tokens->items;
    for (size_t i = 0; i < tokens->count; i++) {
        if (token[i][0] == text[0] && strcmp(token[i], text) == 0) {
            return true;
        }
    }
    return false;
}

bool column_to_boolean(const char *text, bool *ret)
{
    static const char *const words[] = { "false", "true", "no", "yes", "0", "1" };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret = i % 2 != 0;
            return true;
        }
    }
    return false;
}

const char *column_quote(const char *text, char out[COLUMN_QUOTE_BYTES])
{
    size_t n = strlen(text);
    const bool cut = n > 40;
    for (n = cut ? 40 : n; cut && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--) {
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    }
    memcpy(out + n, cut ? "..." : "", cut ? 4 : 1);
    return out;
}
