/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/table.h"

#include "tests/core/data/sample.h"

static void test_table_holds_numbers_codes_and_missing(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good("n,c,b,e\n1.5,y,no,NA\nNA,x,yes,NA\n-2,,?,NA\n");
    check_int(table->rows, 3);
    const float *n = table_column(table, "n")->numbers;
    check_close((double)n[0], 1.5, 0);
    check(isnan(n[1]));
    check_close((double)n[2], -2, 0);
    const struct table_column *c = table_column(table, "c");
    check_int(c->category_count, 2);
    check_text(c->categories[c->codes[0]], "y");
    check_text(c->categories[c->codes[1]], "x");
    check_int(c->codes[2], TABLE_MISSING);
    const uint32_t *b = table_column(table, "b")->codes;
    check(b[0] == 0 && b[1] == 1 && b[2] == TABLE_MISSING);
    check(table_column(table, "e")->type == COLUMN_IGNORED && table_column(table, "e")->codes == NULL);
    check(table_column(table, "f") == NULL);
}

static void test_table_refuses_what_the_columns_do_not_allow(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *part;
    } rows[] = {
        { "a,b\n1,x\n", RC_OK, "" },
        { "a,b\n1,z\n", RC_INVALID, "line 2, column \"b\": \"z\" is not a value of this category column" },
        { "a,b\n1,x\nq,x\n", RC_INVALID, "line 3, column \"a\": \"q\" is not a value of this number column" },
        { "a,c\n1,x\n", RC_INVALID, "column 2 is not the expected one" },
        { "a\n1\n", RC_INVALID, "the header has 1 columns, expected 2" },
        { "a,b\n", RC_UNPROCESSABLE, "no rows" },
    };
    const struct profile_options options = { 0 };
    AUTO_PTR(profile) struct profile *profile = NULL;
    check_rc(sample_profile("a,b\n1,x\n2,y\n", 12, 12, &options, &profile, NULL), RC_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(table_reader) struct table_reader *reader = NULL;
        check_rc(table_reader_create(profile_columns(profile), &options.missing, 1000, &reader), RC_OK);
        AUTO_PTR(table) struct table *table = NULL;
        struct why why = { 0 };
        enum rc rc = table_reader_push(reader, rows[i].text, strlen(rows[i].text), &why);
        rc = rc != RC_OK ? rc : table_reader_end(reader, &table, &why);
        check_rc(rc, rows[i].rc);
        check_contains(why.text, rows[i].part);
    }
}

static void test_table_stops_at_its_bytes(void **state)
{
    const char text[] = "a,b\n1,2\n3,4\n5,6\n";
    const struct profile_options options = { 0 };
    struct why why = { 0 };
    AUTO_PTR(table) struct table *table = NULL;
    check_rc(sample_table(text, strlen(text), 3, &options, 23, &table, &why), RC_TOO_LARGE);
    check_contains(why.text, "more than 2 rows: it does not fit 23 bytes");
    check_rc(sample_table(text, strlen(text), 3, &options, 24, &table, &why), RC_OK);
}

static void test_table_reads_the_real_tables(void **state)
{
    static const char *const files[] = { "breast_cancer.csv", "iris.csv", "wine.csv", "digits.csv", "diabetes.csv" };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        AUTO(buf) struct buf text;
        buf_init(&text, 1 << 20);
        sample_file(files[i], &text);
        const struct profile_options options = { 0 };
        AUTO_PTR(table) struct table *table = NULL;
        AUTO_PTR(table) struct table *bytewise = NULL;
        struct why why = { 0 };
        check_ok(sample_table(text.data, text.len, 4096, &options, 1 << 24, &table, &why), &why);
        check_ok(sample_table(text.data, text.len, 1, &options, 1 << 24, &bytewise, &why), &why);
        check_int(bytewise->rows, table->rows);
        for (size_t c = 0; c < table->column_count; c++) {
            const bool number = table->columns[c].type == COLUMN_NUMBER;
            check_bytes(number ? (void *)table->columns[c].numbers : table->columns[c].codes,
                        number ? (void *)bytewise->columns[c].numbers : bytewise->columns[c].codes, table->rows * 4);
        }
    }
}

static void test_table_survives_each_failing_allocation(void **state)
{
    const char text[] = "a,b,c\n1,x,yes\n2,y,no\nNA,z,yes\n";
    const struct profile_options options = { 0 };
    for (long n = 1;; n++) {
        AUTO_PTR(table) struct table *table = NULL;
        mem_fail_at(n);
        const enum rc rc = sample_table(text, strlen(text), 10, &options, 1000, &table, NULL);
        mem_fail_at(0);
        if (rc == RC_OK && n > 40) {
            return;
        }
        check(rc == RC_NO_MEMORY || rc == RC_OK);
        check(n < 300);
    }
}

CHECK_MAIN("core/data/table",
           CHECK(test_table_holds_numbers_codes_and_missing),
           CHECK(test_table_refuses_what_the_columns_do_not_allow),
           CHECK(test_table_stops_at_its_bytes),
           CHECK(test_table_reads_the_real_tables),
           CHECK(test_table_survives_each_failing_allocation))
