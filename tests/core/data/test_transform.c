/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/transform.h"

#include "core/base/decimal.h"
#include "tests/core/data/sample.h"

static const uint32_t all[64] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static struct transform *fit(const struct table *table, size_t rows)
{
    struct transform *transform = NULL;
    struct why why = { 0 };
    check_ok(transform_fit(table, "y", all, rows, &transform, &why), &why);
    return transform;
}

static char *text_of(const struct transform *transform)
{
    AUTO_PTR(doc) struct doc *doc = transform_write(transform);
    AUTO(buf) struct buf out;
    buf_init(&out, 1 << 20);
    check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
    return buf_take(&out, NULL);
}

/* number with a gap, category, boolean, a constant, the target, an empty column; the last row does not train */
static const char mixed[] = "n,c,b,k,y,e\n"
                            "1,red,yes,5,0,\n"
                            "3,blue,no,5,1,\n"
                            "NA,red,yes,5,2,\n"
                            "9,green,no,6,3,\n";

static void test_transform_fits_on_the_training_rows_alone(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good(mixed);
    AUTO_PTR(transform) struct transform *transform = fit(table, 3);
    AUTO_FREE char *text = text_of(transform);
    check_text(text, "{\"version\":1,\"missing\":[\"\",\"NA\",\"NaN\",\"null\",\"?\"],\"columns\":["
                     "{\"name\":\"n\",\"type\":\"number\",\"min\":1.0,\"max\":3.0,\"mean\":2.0,\"std\":1.0,\"fill\":2.0},"
                     "{\"name\":\"c\",\"type\":\"category\",\"categories\":[\"blue\",\"red\"]},"
                     "{\"name\":\"b\",\"type\":\"boolean\"},"
                     "{\"name\":\"k\",\"type\":\"number\",\"min\":5.0,\"max\":5.0,\"mean\":5.0,\"std\":0.0}]}");
    check_int(transform_features(transform), 5);
    size_t count;
    const struct transform_input *inputs = transform_inputs(transform, &count);
    check_int(count, 4);
    check(inputs[0].fills && !inputs[1].fills && inputs[3].constant);
    check(inputs[1].first == 1 && inputs[1].count == 2 && inputs[2].first == 3);
    size_t index = 0;
    check(transform_input(transform, "b", &index) != NULL && index == 2);
    check(transform_input(transform, "y", NULL) == NULL);
    float x[20];
    struct why why = { 0 };
    check_ok(transform_table(transform, table, all, 4, x, &why), &why);
    const float want[] = {
        -1,
        0,
        1,
        1,
        0,
        1,
        1,
        0,
        0,
        0,
        0,
        0,
        1,
        1,
        0,
        7,
        0,
        0,
        0,
        0,
    };
    check_all_close("x", x, want, 20, 0);
}

static void test_transform_fills_with_the_most_frequent(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good("c,b,y\nx,no,1\nz,yes,2\nz,yes,3\n?,?,4\n");
    AUTO_PTR(transform) struct transform *transform = fit(table, 4);
    float x[12];
    check_rc(transform_table(transform, table, all, 4, x, NULL), RC_OK);
    check_all_close("x", x + 9, (float[]){ 0, 1, 1 }, 3, 0);
    const struct cell cells[] = { { .kind = CELL_MISSING }, { .kind = CELL_TEXT, .text = "NA" } };
    unsigned flags = 0;
    check_rc(transform_record(transform, cells, x, &flags, NULL), RC_OK);
    check_all_close("x", x, (float[]){ 0, 1, 1 }, 3, 0);
    check_int(flags, 0);
}

static void test_transform_fills_with_the_first_of_equals(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good("c,y\nz,1\nx,2\nz,3\nx,4\n?,5\n");
    AUTO_PTR(transform) struct transform *transform = fit(table, 5);
    AUTO_FREE char *text = text_of(transform);
    check_contains(text, "\"fill_category\":\"x\"");
}

#define NUMBER(x)            \
    {                        \
        CELL_NUMBER, x, NULL \
    }
#define BOOLEAN(x)            \
    {                         \
        CELL_BOOLEAN, x, NULL \
    }
#define TEXT(x)         \
    {                   \
        CELL_TEXT, 0, x \
    }
#define MISSING               \
    {                         \
        CELL_MISSING, 0, NULL \
    }

static void test_transform_record_takes_raw_cells(void **state)
{
    static const struct {
        struct cell cells[4];
        enum rc rc;
        float x[5];
        unsigned flags;
        const char *path, *part;
    } rows[] = {
        { { NUMBER(1), TEXT("red"), TEXT("yes"), NUMBER(5) }, RC_OK, { -1, 0, 1, 1, 0 }, 0, "", "" },
        { { TEXT(" +3. "), TEXT("blue"), BOOLEAN(0), NUMBER(5) }, RC_OK, { 1, 1, 0, 0, 0 }, 0, "", "" },
        { { MISSING, TEXT("blue"), BOOLEAN(1), NUMBER(5) }, RC_OK, { 0, 1, 0, 1, 0 }, 0, "", "" },
        { { NUMBER(NAN), TEXT("blue"), NUMBER(1), NUMBER(5) }, RC_OK, { 0, 1, 0, 1, 0 }, 0, "", "" },
        { { TEXT("?"), TEXT("blue"), NUMBER(1), NUMBER(5) }, RC_OK, { 0, 1, 0, 1, 0 }, 0, "", "" },
        { { NUMBER(1), TEXT("green"), TEXT("0"), NUMBER(5) }, RC_OK, { -1, 0, 0, 0, 0 }, TRANSFORM_UNKNOWN_CATEGORY, "", "" },
        { { NUMBER(9), NUMBER(1), TEXT("0"), NUMBER(5) }, RC_OK, { 7, 0, 0, 0, 0 }, TRANSFORM_UNKNOWN_CATEGORY | TRANSFORM_OUT_OF_RANGE, "", "" },
        { { NUMBER(1), BOOLEAN(1), TEXT("0"), NUMBER(4) }, RC_OK, { -1, 0, 0, 0, 0 }, TRANSFORM_UNKNOWN_CATEGORY | TRANSFORM_OUT_OF_RANGE, "", "" },
        { { NUMBER(1), MISSING, TEXT("0"), NUMBER(5) }, RC_INVALID, { 0 }, 0, "c", "is missing, and this model learned no stand-in" },
        { { NUMBER(1), TEXT("red"), MISSING, NUMBER(5) }, RC_INVALID, { 0 }, 0, "b", "is missing" },
        { { NUMBER(1), TEXT("red"), TEXT("maybe"), NUMBER(5) }, RC_INVALID, { 0 }, 0, "b", "must be true or false, got \"maybe\"" },
        { { NUMBER(1), TEXT("red"), NUMBER(2), NUMBER(5) }, RC_INVALID, { 0 }, 0, "b", "must be true or false, got 2" },
        { { TEXT("abc"), TEXT("red"), NUMBER(1), NUMBER(5) }, RC_INVALID, { 0 }, 0, "n", "must be a number of at most 3.4e38 in size, got \"abc\"" },
        { { BOOLEAN(1), TEXT("red"), NUMBER(1), NUMBER(5) }, RC_INVALID, { 0 }, 0, "n", "got true" },
        { { NUMBER(1e39), TEXT("red"), NUMBER(1), NUMBER(5) }, RC_INVALID, { 0 }, 0, "n", "got 1e+39" },
        { { TEXT("1e39"), TEXT("red"), NUMBER(1), NUMBER(5) }, RC_INVALID, { 0 }, 0, "n", "got \"1e39\"" },
        { { NUMBER(INFINITY), TEXT("red"), NUMBER(1), NUMBER(5) }, RC_INVALID, { 0 }, 0, "n", "got inf" },
    };

    AUTO_PTR(table) struct table *table = sample_good(mixed);
    AUTO_PTR(transform) struct transform *transform = fit(table, 3);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        float x[5];
        unsigned flags = 0;
        struct why why = { 0 };
        mem_fail_at(1); /* nothing may be allocated here */
        const enum rc rc = transform_record(transform, rows[i].cells, x, &flags, &why);
        mem_fail_at(0);
        check_rc(rc, rows[i].rc);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
        if (rc == RC_OK) {
            check_all_close("x", x, rows[i].x, 5, 0);
            check_int(flags, rows[i].flags);
        }
    }
}

static void test_transform_refuses_in_words(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        { "y\n1\n2\n3\n", "no column to learn from beside the target" },
        { "y,e\n1,\n2,\n3,\n", "no column to learn from beside the target" },
        { "y,n\n1,NA\n2,NA\n3,5\n", "the column \"n\" has no value in the training rows" },
        { "y,c\n1,NA\n2,NA\n3,x\n", "the column \"c\" has no value in the training rows" },
        { "y,b\n1,NA\n2,NA\n3,no\n", "the column \"b\" has no value in the training rows" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(table) struct table *table = sample_good(rows[i].text);
        AUTO_PTR(transform) struct transform *transform = NULL;
        struct why why = { 0 };
        check_rc(transform_fit(table, "y", all, 2, &transform, &why), RC_UNPROCESSABLE);
        check_contains(why.text, rows[i].part);
    }
}

static void test_transform_table_of_other_columns(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *part;
    } rows[] = {
        { "b,c,n,k\nyes,red,2,5\nno,violet,2,5\n", RC_OK, "" },
        { "b,c,n\nyes,red,2\nno,violet,2\n", RC_UNPROCESSABLE, "lacks the column \"k\"" },
        { "b,c,n,k\nyes,1,2,5\nno,2,2,5\n", RC_UNPROCESSABLE, "\"c\" must be of type category, but the dataset has it as number" },
        { "b,c,n,k\nyes,red,2,5\n?,red,2,5\n", RC_UNPROCESSABLE, "row 2, column \"b\": is missing" },
        { "b,c,n,k\nyes,red,NA,5\nno,red,2,5\n", RC_OK, "" },
    };

    AUTO_PTR(table) struct table *table = sample_good(mixed);
    AUTO_PTR(transform) struct transform *transform = fit(table, 3);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(table) struct table *other = sample_good(rows[i].text);
        float x[10];
        struct why why = { 0 };
        check_rc(transform_table(transform, other, all, 2, x, &why), rows[i].rc);
        check_contains(why.text, rows[i].part);
        if (rows[i].rc == RC_OK) {
            check_all_close("x", x, (float[]){ 0, 0, 1, 1, 0 }, 5, 0);
        }
    }
}

static void test_transform_is_the_same_after_reading_back(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good("n,c,b,y\n0.1,red,yes,0\n0.7,bl\xc3\xbc,no,1\nNA,red,?,2\n");
    AUTO_PTR(transform) struct transform *transform = fit(table, 3);
    AUTO_FREE char *text = text_of(transform);
    AUTO_PTR(doc) struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, NULL), RC_OK);
    AUTO_PTR(transform) struct transform *again = NULL;
    struct why why = { 0 };
    check_ok(transform_read(doc, &again, &why), &why);
    AUTO_FREE char *second = text_of(again);
    check_text(second, text);
    float x[12], x_again[12];
    check_rc(transform_table(transform, table, all, 3, x, NULL), RC_OK);
    check_rc(transform_table(again, table, NULL, 3, x_again, NULL), RC_OK);
    check_bytes(x, x_again, sizeof(x));
}

#define FILE_OF(columns) "{\"version\":1,\"missing\":[],\"columns\":[" columns "]}"
#define GOOD_NUMBER      "\"type\":\"number\",\"min\":0,\"max\":1,\"mean\":0.5,\"std\":0.5"

static void test_transform_read_refuses_what_breaks_it(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *path;
    } rows[] = {
        { FILE_OF("{\"name\":\"a\"," GOOD_NUMBER "}"), RC_OK, "" },
        { "{\"version\":2,\"more\":[]}", RC_UNSUPPORTED, "version" },
        { "{\"missing\":[],\"columns\":[]}", RC_INVALID, "version" },
        { FILE_OF(""), RC_INVALID, "columns" },
        { FILE_OF("{\"name\":\"a\"," GOOD_NUMBER "},{\"name\":\"a\"," GOOD_NUMBER "}"), RC_INVALID, "columns" },
        { FILE_OF("{\"name\":\"a\"," GOOD_NUMBER ",\"extra\":1}"), RC_UNKNOWN_KEY, "columns[0].extra" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"ignored\"}"), RC_INVALID, "columns[0].type" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"number\",\"min\":0,\"max\":1,\"mean\":0}"), RC_INVALID, "columns[0]" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"number\",\"min\":0,\"max\":1,\"mean\":0,\"std\":-1}"), RC_INVALID, "columns[0]" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"number\",\"min\":2,\"max\":1,\"mean\":0,\"std\":1}"), RC_INVALID, "columns[0]" },
        { FILE_OF("{\"name\":\"a\"," GOOD_NUMBER ",\"categories\":[\"x\"]}"), RC_INVALID, "columns[0]" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"category\"}"), RC_INVALID, "columns[0].categories" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"category\",\"categories\":[\"b\",\"a\"]}"), RC_INVALID, "columns[0].categories" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"category\",\"categories\":[\"a\",\"a\"]}"), RC_INVALID, "columns[0].categories" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"category\",\"categories\":[\"a\"],\"fill_category\":\"b\"}"), RC_INVALID, "columns[0].fill_category" },
        { FILE_OF("{\"name\":\"a\",\"type\":\"boolean\",\"fill\":0.5}"), RC_INVALID, "columns[0]" },
        { "[]", RC_INVALID, "" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(doc) struct doc *doc = NULL;
        check_rc(doc_parse(rows[i].text, strlen(rows[i].text), &doc, NULL), RC_OK);
        AUTO_PTR(transform) struct transform *transform = NULL;
        struct why why = { 0 };
        check_rc(transform_read(doc, &transform, &why), rows[i].rc);
        check_text(why.path, rows[i].path);
    }
}

/* A std so small that a far number leaves the floats. */
static void test_transform_refuses_what_no_float_holds(void **state)
{
    static const char text[] = FILE_OF("{\"name\":\"a\",\"type\":\"number\",\"min\":0,\"max\":1e-30,\"mean\":0,\"std\":1e-30}");
    AUTO_PTR(doc) struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, NULL), RC_OK);
    AUTO_PTR(transform) struct transform *transform = NULL;
    check_rc(transform_read(doc, &transform, NULL), RC_OK);
    const struct cell cell = NUMBER(1e30);
    float x;
    unsigned flags = 0;
    struct why why = { 0 };
    check_rc(transform_record(transform, &cell, &x, &flags, &why), RC_INVALID);
    check_contains(why.text, "nearer to those of the training data");
    AUTO_PTR(table) struct table *table = sample_good("a,y\n1e30,1\n1,2\n");
    check_rc(transform_table(transform, table, all, 1, &x, &why), RC_UNPROCESSABLE);
    check_contains(why.text, "row 1, column \"a\": 1e+30 is too far");
}

/* Columns of the real tables have mean 0 and std 1 afterwards, and a record gives what the table gave. */
static void test_transform_standardises_the_real_tables(void **state)
{
    static const struct {
        const char *file, *target;
        size_t features;
    } rows[] = {
        { "breast_cancer.csv", "diagnosis", 30 },
        { "iris.csv", "species", 4 },
        { "wine.csv", "cultivar", 13 },
        { "digits.csv", "digit", 64 },
        { "diabetes.csv", "progression", 10 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) struct buf text;
        buf_init(&text, 1 << 20);
        sample_file(rows[i].file, &text);
        AUTO_PTR(table) struct table *table = sample_good(text.data);
        AUTO_FREE uint32_t *order = mem_array(table->rows, sizeof(*order));
        for (size_t r = 0; r < table->rows; r++) {
            order[r] = (uint32_t)r;
        }
        AUTO_PTR(transform) struct transform *transform = NULL;
        struct why why = { 0 };
        check_ok(transform_fit(table, rows[i].target, order, table->rows, &transform, &why), &why);
        const size_t features = transform_features(transform);
        check_int(features, rows[i].features);
        AUTO_FREE float *x = mem_floats(table->rows * features);
        check_ok(transform_table(transform, table, order, table->rows, x, &why), &why);
        size_t count;
        const struct transform_input *inputs = transform_inputs(transform, &count);
        for (size_t f = 0; f < features; f++) {
            double sum = 0, squares = 0;
            for (size_t r = 0; r < table->rows; r++) {
                sum += (double)x[r * features + f];
                squares += (double)x[r * features + f] * (double)x[r * features + f];
            }
            check_close(sum / (double)table->rows, 0, 1e-6);
            check_close(squares / (double)table->rows, inputs[f].constant ? 0 : 1, 1e-5);
        }
        struct cell cells[64];
        float record[64];
        unsigned flags = 0;
        for (size_t f = 0; f < features; f++) {
            cells[f] = (struct cell){ .kind = CELL_NUMBER, .number = (double)table_column(table, inputs[f].name)->numbers[17] };
        }
        check_ok(transform_record(transform, cells, record, &flags, &why), &why);
        check_bytes(record, x + 17 * features, features * sizeof(float));
        check_int(flags, 0);
    }
}

static void test_transform_survives_each_failing_allocation(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good(mixed);
    for (long n = 1;; n++) {
        AUTO_PTR(transform) struct transform *transform = NULL;
        AUTO_PTR(transform) struct transform *again = NULL;
        AUTO_PTR(doc) struct doc *doc = NULL;
        float x[20];
        mem_fail_at(n);
        enum rc rc = transform_fit(table, "y", all, 3, &transform, NULL);
        rc = rc != RC_OK ? rc : transform_table(transform, table, all, 4, x, NULL);
        if (rc == RC_OK) {
            doc = transform_write(transform);
            rc = doc == NULL ? RC_NO_MEMORY : transform_read(doc, &again, NULL);
        }
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 7);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

CHECK_MAIN("core/data/transform",
           CHECK(test_transform_fits_on_the_training_rows_alone),
           CHECK(test_transform_fills_with_the_most_frequent),
           CHECK(test_transform_fills_with_the_first_of_equals),
           CHECK(test_transform_record_takes_raw_cells),
           CHECK(test_transform_refuses_in_words),
           CHECK(test_transform_table_of_other_columns),
           CHECK(test_transform_is_the_same_after_reading_back),
           CHECK(test_transform_read_refuses_what_breaks_it),
           CHECK(test_transform_refuses_what_no_float_holds),
           CHECK(test_transform_standardises_the_real_tables),
           CHECK(test_transform_survives_each_failing_allocation))
