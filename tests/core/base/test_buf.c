/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include "tests/check.h"

static void test_buf_append_refuses_over_ceiling(void **state)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, 4);
    check_rc(buf_text(&buf, "abcd"), RC_OK);
    check_rc(buf_char(&buf, 'e'), RC_TOO_LARGE);
    check_text(buf.data, "abcd");
}

static void test_buf_append_fails_until_cleared(void **state)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, 2);
    check_rc(buf_text(&buf, "abc"), RC_TOO_LARGE);
    check_rc(buf_char(&buf, 'a'), RC_TOO_LARGE);
    buf_clear(&buf);
    check_rc(buf_char(&buf, 'a'), RC_OK);
}

static void test_buf_cut_forgets_the_end(void **state)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, 10);
    buf_cut(&buf, 0);
    check_rc(buf_text(&buf, "abcdef"), RC_OK);
    buf_cut(&buf, 2);
    check_text(buf.data, "ab");
    check_rc(buf_text(&buf, "x"), RC_OK);
    check_text(buf.data, "abx");
}

static void test_buf_append_survives_no_memory(void **state)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, 1000);
    mem_fail_at(1);
    check_rc(buf_text(&buf, "abc"), RC_NO_MEMORY);
    check_int(buf.len, 0);
}

static void test_buf_printf_grows(void **state)
{
    AUTO(buf) struct buf buf;
    buf_init(&buf, 100000);
    for (int i = 0; i < 1000; i++) {
        check_rc(buf_printf(&buf, "%d,", i), RC_OK);
    }
    check_int(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
}

static void test_buf_take_of_empty_gives_empty_string(void **state)
{
    struct buf buf;
    buf_init(&buf, 10);
    size_t n = 7;
    AUTO_FREE char *text = buf_take(&buf, &n);
    check_text(text, "");
    check_int(n, 0);
}

CHECK_MAIN("core/base/buf",
           CHECK(test_buf_append_refuses_over_ceiling),
           CHECK(test_buf_cut_forgets_the_end), CHECK(test_buf_append_fails_until_cleared),
           CHECK(test_buf_append_survives_no_memory),
           CHECK(test_buf_printf_grows),
           CHECK(test_buf_take_of_empty_gives_empty_string))
