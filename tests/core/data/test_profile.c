/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/profile.h"

#include "core/data/csv.h"
#include "tests/core/data/sample.h"

/* The columns as JSON: what is compared. */
static char *columns_text(const struct profile *profile)
{
    AUTO_PTR(doc) struct doc *list = doc_new_list();
    for (size_t i = 0; i < profile_columns(profile)->count; i++) {
        check_rc(doc_add(list, schema_write(&column_schema, column_at(profile_columns(profile), i))), RC_OK);
    }
    AUTO(buf) struct buf out;
    buf_init(&out, 1 << 20);
    check_rc(doc_write(list, DOC_COMPACT, &out), RC_OK);
    return buf_take(&out, NULL);
}

static void test_profile_finds_types_and_statistics(void **state)
{
    static const struct {
        const char *text, *columns;
    } rows[] = {
        { "a\n1\n2\n3\n", "[{\"name\":\"a\",\"type\":\"number\",\"missing\":0,\"distinct\":3,\"min\":1.0,\"max\":3.0,\"mean\":2.0,\"std\":0.816496580927726}]" },
        { "a\n+4\n 4. \n.4e1\nNA\n", "[{\"name\":\"a\",\"type\":\"number\",\"missing\":1,\"distinct\":1,\"min\":4.0,\"max\":4.0,\"mean\":4.0,\"std\":0.0}]" },
        { "a\n0\n-0\n1\n", "[{\"name\":\"a\",\"type\":\"number\",\"missing\":0,\"distinct\":2,\"min\":0.0,\"max\":1.0,\"mean\":0.3333333333333333,\"std\":0.4714045207910317}]" },
        { "a\ntrue\nNO\n1\nyes\n", "[{\"name\":\"a\",\"type\":\"boolean\",\"missing\":0,\"distinct\":2,\"mean\":0.75}]" },
        { "a\nb\n\na\n?\nb\n", "[{\"name\":\"a\",\"type\":\"category\",\"missing\":2,\"distinct\":2,\"categories\":[\"a\",\"b\"]}]" },
        { "a\n1\n2\nx\n", "[{\"name\":\"a\",\"type\":\"category\",\"missing\":0,\"distinct\":3,\"categories\":[\"1\",\"2\",\"x\"]}]" },
        { "a\n0x10\ninf\nnan\n", "[{\"name\":\"a\",\"type\":\"category\",\"missing\":0,\"distinct\":3,\"categories\":[\"0x10\",\"inf\",\"nan\"]}]" },
        { "a\nNA\n\n", "[{\"name\":\"a\",\"type\":\"ignored\",\"missing\":2,\"distinct\":0}]" },
        { "a,b\n=cmd|' /C calc'!A0,1\n=x,2\n", "[{\"name\":\"a\",\"type\":\"category\",\"missing\":0,\"distinct\":2,"
                                               "\"categories\":[\"=cmd|' /C calc'!A0\",\"=x\"]},"
                                               "{\"name\":\"b\",\"type\":\"number\",\"missing\":0,\"distinct\":2,\"min\":1.0,\"max\":2.0,\"mean\":1.5,\"std\":0.5}]" },
        { "a\n1e309\nx\n", "[{\"name\":\"a\",\"type\":\"category\",\"missing\":0,\"distinct\":2,\"categories\":[\"1e309\",\"x\"]}]" },
        { "a\n1e-60\n", "[{\"name\":\"a\",\"type\":\"number\",\"missing\":0,\"distinct\":1,\"min\":0.0,\"max\":0.0,\"mean\":0.0,\"std\":0.0}]" },
    };
    const struct profile_options options = { 0 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 20; piece += 3) {
            AUTO_PTR(profile) struct profile *profile = NULL;
            struct why why = { 0 };
            check_ok(sample_profile(rows[i].text, strlen(rows[i].text), piece, &options, &profile, &why), &why);
            AUTO_FREE char *columns = columns_text(profile);
            check_text(columns, rows[i].columns);
        }
    }
}

static struct column_choice number = { COLUMN_NUMBER };
static struct column_choice category = { COLUMN_CATEGORY };
static struct column_choice boolean = { COLUMN_BOOLEAN };
static struct column_choice ignored = { COLUMN_IGNORED };

static void test_profile_refuses_in_words(void **state)
{
    static const struct {
        const char *text;
        struct column_choice *choice; /* of column b */
        enum rc rc;
        const char *part;
    } rows[] = {
        { "a,b\n", NULL, RC_UNPROCESSABLE, "no rows" },
        { "a,b\n1,2\n1\n", NULL, RC_INVALID, "line 3 has 1 fields" },
        { "a,b\n1,2\n1,1e309\n", NULL, RC_INVALID, "line 3, column \"b\": the number is too large" },
        { "a,b\n1,3.5e38\n", NULL, RC_INVALID, "line 2, column \"b\": the number is too large" },
        { "a,b\n1,2\n1,x\n", &number, RC_INVALID, "line 3, column \"b\": must be a number, got \"x\"" },
        { "a,b\n1,inf\n", &number, RC_INVALID, "must be a number, got \"inf\"" },
        { "a,b\n1,1e39\n", &number, RC_INVALID, "too large" },
        { "a,b\n1,2\n", &boolean, RC_INVALID, "line 2, column \"b\": must be true, false, yes, no, 1 or 0, got \"2\"" },
        { "a,c\n1,2\n", &number, RC_INVALID, "\"b\" is not a column of the file" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *keys[] = { "b" };
        struct column_choice *values[] = { rows[i].choice };
        const struct profile_options options = { .columns = { keys, values, rows[i].choice == NULL ? 0 : 1 } };
        AUTO_PTR(profile) struct profile *profile = NULL;
        struct why why = { 0 };
        check_rc(sample_profile(rows[i].text, strlen(rows[i].text), 5, &options, &profile, &why), rows[i].rc);
        check_contains(why.text, rows[i].part);
    }
}

static void test_profile_holds_to_the_users_types(void **state)
{
    const char *keys[] = { "d", "c", "b", "a" };
    struct column_choice *values[] = { &ignored, &boolean, &category, &number };
    const char *missing[] = { "-" };
    const struct profile_options options = { { keys, values, 4 }, { missing, 1 } };
    const char text[] = "a,b,c,d\n-,1,1,5\n-,2,0,x\n";
    AUTO_PTR(profile) struct profile *profile = NULL;
    struct why why = { 0 };
    check_ok(sample_profile(text, strlen(text), 3, &options, &profile, &why), &why);
    AUTO_FREE char *columns = columns_text(profile);
    check_text(columns, "[{\"name\":\"a\",\"type\":\"number\",\"missing\":2},"
                        "{\"name\":\"b\",\"type\":\"category\",\"missing\":0,\"distinct\":2,\"categories\":[\"1\",\"2\"]},"
                        "{\"name\":\"c\",\"type\":\"boolean\",\"missing\":0,\"distinct\":2,\"mean\":0.5},"
                        "{\"name\":\"d\",\"type\":\"ignored\",\"missing\":0}]");
}

/* n rows of "<prefix><i>" in one column. */
static char *many_texts(size_t n, const char *prefix)
{
    AUTO(buf) struct buf out;
    buf_init(&out, 64u << 20);
    check_rc(buf_text(&out, "b\n"), RC_OK);
    for (size_t i = 0; i < n; i++) {
        check_rc(buf_printf(&out, "%s%zu\n%s%zu\n", prefix, i, prefix, i), RC_OK);
    }
    return buf_take(&out, NULL);
}

static void test_profile_ignores_free_text_and_identifiers(void **state)
{
    static const struct {
        size_t n;
        const char *prefix;
        struct column_choice *choice;
        enum rc rc;
        enum column_type type;
        int64_t distinct;
    } rows[] = {
        { 1000, "x", NULL, RC_OK, COLUMN_CATEGORY, 1000 },
        { 1001, "x", NULL, RC_OK, COLUMN_IGNORED, FIELD_ABSENT },
        { 1000, "x", &category, RC_OK, COLUMN_CATEGORY, 1000 },
        { 1001, "x", &category, RC_INVALID, COLUMN_IGNORED, 0 },
        { 200000, "", NULL, RC_OK, COLUMN_NUMBER, 200000 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_FREE char *text = many_texts(rows[i].n, rows[i].prefix);
        const char *keys[] = { "b" };
        struct column_choice *values[] = { rows[i].choice };
        const struct profile_options options = { .columns = { keys, values, rows[i].choice == NULL ? 0 : 1 } };
        AUTO_PTR(profile) struct profile *profile = NULL;
        struct why why = { 0 };
        check_rc(sample_profile(text, strlen(text), 1000, &options, &profile, &why), rows[i].rc);
        if (rows[i].rc == RC_OK) {
            check_int(column_at(profile_columns(profile), 0)->type, rows[i].type);
            check_int(column_at(profile_columns(profile), 0)->distinct, rows[i].distinct);
        } else {
            check_contains(why.text, "at most 1000 different texts");
        }
    }
    AUTO(buf) struct buf names;
    buf_init(&names, 10000);
    (void)buf_text(&names, "name,x\n");
    for (int i = 0; i < 30; i++) {
        (void)buf_printf(&names, "n%d,%d\n", i, i);
    }
    AUTO_PTR(profile) struct profile *profile = NULL;
    const struct profile_options options = { 0 };
    check_rc(sample_profile(names.data, names.len, 100, &options, &profile, NULL), RC_OK);
    check_int(column_at(profile_columns(profile), 0)->type, COLUMN_IGNORED);
    check_int(column_at(profile_columns(profile), 1)->type, COLUMN_NUMBER);
}

/* 80 columns of 1000 categories: each may, all together may not. */
static void test_profile_bounds_the_categories_of_all_columns(void **state)
{
    for (size_t columns = 65; columns <= 80; columns += 15) {
        AUTO(buf) struct buf text;
        buf_init(&text, 4u << 20);
        for (size_t row = 0; row <= 2 * COLUMN_CATEGORIES_MAX; row++) {
            for (size_t c = 0; c < columns; c++) {
                (void)buf_printf(&text, "%sx%zu", c == 0 ? "" : ",", row == 0 ? c : row % COLUMN_CATEGORIES_MAX);
            }
            (void)buf_char(&text, '\n');
        }
        check_rc(text.failed, RC_OK);
        const struct profile_options options = { 0 };
        AUTO_PTR(profile) struct profile *profile = NULL;
        struct why why = { 0 };
        check_rc(sample_profile(text.data, text.len, 65536, &options, &profile, &why), columns == 65 ? RC_OK : RC_TOO_LARGE);
        check_contains(why.text, columns == 65 ? "" : "hold 80000 categories together");
    }
}

static void test_profile_reads_the_real_tables(void **state)
{
    static const struct {
        const char *file;
        int64_t rows;
        size_t columns;
        const char *target;
        enum column_type type;
        int64_t distinct;
        const char *number; /* one column, with what numpy says of it */
        double min, max, mean, std;
    } rows[] = {
        { "breast_cancer.csv", 569, 31, "diagnosis", COLUMN_CATEGORY, 2, "mean_radius", 6.981, 28.11, 14.127291739894552, 3.5209507607101896 },
        { "iris.csv", 150, 5, "species", COLUMN_CATEGORY, 3, "sepal_length", 4.3, 7.9, 5.843333333333334, 0.8253012917851409 },
        { "wine.csv", 178, 14, "cultivar", COLUMN_CATEGORY, 3, "alcohol", 11.03, 14.83, 13.00061797752809, 0.8095429145285168 },
        { "digits.csv", 1797, 65, "digit", COLUMN_NUMBER, 10, "pixel_0_2", 0, 16, 5.204785754034502, 4.753503165476307 },
        { "diabetes.csv", 442, 11, "progression", COLUMN_NUMBER, 214, "age", 19, 79, 48.51809954751131, 13.094190207980025 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) struct buf text;
        buf_init(&text, 1 << 20);
        sample_file(rows[i].file, &text);
        const struct profile_options options = { 0 };
        AUTO_PTR(profile) struct profile *profile = NULL;
        AUTO_PTR(profile) struct profile *bytewise = NULL;
        struct why why = { 0 };
        check_ok(sample_profile(text.data, text.len, 4096, &options, &profile, &why), &why);
        check_ok(sample_profile(text.data, text.len, 1, &options, &bytewise, &why), &why);
        AUTO_FREE char *one = columns_text(profile);
        AUTO_FREE char *two = columns_text(bytewise);
        check_text(one, two);
        check_int(profile_rows(profile), rows[i].rows);
        check_int(profile_columns(profile)->count, rows[i].columns);
        const struct column *target = column_find(profile_columns(profile), rows[i].target, NULL);
        check_int(target->type, rows[i].type);
        check_int(target->distinct, rows[i].distinct);
        const struct column *number_column = column_find(profile_columns(profile), rows[i].number, NULL);
        check_close(number_column->min, rows[i].min, 1e-5);
        check_close(number_column->max, rows[i].max, 1e-5);
        check_close(number_column->mean, rows[i].mean, 1e-5);
        check_close(number_column->std, rows[i].std, 1e-5);
    }
}

static void test_profile_survives_each_failing_allocation(void **state)
{
    const char text[] = "a,b,c\n1,x,yes\n2,y,no\nNA,z,yes\n";
    const struct profile_options options = { 0 };
    for (long n = 1;; n++) {
        AUTO_PTR(profile) struct profile *profile = NULL;
        mem_fail_at(n);
        const enum rc rc = sample_profile(text, strlen(text), 10, &options, &profile, NULL);
        mem_fail_at(0);
        if (rc == RC_OK && n > 20) {
            return;
        }
        check(rc == RC_NO_MEMORY || rc == RC_OK);
        check(n < 200);
    }
}

CHECK_MAIN("core/data/profile",
           CHECK(test_profile_finds_types_and_statistics),
           CHECK(test_profile_refuses_in_words),
           CHECK(test_profile_holds_to_the_users_types),
           CHECK(test_profile_ignores_free_text_and_identifiers),
           CHECK(test_profile_bounds_the_categories_of_all_columns),
           CHECK(test_profile_reads_the_real_tables),
           CHECK(test_profile_survives_each_failing_allocation))
