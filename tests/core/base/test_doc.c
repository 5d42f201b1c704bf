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

static void test_doc_parse_bounds_depth_and_values(void **state)
{
    char deep[2 * DOC_DEPTH_MAX + 3];
    memset(deep, '[', DOC_DEPTH_MAX + 1);
    memset(deep + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
    struct doc *doc = NULL;
    check_rc(doc_parse(deep, 2 * DOC_DEPTH_MAX + 2, &doc, NULL), RC_TOO_LARGE);
    AUTO(buf)
    struct buf wide;
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
    AUTO_PTR(doc)
    struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, NULL), RC_OK);
    AUTO(buf)
    struct buf out;
    buf_init(&out, 1000);
    check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
    check_text(out.data, text);
    buf_clear(&out);
    check_rc(doc_write(doc, DOC_CANONICAL, &out), RC_OK);
    check_text(out.data, "{\"a\":{\"q\\\"\":\"x\\n\\u0001\"},\"b\":[1,-2,0.1,1e+300,true,null]}");
}

static void test_doc_put_notices_no_memory(void **state)
{
    AUTO_PTR(doc)
    struct doc *doc = doc_new_object();
    check_rc(doc_put(doc, "a", NULL), RC_NO_MEMORY);
    check_rc(doc_put(NULL, "a", doc_new_integer(1)), RC_NO_MEMORY);
}

CHECK_MAIN("core/base/doc",
           CHECK(test_doc_parse_refuses),
           CHECK(test_doc_parse_bounds_depth_and_values),
           CHECK(test_doc_write_reads_back_and_sorts),
           CHECK(test_doc_put_notices_no_memory))
