/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

static void test_str_to_int64(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "-12", true, -12 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "18446744073709551616", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "--1", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "1.0", false, 0 },
        { "0x1", false, 0 },
        { "\xd9\xa1", false, 0 }, /* an Arabic digit */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t got = 77;
        if (str_to_int64(rows[i].text, &got) != rows[i].good || got != (rows[i].good ? rows[i].value : 77)) {
            fail_msg("\"%s\" gave %lld", rows[i].text, (long long)got);
        }
    }
}

static void test_str_to_bytes(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } rows[] = {
        { "4096", true, 4096 },
        { "64k", true, 65536 },
        { "64K", true, 65536 },
        { "256M", true, 268435456 },
        { "2G", true, 2147483648 },
        { "18446744073709551615", true, UINT64_MAX },
        { "17179869183G", true, 18446744072635809792u },
        { "17179869184G", false, 0 },
        { "", false, 0 },
        { "k", false, 0 },
        { "1kB", false, 0 },
        { "1 k", false, 0 },
        { "-1", false, 0 },
        { "1m", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t got = 77;
        if (str_to_bytes(rows[i].text, &got) != rows[i].good || (rows[i].good && got != rows[i].value)) {
            fail_msg("\"%s\" gave %llu", rows[i].text, (unsigned long long)got);
        }
    }
}

static void test_str_to_ms(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "500ms", true, 500 },
        { "30", true, 30000 },
        { "30s", true, 30000 },
        { "10m", true, 600000 },
        { "12h", true, 43200000 },
        { "30d", true, 2592000000 },
        { "9223372036854775807ms", true, INT64_MAX },
        { "9223372036854775808ms", false, 0 },
        { "106751991168d", false, 0 },
        { "1w", false, 0 },
        { "s", false, 0 },
        { "-1s", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t got = 77;
        if (str_to_ms(rows[i].text, &got) != rows[i].good || (rows[i].good && got != rows[i].value)) {
            fail_msg("\"%s\" gave %lld", rows[i].text, (long long)got);
        }
    }
}

static void test_str_to_bool(void **state)
{
    bool got = false;
    check(str_to_bool("yes", &got) && got);
    check(str_to_bool("off", &got) && !got);
    check(str_to_bool("TRUE", &got) && got);
    check(!str_to_bool("1", &got));
    check(!str_to_bool("", &got));
    check(!str_to_bool("yes ", &got));
}

static void test_str_copy_refuses_what_does_not_fit(void **state)
{
    char out[4] = "old";
    check(str_copy(out, sizeof(out), "abc"));
    check_text(out, "abc");
    check(!str_copy(out, sizeof(out), "abcd"));
    check_text(out, "");
}

/* The borders of RFC 3629, and sequences that end too early. */
static void test_str_is_utf8(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        bool good;
    } rows[] = {
        { "", 0, true },
        { "\0", 1, true },
        { "\x7f", 1, true },
        { "\x80", 1, false },
        { "\xbf", 1, false },
        { "\xc0\x80", 2, false }, /* overlong NUL */
        { "\xc1\xbf", 2, false },
        { "\xc2\x80", 2, true },
        { "\xdf\xbf", 2, true },
        { "\xc2", 1, false },
        { "\xc2\x7f", 2, false },
        { "\xe0\x9f\xbf", 3, false }, /* overlong */
        { "\xe0\xa0\x80", 3, true },
        { "\xed\x9f\xbf", 3, true },
        { "\xed\xa0\x80", 3, false }, /* a surrogate */
        { "\xee\x80\x80", 3, true },
        { "\xef\xbf\xbf", 3, true },
        { "\xe2\x82", 2, false },
        { "\xf0\x8f\xbf\xbf", 4, false }, /* overlong */
        { "\xf0\x90\x80\x80", 4, true },
        { "\xf4\x8f\xbf\xbf", 4, true },
        { "\xf4\x90\x80\x80", 4, false }, /* beyond U+10FFFF */
        { "\xf5\x80\x80\x80", 4, false },
        { "\xff", 1, false },
        { "\xf0\x90\x80", 3, false },
        { "a\xc3\xa4z", 4, true },
        { "a\xc3z", 3, false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char exact[4]; /* no byte more, so that a sanitizer sees reading past the end */
        char *end = exact + sizeof(exact) - rows[i].n;
        memcpy(end, rows[i].bytes, rows[i].n);
        if (str_is_utf8(end, rows[i].n) != rows[i].good) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_str_make_printable(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "", "" },
        { "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "a\nlevel=error", "a?level=error" },
        { "\x1b[31m\x7f\t", "?[31m??" },
        { "\xc2\x9b"
          "31m\xc2\xa0",
          "??31m\xc2\xa0" },                                     /* CSI as one character */
        { "\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6", "?????????" }, /* line separator, right-to-left marks */
        { "\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf" },
        { "\xff\xc3", "??" },
        { "\xe2\x82", "??" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[64];
        check(str_copy(text, sizeof(text), rows[i].text));
        str_make_printable(text);
        check_text(text, rows[i].want);
    }
}

static void test_str_is_name(void **state)
{
    char longest[STR_NAME_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[STR_NAME_MAX] = '\0';
    check(str_is_name(longest));
    longest[STR_NAME_MAX] = 'a';
    longest[STR_NAME_MAX + 1] = '\0';
    check(!str_is_name(longest));
    check(str_is_name("a") && str_is_name("9.b_c-D"));
    static const char *const bad[] = { "", ".a", "-a", "_a", "a/b", "a b", "a\n", "\xc3\xa4", "a%", "a:b" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check(!str_is_name(bad[i]));
    }
}

CHECK_MAIN("core/base/str",
           CHECK(test_str_to_int64),
           CHECK(test_str_to_bytes),
           CHECK(test_str_to_ms),
           CHECK(test_str_to_bool),
           CHECK(test_str_copy_refuses_what_does_not_fit),
           CHECK(test_str_is_utf8),
           CHECK(test_str_make_printable),
           CHECK(test_str_is_name))
