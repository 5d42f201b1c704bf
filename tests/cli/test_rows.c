/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rows.h"

#include <stdlib.h>

#include "tests/check.h"

/* A file that is open under a name for as long as the test runs. */
static void write_file(char path[32], const char *text, size_t n)
{
    memcpy(path, "/tmp/licit-rows-XXXXXX", 23);
    const int fd = mkstemp(path);
    check(fd >= 0);
    check_int(write(fd, text, n), n);
    close(fd);
}

static const struct {
    const char *text;
    enum rc end;      /* RC_GONE: to the end */
    const char *seen; /* cells with | between and / behind each row */
    const char *part; /* of the failure's words */
} rows[] = {
    { "a,b\n1,2\n3,4\n", RC_GONE, "1|2/3|4/", "" },
    { "a,b\r\n1,2\r\n3,4", RC_GONE, "1|2/3|4/", "" },
    { "\xef\xbb\xbf"
      "a,b\n,\n",
      RC_GONE, "|/", "" },
    { "a,b\n\n1,2\n\n", RC_GONE, "1|2/", "" },
    { "a\n\n1\n", RC_GONE, "/1/", "" }, /* of one column a blank line is an empty cell */
    { "a,b\n\"x,\"\"y\"\"\nz\",2\n", RC_GONE, "x,\"y\"\nz|2/", "" },
    { "a,b\n1\n", RC_INVALID, "", "line 2 has 1 cells, the first line names 2 columns" },
    { "a,b\n1,2\n1,2,3\n", RC_INVALID, "1|2/", "line 3 has 3 cells" },
    { "a,b\n\"x\n\n\",2\n\"y,2\n", RC_INVALID, "x\n\n|2/", "line 5: a quote is opened and never closed" },
    { "a,b\n1,\xff\n", RC_INVALID, "", "line 2 is not valid UTF-8" },
};

static void test_rows_next_reads_csv(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char path[32];
        write_file(path, rows[i].text, strlen(rows[i].text));
        struct rows it;
        struct why why = { 0 };
        check_ok(rows_open(&it, path, &why), &why);
        check_text(it.names[0], "a");
        AUTO(buf) struct buf seen;
        buf_init(&seen, 1000);
        check_rc(buf_text(&seen, ""), RC_OK);
        enum rc rc;
        while ((rc = rows_next(&it, &why)) == RC_OK) {
            for (size_t c = 0; c < it.columns; c++) {
                check_rc(buf_printf(&seen, "%s%s", it.cells[c], c + 1 == it.columns ? "/" : "|"), RC_OK);
            }
        }
        rows_close(&it);
        (void)unlink(path);
        check_rc(rc, rows[i].end);
        check_text(seen.data, rows[i].seen);
        check_contains(why.text, rows[i].part);
    }
}

static void test_rows_open_refuses_what_it_cannot_read(void **state)
{
    struct rows it;
    struct why why = { 0 };
    char path[32];
    check_rc(rows_open(&it, "/nonexistent", &why), RC_INVALID);
    write_file(path, "", 0);
    check_rc(rows_open(&it, path, &why), RC_INVALID);
    check_contains(why.text, "the file is empty");
    (void)unlink(path);
}

CHECK_MAIN("cli/rows",
           CHECK(test_rows_next_reads_csv),
           CHECK(test_rows_open_refuses_what_it_cannot_read))
