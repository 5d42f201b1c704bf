/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/profile.h"

#include <stdio.h>
#include <string.h>

#include "core/data/csv.h"
#include "core/data/tally.h"

#define RESULT_BYTES_MAX (PROFILE_TEXT_BYTES_MAX + (64u << 20)) /* the texts again, and all else */

struct profile {
    struct csv *csv;
    struct profile_options options;
    struct region region; /* names and results */
    const char **names;
    struct tally *tallies;
    size_t count;
    struct tally_budget budget;
    int64_t rows;
    struct field_list columns;
};

/* The user's choice for a column; -1: none. */
static int chosen_type(const struct field_map *choices, const char *name)
{
    struct column_choice *const *values = choices->values;
    for (size_t i = 0; i < choices->count; i++) {
        if (strcmp(choices->keys[i], name) == 0) {
            return values[i]->type;
        }
    }
    return -1;
}

static bool is_name(const struct csv_row *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->fields[i].text, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum rc on_header(void *arg, const struct csv_row *names, struct why *why)
{
    struct profile *profile = arg;
    const struct field_map *choices = &profile->options.columns;
    char quote[COLUMN_QUOTE_BYTES];
    for (size_t i = 0; i < choices->count; i++) {
        if (!is_name(names, choices->keys[i])) {
            return why_fail(why, RC_INVALID, "columns", "\"%s\" is not a column of the file", column_quote(choices->keys[i], quote));
        }
    }
    profile->names = region_alloc(&profile->region, names->count, sizeof(*profile->names));
    profile->tallies = mem_array(names->count, sizeof(*profile->tallies));
    if (profile->names == NULL || profile->tallies == NULL) {
        return RC_NO_MEMORY;
    }
    for (; profile->count < names->count; profile->count++) {
        const char *name = names->fields[profile->count].text;
        tally_init(&profile->tallies[profile->count], chosen_type(choices, name));
        profile->names[profile->count] = region_strdup(&profile->region, name);
        if (profile->names[profile->count] == NULL) {
            return RC_NO_MEMORY;
        }
    }
    return RC_OK;
}

/* Puts the place in front of the words: line 5, column "age": ... */
static enum rc at_place(struct why *why, enum rc rc, int64_t line, const char *name)
{
    if (why == NULL || rc == RC_NO_MEMORY) {
        return rc;
    }
    char quote[COLUMN_QUOTE_BYTES], words[WHY_TEXT_MAX];
    (void)snprintf(words, sizeof(words), "%s", why->text); /* as long as its source */
    return why_fail(why, rc, "", "line %lld, column \"%s\": %s", (long long)line, column_quote(name, quote), words);
}

static enum rc on_row(void *arg, const struct csv_row *row, struct why *why)
{
    struct profile *profile = arg;
    if (profile->rows == PROFILE_ROWS_MAX) {
        return why_fail(why, RC_TOO_LARGE, "", "the table has more than %d rows", PROFILE_ROWS_MAX);
    }
    profile->rows++;
    for (size_t i = 0; i < row->count; i++) {
        const struct csv_field *cell = &row->fields[i];
        if (column_is_missing(&profile->options.missing, cell->text)) {
            profile->tallies[i].missing++;
            continue;
        }
        const enum rc rc = tally_add(&profile->tallies[i], cell->text, cell->n, row->line, &profile->budget, why);
        if (rc != RC_OK) {
            return at_place(why, rc, row->line, profile->names[i]);
        }
    }
    return RC_OK;
}

enum rc profile_create(const struct profile_options *options, struct profile **ret)
{
    AUTO_PTR(profile) struct profile *profile = mem_alloc(sizeof(*profile));
    if (profile == NULL) {
        return RC_NO_MEMORY;
    }
    region_init(&profile->region, RESULT_BYTES_MAX);
    profile->options = *options;
    if (options->missing.items == NULL) {
        profile->options.missing = column_missing_default;
    }
    profile->budget = (struct tally_budget){ PROFILE_TEXT_BYTES_MAX, PROFILE_DISTINCT_BYTES_MAX };
    const struct csv_events events = { on_header, on_row, profile };
    const enum rc rc = csv_create(&events, &profile->csv);
    if (rc != RC_OK) {
        return rc;
    }
    *ret = TAKE(profile);
    return RC_OK;
}

enum rc profile_push(struct profile *profile, const void *bytes, size_t n, struct why *why)
{
    return csv_push(profile->csv, bytes, n, why);
}

static enum rc describe(struct profile *profile, struct why *why)
{
    struct column *columns = region_alloc(&profile->region, profile->count, sizeof(*columns));
    struct column **list = region_alloc(&profile->region, profile->count, sizeof(struct column *));
    size_t categories = 0;
    if (columns == NULL || list == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < profile->count; i++) {
        const struct tally *tally = &profile->tallies[i];
        if (tally->overflow_line > 0 && tally_type(tally) == COLUMN_NUMBER) {
            (void)why_fail(why, RC_INVALID, "", TALLY_TOO_LARGE);
            return at_place(why, RC_INVALID, tally->overflow_line, profile->names[i]);
        }
        const enum rc rc = tally_describe(tally, profile->names[i], &profile->region, &columns[i]);
        if (rc != RC_OK) {
            return rc;
        }
        list[i] = &columns[i];
        categories += columns[i].categories.count;
    }
    if (categories > PROFILE_CATEGORIES_MAX) {
        return why_fail(why, RC_TOO_LARGE, "", "its columns hold %zu categories together, at most %d are allowed; set columns with many to \"ignored\"",
                        categories, PROFILE_CATEGORIES_MAX);
    }
    profile->columns = (struct field_list){ list, profile->count };
    return RC_OK;
}

enum rc profile_end(struct profile *profile, struct why *why)
{
    const enum rc rc = csv_end(profile->csv, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (profile->rows == 0) {
        return why_fail(why, RC_UNPROCESSABLE, "", "the table has a header but no rows");
    }
    return describe(profile, why);
}

int64_t profile_rows(const struct profile *profile)
{
    return profile->rows;
}

const struct field_list *profile_columns(const struct profile *profile)
{
    return &profile->columns;
}

void profile_destroy(struct profile *profile)
{
    if (profile == NULL) {
        return;
    }
    for (size_t i = 0; i < profile->count; i++) {
        tally_finish(&profile->tallies[i], &profile->budget);
    }
    mem_free(profile->tallies);
    csv_destroy(profile->csv);
    region_finish(&profile->region);
    mem_free(profile);
}
