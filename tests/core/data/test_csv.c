/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/csv.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/rng.h"
#include "tests/check.h"

/* Writes every row as line:[a][b] into a buffer: what a test compares. */
static enum rc write_row(void *arg, const struct csv_row *row, struct why *why)
{
    struct buf *out = arg;
    (void)buf_printf(out, "%lld:", (long long)row->line);
    for (size_t i = 0; i < row->count; i++) {
        check_int(strlen(row->fields[i].text), row->fields[i].n);
        (void)buf_printf(out, "[%s]", row->fields[i].text);
    }
    (void)buf_char(out, '\n');
    return RC_OK;
}

/* The whole text in pieces of `piece` bytes. */
static enum rc read_all(const char *text, size_t n, size_t piece, struct buf *out, struct why *why)
{
    const struct csv_events events = { write_row, write_row, out };
    AUTO_PTR(csv) struct csv *csv = NULL;
    enum rc rc = csv_create(&events, &csv);
    for (size_t i = 0; rc == RC_OK && i < n; i += piece) {
        rc = csv_push(csv, text + i, n - i < piece ? n - i : piece, why);
    }
    return rc != RC_OK ? rc : csv_end(csv, why);
}

static const struct {
    const char *text, *rows;
} good[] = {
    { "a,b\n1,2\n", "1:[a][b]\n2:[1][2]\n" },
    { "a,b\n1,2", "1:[a][b]\n2:[1][2]\n" },
    { "a,b\r\n1,2\r\n3,4\r\n", "1:[a][b]\n2:[1][2]\n3:[3][4]\n" },
    { "a,b\r1,2\r3,4\r", "1:[a][b]\n2:[1][2]\n3:[3][4]\n" },
    { "a,b\r1,2\n3,4\r\n5,6", "1:[a][b]\n2:[1][2]\n3:[3][4]\n4:[5][6]\n" },
    { "\xef\xbb\xbf"
      "a,b\n1,2\n",
      "1:[a][b]\n2:[1][2]\n" },
    { "a,b\n\n\n1,2\n\n", "1:[a][b]\n4:[1][2]\n" },
    { "\n\na,b\n1,2\n", "3:[a][b]\n4:[1][2]\n" },
    { "a\n1\n\n3\n", "1:[a]\n2:[1]\n3:[]\n4:[3]\n" },
    { "a\r\n1\r\n\r\n3\r\n", "1:[a]\n2:[1]\n3:[]\n4:[3]\n" },
    { "a\r1\r\r3\r", "1:[a]\n2:[1]\n3:[]\n4:[3]\n" },
    { "a,b\n,\n", "1:[a][b]\n2:[][]\n" },
    { "a,b\n \" x \" , y \n", "1:[a][b]\n2:[ x ][y]\n" },
    { "a,b\n\"1,5\",\"say \"\"hi\"\"\"\n", "1:[a][b]\n2:[1,5][say \"hi\"]\n" },
    { "a,b\n\"x\ny\",1\nz,2\n", "1:[a][b]\n2:[x\ny][1]\n4:[z][2]\n" },
    { "a,b\r\n\"x\r\ny\",1\r\nz,2\r\n", "1:[a][b]\n2:[x\r\ny][1]\n4:[z][2]\n" },
    { "a,b\n=cmd,@x\n", "1:[a][b]\n2:[=cmd][@x]\n" },
    { "a,b\n\"\",''\n", "1:[a][b]\n2:[]['']\n" },
    { "\xc3\xa4,b\n\xe2\x82\xac,\xf0\x9f\x98\x80\n", "1:[\xc3\xa4][b]\n2:[\xe2\x82\xac][\xf0\x9f\x98\x80]\n" },
};

static void test_csv_gives_rows_however_the_bytes_are_cut(void **state)
{
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        for (size_t piece = 1; piece < 40; piece++) {
            AUTO(buf) struct buf out;
            buf_init(&out, 10000);
            struct why why = { 0 };
            check_ok(read_all(good[i].text, strlen(good[i].text), piece, &out, &why), &why);
            check_text(out.data, good[i].rows);
        }
    }
}

#define BYTES(text) text, sizeof(text) - 1

static void test_csv_refuses_with_the_line(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        enum rc rc;
        const char *part;
    } rows[] = {
        { BYTES(""), RC_INVALID, "the file is empty" },
        { BYTES("\n\n"), RC_INVALID, "the file is empty" },
        { BYTES("\xef\xbb\xbf"), RC_INVALID, "the file is empty" },
        { BYTES("\xef\xbb"), RC_INVALID, "not UTF-8" },
        { BYTES("a,b\n1,2\n1\n"), RC_INVALID, "line 3 has 1 fields, the header has 2" },
        { BYTES("a,b\r\n1,2\r\n1,2,3\r\n"), RC_INVALID, "line 3 has 3 fields, the header has 2" },
        { BYTES("a,b\n\"x\n\ny\",1\n1\n"), RC_INVALID, "line 5 has 1 fields" },
        { BYTES("a,b\n1,\"2\n3,4\n"), RC_INVALID, "ends within a quoted field of the row that begins on line 2" },
        { BYTES("a,b\n1,x\"y\n"), RC_INVALID, "line 2: a quote stands inside" },
        { BYTES("a,b\n1,\"x\"y\n"), RC_INVALID, "line 2: a quote stands inside" },
        { BYTES("a,b\n1,\0\n"), RC_INVALID, "line 2 holds a NUL" },
        { BYTES("a,b\n1,\xff\n"), RC_INVALID, "line 2: field 2 is not UTF-8" },
        { BYTES("a,b\n1,\xc3\n"), RC_INVALID, "line 2: field 2 is not UTF-8" },
        { BYTES("\xff\xfe"
                "a\0,\0"),
          RC_INVALID, "NUL" },
        { BYTES("a,,c\n1,2,3\n"), RC_INVALID, "column 2 has no name" },
        { BYTES("a,b,\n1,2,3\n"), RC_INVALID, "column 3 has no name" },
        { BYTES("a;b\n1;2\n"), RC_INVALID, "separated by commas" },
        { BYTES("a\tb\n1\t2\n"), RC_INVALID, "separated by commas" },
        { BYTES("a,b,a\n1,2,3\n"), RC_INVALID, "names \"a\" twice" },
        { BYTES("a,\"b\x01\"\n1,2\n"), RC_INVALID, "control character" },
        { BYTES("a,\"b\nc\"\n1,2\n"), RC_INVALID, "control character" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 40; piece += 6) {
            AUTO(buf) struct buf out;
            buf_init(&out, 10000);
            struct why why = { 0 };
            check_rc(read_all(rows[i].text, rows[i].n, piece, &out, &why), rows[i].rc);
            check_contains(why.text, rows[i].part);
        }
    }
}

/* Pushes the same piece until it is refused; how many bytes that took. */
static size_t push_until_refused(const char *start, const char *piece, size_t most, struct why *why)
{
    AUTO(buf) struct buf out;
    buf_init(&out, 64u << 20);
    const struct csv_events events = { write_row, write_row, &out };
    AUTO_PTR(csv) struct csv *csv = NULL;
    check_rc(csv_create(&events, &csv), RC_OK);
    check_ok(csv_push(csv, start, strlen(start), why), why);
    size_t n = 0;
    enum rc rc = RC_OK;
    for (; rc == RC_OK && n < most; n += strlen(piece)) {
        rc = csv_push(csv, piece, strlen(piece), why);
    }
    check_rc(rc, RC_TOO_LARGE);
    check_rc(csv_push(csv, "x\n", 2, NULL), RC_TOO_LARGE); /* and for ever */
    check_rc(csv_end(csv, NULL), RC_TOO_LARGE);
    return n;
}

static void test_csv_stops_at_the_ceilings(void **state)
{
    char piece[4097];
    memset(piece, 'x', sizeof(piece) - 1);
    piece[sizeof(piece) - 1] = '\0';
    struct why why;
    check(push_until_refused("a\n", piece, 1u << 30, &why) <= CSV_FIELD_BYTES_MAX + 2 * sizeof(piece));
    check_contains(why.text, "line 2: field 1 is longer than 1048576 bytes");
    check(push_until_refused("a\n\"", piece, 1u << 30, &why) <= CSV_FIELD_BYTES_MAX + 2 * sizeof(piece));
    check_contains(why.text, "its quote is never closed");
    check(push_until_refused("a", ",xy", 300000, &why) <= 3 * CSV_COLUMNS_MAX + 3);
    check_contains(why.text, "line 1: more than 4096 columns");
    piece[4095] = ',';
    check(push_until_refused("a\n", piece, 1u << 30, &why) <= CSV_ROW_BYTES_MAX + 2 * sizeof(piece));
    check_contains(why.text, "the row of line 2 is longer than 4194304 bytes");
    memset(piece, ' ', sizeof(piece) - 1); /* blanks that libcsv drops count as well */
    check(push_until_refused("a\n1\n", piece, 1u << 30, &why) <= CSV_ROW_BYTES_MAX + 2 * sizeof(piece));
}

static void test_csv_refuses_a_hundred_thousand_columns_in_one_piece(void **state)
{
    AUTO_FREE char *text = mem_alloc(200001);
    for (size_t i = 0; i < 100000; i++) {
        text[2 * i] = 'x';
        text[2 * i + 1] = ',';
    }
    struct why why = { 0 };
    check_rc(read_all(text, 200000, 200000, NULL, &why), RC_TOO_LARGE);
    check_contains(why.text, "more than 4096 columns");
}

static enum rc refuse_row(void *arg, const struct csv_row *row, struct why *why)
{
    ++*(int *)arg;
    return row->index < 1 ? RC_OK : why_fail(why, RC_CANCELLED, "here", "enough");
}

static void test_csv_stops_when_the_caller_says_so(void **state)
{
    int rows = 0;
    const struct csv_events events = { refuse_row, refuse_row, &rows };
    AUTO_PTR(csv) struct csv *csv = NULL;
    check_rc(csv_create(&events, &csv), RC_OK);
    struct why why = { 0 };
    check_rc(csv_push(csv, "a\n1\n2\n3\n4\n", 10, &why), RC_CANCELLED);
    check_text(why.path, "here");
    check_rc(csv_end(csv, &why), RC_CANCELLED);
    check_int(rows, 3); /* the header and two rows */
}

static void test_csv_survives_each_failing_allocation(void **state)
{
    char text[2000] = "a,b\n";
    for (size_t n = strlen(text); n + 12 < sizeof(text); n += 10) {
        memcpy(text + n, "1234,\"56\"\n", 11);
    }
    for (long n = 1;; n++) {
        static char room[65536];
        struct buf out = { .data = room, .max = sizeof(room) - 1, ._room = sizeof(room) };
        mem_fail_at(n);
        const enum rc rc = read_all(text, strlen(text), 100, &out, NULL);
        mem_fail_at(0);
        if (rc == RC_OK && n > 6) {
            return;
        }
        check(rc == RC_NO_MEMORY || rc == RC_OK); /* libcsv tries again with less */
        check(n < 100);
    }
}

/* With an argument: rows of standard input, for the comparison with another reader. */
static int print_rows(void)
{
    static char text[1 << 16];
    const size_t n = fread(text, 1, sizeof(text), stdin);
    AUTO(buf) struct buf out;
    buf_init(&out, 1 << 20);
    struct why why = { 0 };
    const enum rc rc = read_all(text, n, 7, &out, &why);
    printf("%s\n%s", rc == RC_OK ? "ok" : why.text, rc == RC_OK ? out.data : "");
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CHECK(test_csv_gives_rows_however_the_bytes_are_cut),
        CHECK(test_csv_refuses_with_the_line),
        CHECK(test_csv_stops_at_the_ceilings),
        CHECK(test_csv_refuses_a_hundred_thousand_columns_in_one_piece),
        CHECK(test_csv_stops_when_the_caller_says_so),
        CHECK(test_csv_survives_each_failing_allocation),
    };
    return argc > 1 ? print_rows() : cmocka_run_group_tests_name("core/data/csv", tests, NULL, NULL);
}
