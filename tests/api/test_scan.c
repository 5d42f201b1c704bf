/* SPDX-License-Identifier: Apache-2.0 */
#include "api/scan.h"

#include "core/base/doc.h"
#include "tests/check.h"

/* Reads a copy on the heap of exactly this size, so that a step beyond its end is seen. */
static enum rc skip_text(const char *text, size_t n, struct why *why)
{
    AUTO_FREE char *copy = mem_alloc(n);
    memcpy(copy, text, n);
    struct scan scan;
    scan_init(&scan, copy, n);
    const enum rc rc = scan_skip(&scan, why);
    return rc != RC_OK ? rc : scan_finish(&scan, why);
}

/* What the strict reader of core/base/doc.h takes, this takes, and the other way round, the three tokens aside. */
static void test_scan_agrees_with_the_json_reader(void **state)
{
    static const char *const texts[] = {
        "1", "-0", "0.5", "1e5", "1E-5", "-1.25e+2", "01", "1.", ".5", "+1", "-", "1e", "0x1", "1e999", "--1",
        "true", "false", "null", "tru", "truex", "nul", "True",
        "\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\\u20ac\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"",
        "\"\\ud83d\\u0041\"", "\"\\u0000\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a", "\"", "\"a\nb\"", "\"\xff\"", "\"\xc3\xa9\"", "\"\xc3\"",
        "[]", "[1]", "[1,2]", "[1,]", "[,1]", "[1 2]", "[", "]", "[1", "[1,", "[[[]]]", " [ 1 , 2 ] ",
        "{}", "{\"a\":1}", "{\"a\":1,\"b\":[2]}", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "{1:1}", "{", "{\"a\":1", "{\"a\" : null }",
        "", " ", "1 1", "[1]x", "\xef\xbb\xbf[]", "'a'", "/**/1", "1//"
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct doc *doc = NULL;
        struct why why = { 0 };
        const bool want = doc_parse(texts[i], strlen(texts[i]), &doc, NULL) == RC_OK;
        doc_destroy(doc);
        const bool got = skip_text(texts[i], strlen(texts[i]), &why) == RC_OK;
        if (got != want) {
            fail_msg("\"%s\": %s, the other reader says %s", texts[i], got ? "taken" : why.text, want ? "yes" : "no");
        }
    }
}

static void test_scan_string_decodes_in_place(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "\"abc\"", "abc" },
        { "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00z\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z" },
        { "\"a\\\"b\\\\c\\/\\n\"", "a\"b\\c/\n" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_FREE char *copy = mem_strdup(rows[i].text);
        struct scan scan;
        scan_init(&scan, copy, strlen(copy));
        char *text = NULL;
        size_t n = 0;
        check_rc(scan_string(&scan, &text, &n, NULL), RC_OK);
        check_text(text, rows[i].want);
        check_int(n, strlen(rows[i].want));
        check_rc(scan_finish(&scan, NULL), RC_OK);
    }
}

static void test_scan_bounds_the_depth(void **state)
{
    char text[2 * SCAN_DEPTH_MAX + 2];
    memset(text, '[', SCAN_DEPTH_MAX + 1);
    memset(text + SCAN_DEPTH_MAX + 1, ']', SCAN_DEPTH_MAX + 1);
    struct why why = { 0 };
    check_rc(skip_text(text, sizeof(text), &why), RC_TOO_LARGE);
    check_rc(skip_text(text + 1, sizeof(text) - 2, &why), RC_OK);
}

static void test_scan_number_takes_the_tokens(void **state)
{
    char text[] = "[NaN, -Infinity, Infinity, 2.5]";
    struct scan scan;
    double x[4];
    size_t n = 0;
    enum rc rc;
    scan_init(&scan, text, strlen(text));
    for (bool more = scan_begin(&scan, '[', ']', &rc, NULL); more; more = scan_more(&scan, ']', &rc, NULL)) {
        rc = scan_number(&scan, &x[n++], NULL);
    }
    check_rc(rc, RC_OK);
    check_int(n, 4);
    check(isnan(x[0]) && isinf(x[1]) && x[1] < 0 && isinf(x[2]) && x[2] > 0);
    check_close(x[3], 2.5, 0);
}

CHECK_MAIN("api/scan",
           CHECK(test_scan_agrees_with_the_json_reader),
           CHECK(test_scan_string_decodes_in_place),
           CHECK(test_scan_bounds_the_depth),
           CHECK(test_scan_number_takes_the_tokens))
