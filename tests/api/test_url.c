/* SPDX-License-Identifier: Apache-2.0 */
#include "api/url.h"

#include "tests/check.h"

static const struct {
    const char *raw;
    enum rc rc;
    const char *path, *query; /* the query as canonical JSON; NULL: none */
} targets[] = {
    { "/", RC_OK, "/", NULL },
    { "/v1/models", RC_OK, "/v1/models", NULL },
    { "/v1/models/", RC_OK, "/v1/models/", NULL },
    { "/v1/models/a%2Db%41", RC_OK, "/v1/models/a-bA", NULL },
    { "/v1/%2541", RC_OK, "/v1/%41", NULL },
    { "/a?x=1&y=%20+b&z", RC_OK, "/a", "{\"x\":\"1\",\"y\":\"  b\",\"z\":\"\"}" },
    { "/a?", RC_OK, "/a", "{}" },
    { "/a?x=/../", RC_OK, "/a", "{\"x\":\"/../\"}" },
    { "", RC_INVALID, NULL, NULL },
    { "*", RC_INVALID, NULL, NULL },
    { "http://host/a", RC_INVALID, NULL, NULL },
    { "//", RC_INVALID, NULL, NULL },
    { "/a//b", RC_INVALID, NULL, NULL },
    { "/a/.", RC_INVALID, NULL, NULL },
    { "/a/../b", RC_INVALID, NULL, NULL },
    { "/a/%2e%2E/b", RC_INVALID, NULL, NULL },
    { "/..", RC_INVALID, NULL, NULL },
    { "/a%2fb", RC_INVALID, NULL, NULL },
    { "/a%5Cb", RC_INVALID, NULL, NULL },
    { "/a\\b", RC_INVALID, NULL, NULL },
    { "/a%00b", RC_INVALID, NULL, NULL },
    { "/a%0ab", RC_INVALID, NULL, NULL },
    { "/a%7f", RC_INVALID, NULL, NULL },
    { "/a%", RC_INVALID, NULL, NULL },
    { "/a%4", RC_INVALID, NULL, NULL },
    { "/a%4g", RC_INVALID, NULL, NULL },
    { "/a%ff", RC_INVALID, NULL, NULL },
    { "/a#b", RC_INVALID, NULL, NULL },
    { "/a b", RC_INVALID, NULL, NULL },
    { "/\x80", RC_INVALID, NULL, NULL },
    { "/a;b", RC_OK, "/a;b", NULL },
    { "/a/..;/b", RC_OK, "/a/..;/b", NULL },
    { "/a%3Bb", RC_OK, "/a;b", NULL },
    { "/%252e%252e/b", RC_OK, "/%2e%2e/b", NULL },
    { "/a%252fb", RC_OK, "/a%2fb", NULL },
    { "/a%2500", RC_OK, "/a%00", NULL },
    { "/...", RC_OK, "/...", NULL },
    { "/.a", RC_OK, "/.a", NULL },
    { "/a%20b", RC_OK, "/a b", NULL },
    { "/a+b", RC_OK, "/a+b", NULL },
    { "/%c3%a9", RC_OK, "/\xc3\xa9", NULL },
    { "/a?x=%2f%2e%2e", RC_OK, "/a", "{\"x\":\"/..\"}" },
    { "?x=1", RC_INVALID, NULL, NULL },
    { "a/b", RC_INVALID, NULL, NULL },
    { "/a/", RC_OK, "/a/", NULL },
    { "/.%2e/b", RC_INVALID, NULL, NULL },
    { "/%2e/b", RC_INVALID, NULL, NULL },
    { "/a/%2E%2E", RC_INVALID, NULL, NULL },
    { "/a%2F..%2Fb", RC_INVALID, NULL, NULL },
    { "/a%5c..%5cb", RC_INVALID, NULL, NULL },
    { "/a/\t", RC_INVALID, NULL, NULL },
    { "/a%01", RC_INVALID, NULL, NULL },
    { "/a%0d%0aX: y", RC_INVALID, NULL, NULL },
    { "/a%-1", RC_INVALID, NULL, NULL },
    { "/a%u0041", RC_INVALID, NULL, NULL },
    { "/a%% ", RC_INVALID, NULL, NULL },
    { "/%c0%af", RC_INVALID, NULL, NULL },
    { "/%ed%a0%80", RC_INVALID, NULL, NULL },
    { "/a?%00=1", RC_INVALID, NULL, NULL },
    { "/a?x=%", RC_INVALID, NULL, NULL },
    { "/a?x=1&%78=2", RC_DUPLICATE_KEY, NULL, NULL },
    { "/a?x=1&x=2", RC_DUPLICATE_KEY, NULL, NULL },
    { "/a?=1", RC_INVALID, NULL, NULL },
    { "/a?x=1&&y=2", RC_INVALID, NULL, NULL },
    { "/a?x=%00", RC_INVALID, NULL, NULL },
    { "/a?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", RC_TOO_LARGE, NULL, NULL },
};

static void test_url_parse_reads_or_refuses(void **state)
{
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        AUTO(region) struct region region;
        region_init(&region, 100000);
        AUTO(url) struct url url = { NULL, NULL };
        struct why why = { 0 };
        const enum rc rc = url_parse(targets[i].raw, &region, &url, &why);
        if (rc != targets[i].rc) {
            fail_msg("\"%s\" gave %s (%s), expected %s", targets[i].raw, rc_name(rc), why.text, rc_name(targets[i].rc));
        }
        if (rc != RC_OK) {
            check(why.text[0] != '\0');
            continue;
        }
        check_text(url.path, targets[i].path);
        check_int(url.query != NULL, targets[i].query != NULL);
        if (url.query != NULL) {
            AUTO(buf) struct buf out;
            buf_init(&out, 1000);
            check_rc(doc_write(url.query, DOC_CANONICAL, &out), RC_OK);
            check_text(out.data, targets[i].query);
        }
    }
}

static void test_url_cut_origin_takes_our_own(void **state)
{
    static const struct {
        const char *raw, *host, *rest; /* NULL: refused */
    } rows[] = {
        { "/a", "h", "/a" },
        { "*", "h", "*" },
        { "", "h", "" },
        { "http://h/a?b", "h", "/a?b" },
        { "HTTP://H:80/a", "h:80", "/a" },
        { "https://h/", "H", "/" },
        { "http://h", "h", "/" },
        { "http://h?x=1", "h", "/?x=1" },
        { "http://[::1]:8443/a", "[::1]:8443", "/a" },
        { "http://h//a", "h", "//a" },
        { "http://other/a", "h", NULL },
        { "http://h:80/a", "h", NULL },
        { "http://u@h/a", "h", NULL },
        { "http:///a", "h", NULL },
        { "http://", "h", NULL },
        { "http:/a", "h", "http:/a" },
        { "ftp://h/a", "h", "ftp://h/a" },
        { "h/a", "h", "h/a" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, 10000);
        const char *rest = NULL;
        struct why why = { 0 };
        check_rc(url_cut_origin(rows[i].raw, rows[i].host, &region, &rest, &why), rows[i].rest == NULL ? RC_INVALID : RC_OK);
        if (rows[i].rest != NULL) {
            check_text(rest, rows[i].rest);
        }
    }
}

static void test_url_parse_bounds_the_length(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 100000);
    char raw[URL_BYTES_MAX + 2];
    memset(raw, 'a', sizeof(raw));
    raw[0] = '/';
    raw[sizeof(raw) - 1] = '\0';
    struct url url;
    check_rc(url_parse(raw, &region, &url, NULL), RC_URI_TOO_LONG);
    raw[URL_BYTES_MAX] = '\0';
    check_rc(url_parse(raw, &region, &url, NULL), RC_OK);
}

struct paging {
    int64_t limit;
    const char *after;
    bool all;
};

static const struct field paging_fields[] = {
    { .name = "limit", .kind = FIELD_INTEGER, .offset = offsetof(struct paging, limit), .min = 1, .max = 1000, .fallback = "20" },
    { .name = "after", .kind = FIELD_STRING, .offset = offsetof(struct paging, after), .min = 1, .max = 30 },
    { .name = "all", .kind = FIELD_BOOLEAN, .offset = offsetof(struct paging, all) },
    { .name = NULL },
};
static const struct schema paging = { "Paging", "A page.", sizeof(struct paging), paging_fields, false };

static void test_url_query_is_strict(void **state)
{
    static const struct {
        const char *raw;
        enum rc rc;
        int64_t limit;
    } rows[] = {
        { "/a", RC_OK, 20 },
        { "/a?limit=1", RC_OK, 1 },
        { "/a?limit=1000&after=x&all=true", RC_OK, 1000 },
        { "/a?limit=0", RC_INVALID, 0 },
        { "/a?limit=1001", RC_INVALID, 0 },
        { "/a?limit=1e1", RC_INVALID, 0 },
        { "/a?limit=", RC_INVALID, 0 },
        { "/a?limit=9999999999999999999", RC_INVALID, 0 },
        { "/a?Limit=1", RC_UNKNOWN_KEY, 0 },
        { "/a?after=", RC_INVALID, 0 },
        { "/a?all=maybe", RC_INVALID, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, 100000);
        AUTO(url) struct url url = { NULL, NULL };
        check_rc(url_parse(rows[i].raw, &region, &url, NULL), RC_OK);
        void *out = NULL;
        struct why why = { 0 };
        const enum rc rc = url_query(&url, &paging, &region, &out, &why);
        if (rc != rows[i].rc) {
            fail_msg("\"%s\" gave %s (%s), expected %s", rows[i].raw, rc_name(rc), why.text, rc_name(rows[i].rc));
        }
        if (rc == RC_OK) {
            check_int(((struct paging *)out)->limit, rows[i].limit);
        } else {
            check_contains(why.path, "query");
        }
    }
}

CHECK_MAIN("api/url",
           CHECK(test_url_parse_reads_or_refuses),
           CHECK(test_url_cut_origin_takes_our_own),
           CHECK(test_url_parse_bounds_the_length),
           CHECK(test_url_query_is_strict))
