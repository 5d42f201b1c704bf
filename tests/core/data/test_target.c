/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/target.h"

#include "tests/core/data/sample.h"

static void test_target_finds_the_task(void **state)
{
    static const struct {
        const char *text;
        enum target_task wanted;
        const char *positive;
        enum rc rc;
        const char *json; /* or a part of the words */
    } rows[] = {
        { "x,y\n1,b\n2,a\n3,b\n", TARGET_AUTO, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"a\",\"b\"]}" },
        { "x,y\n1,b\n2,a\n3,b\n", TARGET_AUTO, "a", RC_OK, "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"b\",\"a\"]}" },
        { "x,y\n1,b\n2,a\n3,b\n", TARGET_AUTO, "b", RC_OK, "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"a\",\"b\"]}" },
        { "x,y\n1,b\n2,a\n3,b\n", TARGET_MULTI_CLASS, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"multi_class\",\"classes\":[\"a\",\"b\"]}" },
        { "x,y\n1,b\n2,a\n3,c\n", TARGET_AUTO, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"multi_class\",\"classes\":[\"a\",\"b\",\"c\"]}" },
        { "x,y\n1,yes\n2,no\n", TARGET_AUTO, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"false\",\"true\"]}" },
        { "x,y\n1,1.5\n2,3\n", TARGET_AUTO, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"regression\"}" },
        { "x,y\n1,0\n2,1\n3,-0\n", TARGET_AUTO, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"0\",\"1\"]}" },
        { "x,y\n1,0\n2,1\n", TARGET_REGRESSION, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"regression\"}" },
        { "x,y\n1,2\n2,10\n", TARGET_BINARY, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"2\",\"10\"]}" },
        { "x,y\n1,2\n2,10\n3,0.1\n", TARGET_MULTI_CLASS, NULL, RC_OK, "{\"name\":\"y\",\"task\":\"multi_class\",\"classes\":[\"0.1\",\"2\",\"10\"]}" },
        { "x,y\n1,b\n2,b\n", TARGET_AUTO, NULL, RC_UNPROCESSABLE, "only one class, \"b\"" },
        { "x,y\n1,4\n2,4\n", TARGET_AUTO, NULL, RC_UNPROCESSABLE, "only one value, 4" },
        { "x,y\n1,yes\n2,yes\n", TARGET_AUTO, NULL, RC_UNPROCESSABLE, "only one class, \"true\"" },
        { "x,y\n1,b\n2,NA\n3,a\n", TARGET_AUTO, NULL, RC_UNPROCESSABLE, "1 of 3 rows have no value in the column \"y\"" },
        { "x,y\n1,1\n2,NA\n3,2\n", TARGET_AUTO, NULL, RC_UNPROCESSABLE, "1 of 3 rows have no value in the column \"y\"" },
        { "x,y\n1,b\n2,a\n", TARGET_REGRESSION, NULL, RC_UNPROCESSABLE, "regression is not possible" },
        { "x,y\n1,b\n2,a\n3,c\n", TARGET_BINARY, NULL, RC_UNPROCESSABLE, "has 3 classes, but two" },
        { "x,y\n1,b\n2,a\n", TARGET_AUTO, "c", RC_INVALID, "must be one of the classes \"a\" and \"b\", got \"c\"" },
        { "x,y\n1,b\n2,a\n3,c\n", TARGET_AUTO, "c", RC_UNPROCESSABLE, "only where the target has two classes" },
        { "x,z\n1,b\n2,a\n", TARGET_AUTO, NULL, RC_INVALID, "\"y\" is not a column" },
        { "x,y\n1,NA\n2,NA\n", TARGET_AUTO, NULL, RC_INVALID, "is ignored" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(table) struct table *table = sample_good(rows[i].text);
        AUTO_PTR(target) struct target *target = NULL;
        struct why why = { 0 };
        check_rc(target_create(table, "y", rows[i].wanted, rows[i].positive, &target, &why), rows[i].rc);
        if (rows[i].rc != RC_OK) {
            check_contains(why.text, rows[i].json);
            continue;
        }
        AUTO_PTR(doc) struct doc *doc = target_write(target);
        AUTO(buf) struct buf out;
        buf_init(&out, 1000);
        check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
        check_text(out.data, rows[i].json);
        AUTO_PTR(target) struct target *again = NULL;
        check_ok(target_read(doc, &again, &why), &why);
        check_int(again->task, target->task);
        check_int(again->classes.count, target->classes.count);
    }
}

static struct target *make(const struct table *table, enum target_task task, const char *positive)
{
    struct target *target = NULL;
    struct why why = { 0 };
    check_ok(target_create(table, "y", task, positive, &target, &why), &why);
    return target;
}

static void test_target_values_are_numbers_or_places(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good("y\n10\n2\n0.1\n2\n");
    AUTO_PTR(target) struct target *regression = make(table, TARGET_AUTO, NULL);
    AUTO_PTR(target) struct target *classes = make(table, TARGET_MULTI_CLASS, NULL);
    const uint32_t rows[] = { 3, 0 };
    float y[4];
    check_rc(target_values(regression, table, rows, 2, y, NULL), RC_OK);
    check_all_close("numbers", y, (float[]){ 2, 10 }, 2, 0);
    check_rc(target_values(classes, table, rows, 2, y, NULL), RC_OK);
    check_all_close("places", y, (float[]){ 1, 2 }, 2, 0);
    check_rc(target_values(classes, table, NULL, 4, y, NULL), RC_OK);
    check_all_close("all", y, (float[]){ 2, 1, 0, 1 }, 4, 0);
    uint32_t places[4];
    check_rc(target_classes(classes, table, places, NULL), RC_OK);
    check(places[0] == 2 && places[1] == 1 && places[2] == 0 && places[3] == 1);
}

static void test_target_values_of_another_table(void **state)
{
    AUTO_PTR(table) struct table *table = sample_good("x,y\n1,b\n2,a\n3,c\n");
    AUTO_PTR(target) struct target *target = make(table, TARGET_AUTO, NULL);

    static const struct {
        const char *text;
        enum rc rc;
        const char *part;
        float first, second;
    } rows[] = {
        { "x,y\n1,c\n2,b\n", RC_OK, "", 2, 1 },
        { "y,x\nc,1\na,1\n", RC_OK, "", 2, 0 },
        { "x,y\n1,c\n2,d\n", RC_UNPROCESSABLE, "row 2: \"d\" is not a class", 0, 0 },
        { "x,y\n1,c\n2,?\n", RC_UNPROCESSABLE, "row 2 has no value in the column \"y\"", 0, 0 },
        { "x,y\n1,7\n2,8\n", RC_UNPROCESSABLE, "row 1: \"7\" is not a class", 0, 0 },
        { "x,y\n1,yes\n2,no\n", RC_UNPROCESSABLE, "row 1: \"true\" is not a class", 0, 0 },
        { "x,z\n1,c\n2,b\n", RC_UNPROCESSABLE, "has no column \"y\"", 0, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(table) struct table *other = sample_good(rows[i].text);
        float y[2];
        uint32_t places[2];
        struct why why = { 0 };
        check_rc(target_values(target, other, NULL, 2, y, &why), rows[i].rc);
        check_contains(why.text, rows[i].part);
        check_rc(target_classes(target, other, places, NULL), rows[i].rc);
        if (rows[i].rc == RC_OK) {
            check_all_close("y", y, (float[]){ rows[i].first, rows[i].second }, 2, 0);
        }
    }
}

static void test_target_read_refuses_what_breaks_it(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        { "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"a\",\"b\"]}", RC_OK },
        { "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"a\"]}", RC_INVALID },
        { "{\"name\":\"y\",\"task\":\"binary\",\"classes\":[\"a\",\"a\"]}", RC_INVALID },
        { "{\"name\":\"y\",\"task\":\"binary\"}", RC_INVALID },
        { "{\"name\":\"y\",\"task\":\"multi_class\",\"classes\":[]}", RC_INVALID },
        { "{\"name\":\"y\",\"task\":\"regression\",\"classes\":[\"a\",\"b\"]}", RC_INVALID },
        { "{\"name\":\"y\",\"task\":\"regression\",\"class\":1}", RC_UNKNOWN_KEY },
        { "{\"name\":\"y\",\"task\":\"auto\"}", RC_INVALID },
        { "{\"name\":\"\",\"task\":\"regression\"}", RC_INVALID },
        { "[]", RC_INVALID },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(doc) struct doc *doc = NULL;
        check_rc(doc_parse(rows[i].text, strlen(rows[i].text), &doc, NULL), RC_OK);
        AUTO_PTR(target) struct target *target = NULL;
        check_rc(target_read(doc, &target, NULL), rows[i].rc);
    }
}

static void test_target_refuses_too_many_classes(void **state)
{
    AUTO(buf) struct buf text;
    buf_init(&text, 1 << 20);
    (void)buf_text(&text, "y\n");
    for (int i = 0; i <= TARGET_CLASSES_MAX; i++) {
        (void)buf_printf(&text, "%d\n", i);
    }
    AUTO_PTR(table) struct table *table = sample_good(text.data);
    AUTO_PTR(target) struct target *target = NULL;
    struct why why = { 0 };
    check_rc(target_create(table, "y", TARGET_MULTI_CLASS, NULL, &target, &why), RC_UNPROCESSABLE);
    check_contains(why.text, "more than 1000 different numbers");
    check_rc(target_create(table, "y", TARGET_AUTO, NULL, &target, &why), RC_OK);
}

static void test_target_survives_each_failing_allocation(void **state)
{
    static const char *const texts[] = { "y\na\nb\nc\n", "y\n0\n1\n" };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO_PTR(table) struct table *table = sample_good(texts[i]);
        for (long n = 1;; n++) {
            AUTO_PTR(target) struct target *target = NULL;
            float y[3];
            mem_fail_at(n);
            enum rc rc = target_create(table, "y", TARGET_AUTO, NULL, &target, NULL);
            rc = rc != RC_OK ? rc : target_values(target, table, NULL, table->rows, y, NULL);
            mem_fail_at(0);
            if (rc == RC_OK) {
                check(n > 4);
                break;
            }
            check_rc(rc, RC_NO_MEMORY);
        }
    }
}

CHECK_MAIN("core/data/target",
           CHECK(test_target_finds_the_task),
           CHECK(test_target_values_are_numbers_or_places),
           CHECK(test_target_values_of_another_table),
           CHECK(test_target_read_refuses_what_breaks_it),
           CHECK(test_target_refuses_too_many_classes),
           CHECK(test_target_survives_each_failing_allocation))
