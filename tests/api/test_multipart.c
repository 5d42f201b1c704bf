/* SPDX-License-Identifier: Apache-2.0 */
#include "api/multipart.h"

#include "core/base/buf.h"
#include "tests/check.h"

#define TYPE "multipart/form-data; boundary=XX"

/* What the parser said, as text: <name|filename|type> bytes </> */
static enum rc write_begin(void *arg, const struct multipart_part *part, struct why *why)
{
    return buf_printf(arg, "<%s|%s|%s>", part->name, part->filename == NULL ? "-" : part->filename, part->type == NULL ? "-" : part->type);
}

static enum rc write_bytes(void *arg, const char *bytes, size_t n, struct why *why)
{
    check(n > 0);
    return buf_append(arg, bytes, n);
}

static enum rc write_end(void *arg, struct why *why)
{
    return buf_text(arg, "</>");
}

/* Parses the body in two or more cuts; the text of the events in *out. */
static enum rc parse(const char *type, const char *body, size_t n, size_t first, size_t step, struct buf *out)
{
    const struct multipart_events events = { out, write_begin, write_bytes, write_end };
    AUTO_PTR(multipart) struct multipart *it = NULL;
    struct why why = { 0 };
    enum rc rc = multipart_create(type, &events, &it, &why);
    for (size_t at = 0; rc == RC_OK && at < n;) {
        const size_t want = at == 0 ? first : step;
        const size_t take = n - at < want ? n - at : want;
        rc = multipart_push(it, body + at, take, &why);
        at += take;
    }
    rc = rc != RC_OK ? rc : multipart_finish(it, &why);
    check(rc == RC_OK || why.text[0] != '\0' || rc == RC_NO_MEMORY);
    return rc;
}

#define PART(name)  "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define HEAD(lines) "--XX\r\n" lines "\r\n\r\nv\r\n--XX--\r\n"

static const struct {
    const char *body;
    enum rc rc;
    const char *events;
} rows[] = {
    { PART("a") "hello\r\n--XX--\r\n", RC_OK, "<a|-|->hello</>" },
    { PART("a") "hello\r\n--XX--", RC_OK, "<a|-|->hello</>" },
    { "preamble\r\n" PART("a") "\r\n--XX--", RC_OK, "<a|-|-></>" },
    { "\r\n" PART("a") "x\r\n--XX--trailing", RC_OK, "<a|-|->x</>" },
    { PART("a") "1\r\n" PART("b") "2\r\n--XX--", RC_OK, "<a|-|->1</><b|-|->2</>" },
    { PART("a") "\r\n\r\r\n--X\r\n--\r\n-\r\n\r\n--XX--", RC_OK, "<a|-|->\r\n\r\r\n--X\r\n--\r\n-\r\n</>" },
    { PART("a") "--XX\r\n--XX--", RC_OK, "<a|-|->--XX</>" },
    { PART("a") "x\r\n--XX  \t\r\nContent-Disposition: form-data; name=b\r\n\r\ny\r\n--XX--", RC_OK, "<a|-|->x</><b|-|->y</>" },
    { HEAD("content-disposition:form-data; filename=\"a;\\\"b.csv\" ; NAME=file\r\nContent-Type: text/csv"), RC_OK, "<file|a;\"b.csv|text/csv>v</>" },
    { HEAD("Content-Disposition: form-data; name=\"a\"; filename=\"\"\r\nContent-Transfer-Encoding: binary\r\nX-Y: z"), RC_OK, "<a||->v</>" },
    { HEAD("Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''x"), RC_OK, "<a|-|->v</>" },
    { "--XX--\r\n", RC_OK, "" },

    { "", RC_SYNTAX, NULL },
    { "--XX", RC_SYNTAX, NULL },
    { "nothing", RC_SYNTAX, NULL },
    { PART("a") "hello", RC_SYNTAX, NULL },
    { PART("a") "hello\r\n--XX", RC_SYNTAX, NULL },
    { PART("a") "hello\r\n--XX-", RC_SYNTAX, NULL },
    { PART("a") "hello\r\n--XX\r\n", RC_SYNTAX, NULL },
    { PART("a") "hello\r\n--XXY--", RC_SYNTAX, NULL },
    { PART("a") "hello\r\n--XX \n", RC_SYNTAX, NULL },
    { PART("a") "hello\n--XX--\n", RC_SYNTAX, NULL },
    { "--XX\r\n\r\nv\r\n--XX--", RC_SYNTAX, NULL },
    { HEAD("Content-Type: text/csv"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: attachment; name=a"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=\"\""), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name="), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=\"a"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=\"a\" x"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a; name=b"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=a"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\r\n folded"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\r\nnothing"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\r\n: x"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition : form-data; name=a"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\x01"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\nX: y"), RC_SYNTAX, NULL },
    { HEAD("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"), RC_UNSUPPORTED, NULL },
};

static void check_cut(size_t row, size_t first, size_t step)
{
    AUTO(buf) struct buf out;
    buf_init(&out, 10000);
    const enum rc rc = parse(TYPE, rows[row].body, strlen(rows[row].body), first, step, &out);
    if (rc != rows[row].rc || (rc == RC_OK && strcmp(out.data == NULL ? "" : out.data, rows[row].events) != 0)) {
        fail_msg("row %zu cut at %zu/%zu gave %s \"%s\", expected %s \"%s\"", row, first, step, rc_name(rc), out.data, rc_name(rows[row].rc), rows[row].events);
    }
}

static void test_multipart_is_the_same_however_it_is_cut(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t n = strlen(rows[i].body);
        for (size_t step = 1; step <= n; step++) {
            check_cut(i, step, step);
            check_cut(i, step, n);
        }
    }
}

static void test_multipart_create_checks_the_boundary(void **state)
{
    static const struct {
        const char *type;
        enum rc rc;
    } types[] = {
        { "multipart/form-data; boundary=a", RC_OK },
        { "Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b:c\"", RC_OK },
        { "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", RC_OK },
        { "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", RC_INVALID },
        { NULL, RC_UNSUPPORTED },
        { "application/json", RC_UNSUPPORTED },
        { "multipart/form-datax; boundary=a", RC_UNSUPPORTED },
        { "multipart/form-data", RC_INVALID },
        { "multipart/form-data; boundary=", RC_INVALID },
        { "multipart/form-data; boundary=\"\"", RC_INVALID },
        { "multipart/form-data; boundary=\"a", RC_INVALID },
        { "multipart/form-data; boundary=\"a \"", RC_INVALID },
        { "multipart/form-data; boundary=\"a\rb\"", RC_INVALID },
        { "multipart/form-data; boundary=a; boundary=b", RC_INVALID },
        { "multipart/form-data; boundary=a\x80", RC_INVALID },
    };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        const struct multipart_events events = { NULL, write_begin, write_bytes, write_end };
        AUTO_PTR(multipart) struct multipart *it = NULL;
        const enum rc rc = multipart_create(types[i].type, &events, &it, NULL);
        if (rc != types[i].rc) {
            fail_msg("\"%s\" gave %s, expected %s", types[i].type, rc_name(rc), rc_name(types[i].rc));
        }
    }
}

/* Each ceiling: just under it passes, over it is refused. */
static void test_multipart_holds_its_ceilings(void **state)
{
    static const struct {
        const char *before, *repeat, *after;
        int fits, over;
    } limits[] = {
        { "", PART("a") "x\r\n", "--XX--", MULTIPART_PARTS_MAX, MULTIPART_PARTS_MAX + 1 },
        { "--XX\r\nContent-Disposition: form-data; name=a\r\nX: ", "y", "\r\n\r\nv\r\n--XX--", 4000, MULTIPART_HEADERS_MAX },
        { "", "p", "\r\n--XX--", MULTIPART_OUTSIDE_MAX - 10, MULTIPART_OUTSIDE_MAX + 1 },
        { "--XX", " ", "\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--XX--", 4000, MULTIPART_OUTSIDE_MAX + 1 },
        { "--XX--", "p", "", 4000, MULTIPART_OUTSIDE_MAX + 1 },
        { "--XX\r\nContent-Disposition: form-data; name=", "a", "\r\n\r\n\r\n--XX--", MULTIPART_NAME_MAX, MULTIPART_NAME_MAX + 1 },
        { "--XX\r\nContent-Disposition: form-data; name=a; filename=", "a", "\r\n\r\n\r\n--XX--", MULTIPART_FILENAME_MAX, MULTIPART_FILENAME_MAX + 1 },
    };

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        for (int over = 0; over < 2; over++) {
            AUTO(buf) struct buf body, out;
            buf_init(&body, 100000);
            buf_init(&out, 100000);
            (void)buf_text(&body, limits[i].before);
            for (int k = 0; k < (over ? limits[i].over : limits[i].fits); k++) {
                (void)buf_text(&body, limits[i].repeat);
            }
            (void)buf_text(&body, limits[i].after);
            check_rc(body.failed, RC_OK);
            const enum rc rc = parse(TYPE, body.data, body.len, 7, 11, &out);
            if ((rc != RC_OK) != over) {
                fail_msg("ceiling %zu over %d gave %s", i, over, rc_name(rc));
            }
            buf_finish(&out);
        }
    }
}

static enum rc refuse_bytes(void *arg, const char *bytes, size_t n, struct why *why)
{
    (*(int *)arg)++;
    return why_fail(why, RC_STORAGE_FULL, NULL, "no room");
}

static enum rc accept_begin(void *arg, const struct multipart_part *part, struct why *why)
{
    return RC_OK;
}

static void test_multipart_stops_at_a_callbacks_failure(void **state)
{
    int calls = 0;
    const struct multipart_events events = { &calls, accept_begin, refuse_bytes, write_end };
    AUTO_PTR(multipart) struct multipart *it = NULL;
    check_rc(multipart_create(TYPE, &events, &it, NULL), RC_OK);
    static const char body[] = PART("a") "1\r\n2\r\n--XX--";
    check_rc(multipart_push(it, body, strlen(body), NULL), RC_STORAGE_FULL);
    check_rc(multipart_push(it, body, strlen(body), NULL), RC_STORAGE_FULL);
    check_rc(multipart_finish(it, NULL), RC_STORAGE_FULL);
    check_int(calls, 1);
}

CHECK_MAIN("api/multipart",
           CHECK(test_multipart_is_the_same_however_it_is_cut),
           CHECK(test_multipart_create_checks_the_boundary),
           CHECK(test_multipart_holds_its_ceilings),
           CHECK(test_multipart_stops_at_a_callbacks_failure))
