/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include "tests/check.h"

static void bytes(struct buf *out, double x)
{
    text_bytes(out, (int64_t)x);
}

static void count(struct buf *out, double x)
{
    text_count(out, (int64_t)x);
}

static void ago(struct buf *out, double x)
{
    text_ago(out, 1000000 + (int64_t)x, 1000000);
}

static void duration(struct buf *out, double x)
{
    text_duration(out, (int64_t)x);
}

static const struct {
    void (*write)(struct buf *out, double x);
    double x;
    const char *text;
} rows[] = {
    { bytes, 0, "0 B" },
    { bytes, 1023, "1023 B" },
    { bytes, 1024, "1.0 KiB" },
    { bytes, 1048575, "1.0 MiB" },
    { bytes, 122070, "119.2 KiB" },
    { count, 0, "0" },
    { count, 999, "999" },
    { count, 12288, "12,288" },
    { count, -1234567, "-1,234,567" },
    { ago, 0, "now" },
    { ago, -59, "59 s ago" },
    { ago, -60, "1 min ago" },
    { ago, -7200, "2 hours ago" },
    { ago, 30.0 * 86400, "in 30 days" },
    { ago, 30.0 * 86400 - 30, "in 30 days" },
    { ago, 29.5 * 86400, "in 29 days" },
    { ago, 3599, "in 1 hour" },
    { ago, -366.0 * 86400, "1 year ago" },
    { duration, 8, "8 s" },
    { duration, 80, "1 min 20 s" },
    { duration, 7500, "2 h 5 min" },
    { text_number, 0.97368, "0.9737" },
    { text_number, 12, "12" },
    { text_number, 654.889, "654.9" },
    { text_number, 0.00001234, "1.234e-05" },
    { text_number, -1e9, "-1000000000" },
};

static void test_text_writes_values_as_people_do(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) struct buf out;
        buf_init(&out, 100);
        rows[i].write(&out, rows[i].x);
        check_text(out.data, rows[i].text);
    }
}

static void test_text_foreign_cannot_drive_the_terminal(void **state)
{
    AUTO(buf) struct buf out;
    buf_init(&out, 100);
    text_foreign(&out, "a\x1b[2J\nb\x7f\xc2\x9b"
                       "c \xc3\xa9");
    check_text(out.data, "a?[2J?b??c \xc3\xa9");
    check_int(text_width(out.data), 12);
}

CHECK_MAIN("cli/text",
           CHECK(test_text_writes_values_as_people_do),
           CHECK(test_text_foreign_cannot_drive_the_terminal))
