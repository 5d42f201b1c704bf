/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/doc.h"

#include "tests/check.h"

static void test_doc_parse_refuses(void **state)
{
    static const struct {
        const char *name, *text;
        enum rc rc;
        const char *part;
    } rows[] = {
        { "empty", "", RC_SYNTAX, "line 1" },
        { "truncated", "{\"a\":", RC_SYNTAX, "line 1" },
        { "trailing", "{} x", RC_SYNTAX, "" },
        { "duplicate", "{\"a\":1,\"a\":2}", RC_DUPLICATE_KEY, "a" },
        { "NaN", "[NaN]", RC_SYNTAX, "" },
        { "huge number", "[1e999]", RC_INVALID, "too large" },
        { "huge integer", "[99999999999999999999]", RC_INVALID, "too large" },
        { "bad UTF-8", "[\"\xff\"]", RC_SYNTAX, "" },
        { "lone surrogate", "[\"\\ud800\"]", RC_SYNTAX, "" },
        { "NUL escape", "[\"\\u0000\"]", RC_SYNTAX, "" },
        { "byte order mark", "\xef\xbb\xbf{}", RC_SYNTAX, "" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct doc *doc = NULL;
        struct why why = { 0 };
        const enum rc rc = doc_parse(rows[i].text, strlen(rows[i].text), &doc, &why);
        if (rc != rows[i].rc || doc != NULL) {
            fail_msg("%s: %s (%s)", rows[i].name, rc_name(rc), why.text);
        }
        check_contains(why.text, rows[i].part);
    }
}

/* jansson takes back the character behind a number, and then does not see a NUL again. */
static void test_doc_parse_refuses_nul(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = { { "[1\0,2]", 6 }, { "1\0", 2 }, { "{}\0", 3 }, { "\0{}", 3 }, { "[1,\0]", 5 }, { "\"\0\"", 3 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct doc *doc = NULL;
        struct why why = { 0 };
        check_rc(doc_parse(rows[i].text, rows[i].n, &doc, &why), RC_SYNTAX);
        check_contains(why.text, "NUL");
    }
}

static void test_doc_parse_bounds_depth_and_values(void **state)
{
    char deep[2 * DOC_DEPTH_MAX + 3];
    memset(deep, '[', DOC_DEPTH_MAX + 1);
    memset(deep + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
    struct doc *doc = NULL;
    check_rc(doc_parse(deep, 2 * DOC_DEPTH_MAX + 2, &doc, NULL), RC_TOO_LARGE);
    AUTO(buf) struct buf wide;
    buf_init(&wide, 1 << 20);
    (void)buf_char(&wide, '[');
    for (int i = 0; i <= DOC_VALUES_MAX; i++) {
        (void)buf_text(&wide, "1,");
    }
    (void)buf_text(&wide, "1]");
    check_rc(doc_parse(wide.data, wide.len, &doc, NULL), RC_TOO_LARGE);
}

static void test_doc_write_reads_back_and_sorts(void **state)
{
    static const char text[] = "{\"b\":[1,-2,0.1,1e+300,true,null],\"a\":{\"q\\\"\":\"x\\n\\u0001\"}}";
    AUTO_PTR(doc) struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, NULL), RC_OK);
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
    check_text(out.data, text);
    buf_clear(&out);
    check_rc(doc_write(doc, DOC_CANONICAL, &out), RC_OK);
    check_text(out.data, "{\"a\":{\"q\\\"\":\"x\\n\\u0001\"},\"b\":[1,-2,0.1,1e+300,true,null]}");
}

static void test_doc_write_string_is_valid_whatever_comes(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { NULL, "null" },
        { "", "\"\"" },
        { "a\"\\\n\x01\x7f", "\"a\\\"\\\\\\n\\u0001\\u007f\"" },
        { "\xc3\xa4\xe2\x82\xac", "\"\xc3\xa4\xe2\x82\xac\"" },
        { "a\xff"
          "b\xe2\x82",
          "\"a\\ufffdb\\ufffd\\ufffd\"" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) struct buf out;
        buf_init(&out, 100);
        check_rc(doc_write_string(rows[i].text, &out), RC_OK);
        check_text(out.data, rows[i].want);
        AUTO_PTR(doc) struct doc *doc = NULL;
        check_rc(doc_parse(out.data, out.len, &doc, NULL), RC_OK);
    }
}

/* Numbers come back as the same double, and are written as short as that allows. */
static void test_doc_write_numbers_read_back(void **state)
{
    static const struct {
        double x;
        const char *want;
    } rows[] = {
        { 0.1, "0.1" },
        { 1, "1.0" },
        { -0.0, "-0.0" },
        { 1.0 / 3, "0.3333333333333333" },
        { 5e-324, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 9007199254740993.0, "9007199254740992.0" },
        { (double)NAN, "null" },
        { (double)INFINITY, "null" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(doc) struct doc *doc = doc_new_number(rows[i].x);
        AUTO(buf) struct buf out;
        buf_init(&out, 100);
        check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
        check_text(out.data, rows[i].want);
        AUTO_PTR(doc) struct doc *again = NULL;
        check_rc(doc_parse(out.data, out.len, &again, NULL), RC_OK);
        double x;
        check(doc_number(again, &x) ? x == rows[i].x : !isfinite(rows[i].x));
    }
}

static void test_doc_integer_takes_whole_numbers_only(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "3", true, 3 },
        { "3.0", true, 3 },
        { "1e3", true, 1000 },
        { "-9223372036854775808", true, INT64_MIN },
        { "9007199254740992.0", true, 9007199254740992 },
        { "9007199254740994.0", false, 0 },
        { "1e300", false, 0 },
        { "1.5", false, 0 },
        { "\"3\"", false, 0 },
        { "null", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(doc) struct doc *doc = NULL;
        check_rc(doc_parse(rows[i].text, strlen(rows[i].text), &doc, NULL), RC_OK);
        int64_t n = 0;
        if (doc_integer(doc, &n) != rows[i].good || n != rows[i].value) {
            fail_msg("%s gave %lld", rows[i].text, (long long)n);
        }
    }
}

/* jansson overlooks some failed allocations: the result is the whole document or none. */
static void test_doc_parse_and_write_survive_each_failing_allocation(void **state)
{
    static const char text[] = "{\"name\":\"a string that is longer than sixteen bytes, than thirty-two, and than sixty-four, so that it grows again and again\",\"list\":[1,2.5,{\"x\":null},[],true]}";
    for (long n = 1;; n++) {
        AUTO_PTR(doc) struct doc *doc = NULL;
        AUTO(buf) struct buf out;
        buf_init(&out, 1000);
        struct why why = { 0 };
        mem_fail_at(n);
        enum rc rc = doc_parse(text, strlen(text), &doc, &why);
        rc = rc != RC_OK ? rc : doc_write(doc, DOC_CANONICAL, &out);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 10);
            check_text(out.data, "{\"list\":[1,2.5,{\"x\":null},[],true],\"name\":\"a string that is longer than sixteen bytes, than thirty-two, and than sixty-four, so that it grows again and again\"}");
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

static void test_doc_parse_words_are_printable(void **state)
{
    struct doc *doc = NULL;
    struct why why = { 0 };
    check_rc(doc_parse("[1\x1b[2J]", 7, &doc, &why), RC_SYNTAX);
    check(strchr(why.text, 0x1b) == NULL);
    check_contains(why.text, "line 1");
}

static void test_doc_put_notices_no_memory(void **state)
{
    AUTO_PTR(doc) struct doc *doc = doc_new_object();
    check_rc(doc_put(doc, "a", NULL), RC_NO_MEMORY);
    check_rc(doc_put(NULL, "a", doc_new_integer(1)), RC_NO_MEMORY);
}

CHECK_MAIN("core/base/doc",
           CHECK(test_doc_parse_refuses),
           CHECK(test_doc_parse_refuses_nul),
           CHECK(test_doc_parse_bounds_depth_and_values),
           CHECK(test_doc_write_reads_back_and_sorts),
           CHECK(test_doc_write_string_is_valid_whatever_comes),
           CHECK(test_doc_write_numbers_read_back),
           CHECK(test_doc_integer_takes_whole_numbers_only),
           CHECK(test_doc_parse_and_write_survive_each_failing_allocation),
           CHECK(test_doc_parse_words_are_printable),
           CHECK(test_doc_put_notices_no_memory))
