/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/data/profile.h"
#include "core/data/table.h"
#include "core/data/transform.h"
#include "tests/fuzz/fuzz.h"

/*
 * Tables: the first byte cuts, the rest is the file. It goes the way of an
 * upload and of a job: profile, table, transform.
 *
 * What must hold: cutting the file elsewhere changes neither whether it is taken
 * (of two faults in one line either may be named) nor what is known of the columns. What the profile took, the table takes
 * with the same number of rows; its codes and numbers keep their invariants. A
 * transform that was fitted is written, read, and gives the same finite features.
 */

#define TABLE_BYTES (64u << 20)
#define SEEN_MAX    (16u << 20)

static enum rc run_profile(struct profile *profile, const char *text, size_t n, uint32_t seed, struct why *why)
{
    enum rc rc = RC_OK;
    for (size_t at = 0; rc == RC_OK && at < n;) {
        const size_t piece = fuzz_cut(&seed, n - at);
        rc = profile_push(profile, text + at, piece, why);
        at += piece;
    }
    rc = rc == RC_OK ? profile_end(profile, why) : rc;
    MUST(rc == RC_OK || why->text[0] != '\0');
    return rc;
}

static void write_columns(const struct profile *profile, struct buf *out)
{
    const struct field_list *columns = profile_columns(profile);
    buf_init(out, SEEN_MAX);
    for (size_t i = 0; i < columns->count; i++) {
        AUTO_PTR(doc) struct doc *doc = schema_write(&column_schema, column_at(columns, i));
        MUST(doc != NULL && doc_write(doc, DOC_COMPACT, out) == RC_OK);
    }
    MUST(buf_printf(out, "%lld rows", (long long)profile_rows(profile)) == RC_OK);
}

static struct table *read_table(const struct profile *profile, const char *text, size_t n, uint32_t seed)
{
    AUTO_PTR(table_reader) struct table_reader *reader = NULL;
    struct table *table = NULL;
    struct why why = { 0 };
    MUST(table_reader_create(profile_columns(profile), &(struct field_list){ 0 }, TABLE_BYTES, &reader) == RC_OK);
    for (size_t at = 0; at < n;) {
        const size_t piece = fuzz_cut(&seed, n - at);
        MUST(table_reader_push(reader, text + at, piece, &why) == RC_OK);
        at += piece;
    }
    MUST(table_reader_end(reader, &table, &why) == RC_OK);
    MUST(table->rows == (size_t)profile_rows(profile));
    return table;
}

static void check_column(const struct table_column *column, size_t rows)
{
    const size_t codes = column->type == COLUMN_BOOLEAN ? 2 : column->category_count;
    for (size_t i = 0; i < rows && column->type != COLUMN_IGNORED; i++) {
        if (column->type == COLUMN_NUMBER) {
            MUST(!isinf(column->numbers[i]));
        } else {
            MUST(column->codes[i] < codes || column->codes[i] == TABLE_MISSING);
        }
    }
    for (size_t i = 1; i < column->category_count; i++) {
        MUST(strcmp(column->categories[i - 1], column->categories[i]) < 0);
    }
}

static void check_features(const struct transform *transform, const struct transform *again, const struct table *table)
{
    const size_t count = table->rows * transform_features(transform);
    AUTO_FREE float *x = mem_floats(count), *y = mem_floats(count);
    MUST(x != NULL && y != NULL && transform_features(transform) == transform_features(again));
    const enum rc rc = transform_table(transform, table, NULL, table->rows, x, NULL);
    MUST(transform_table(again, table, NULL, table->rows, y, NULL) == rc);
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        MUST(isfinite(x[i]) && memcmp(&x[i], &y[i], sizeof(float)) == 0);
    }
}

static void check_transform(const struct table *table)
{
    AUTO_PTR(transform) struct transform *transform = NULL, *again = NULL;
    AUTO_PTR(doc) struct doc *doc = NULL;
    struct why why = { 0 };
    const char *target = table->columns[table->column_count - 1].name;
    AUTO_FREE uint32_t *all = mem_array(table->rows, sizeof(*all));
    MUST(all != NULL);
    for (size_t i = 0; i < table->rows; i++) {
        all[i] = (uint32_t)i;
    }
    if (transform_fit(table, target, all, table->rows, &transform, &why) != RC_OK) {
        MUST(why.text[0] != '\0');
        return;
    }
    doc = transform_write(transform);
    MUST(doc != NULL && transform_read(doc, &again, &why) == RC_OK);
    check_features(transform, again, table);
}

static void check_taken(const struct profile *whole, const struct profile *pieces, const char *text, size_t n, uint32_t seed)
{
    AUTO(buf) struct buf first, second;
    write_columns(whole, &first);
    write_columns(pieces, &second);
    MUST(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    AUTO_PTR(table) struct table *table = read_table(whole, text, n, seed);
    for (size_t i = 0; i < table->column_count; i++) {
        check_column(&table->columns[i], table->rows);
    }
    check_transform(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint32_t seed = fuzz_byte(&input) + 1u;
    AUTO_FREE char *text = fuzz_bytes(&input);
    AUTO_PTR(profile) struct profile *whole = NULL, *pieces = NULL;
    const struct profile_options options = { 0 };
    struct why why = { 0 }, why_pieces = { 0 };
    MUST(profile_create(&options, &whole) == RC_OK && profile_create(&options, &pieces) == RC_OK);
    const enum rc rc = run_profile(whole, text, input.size, 0, &why);
    MUST((run_profile(pieces, text, input.size, seed, &why_pieces) == RC_OK) == (rc == RC_OK));
    if (rc == RC_OK) {
        check_taken(whole, pieces, text, input.size, seed);
    }
    return 0;
}
