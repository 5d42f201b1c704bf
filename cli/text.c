/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

/* Appends are looked at once, at the end, in buf->failed. */
#define add(...) ((void)buf_printf(__VA_ARGS__))

void text_bytes(struct buf *out, int64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    if (bytes < 1024) {
        add(out, "%" PRId64 " B", bytes);
        return;
    }
    double x = (double)bytes / 1024.0;
    size_t unit = 0;
    while (x >= 1023.95 && unit + 1 < COUNT_OF(units)) {
        x /= 1024.0;
        unit++;
    }
    add(out, "%.1f %s", x, units[unit]);
}

void text_ago(struct buf *out, int64_t then, int64_t now)
{
    static const struct {
        int64_t seconds;
        const char *one, *many;
    } units[] = {
        { INT64_C(365) * 86400, "year", "years" },
        { INT64_C(86400), "day", "days" },
        { INT64_C(3600), "hour", "hours" },
        { INT64_C(60), "min", "min" },
        { INT64_C(1), "s", "s" },
    };

    const int64_t away = then > now ? then - now : now - then;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        const int64_t slack = then > now ? units[i].seconds / 60 : 0; /* what was given 30 days a minute ago has 30 days */
        const int64_t n = (away + slack) / units[i].seconds;
        if (n > 0) {
            add(out, "%s%" PRId64 " %s%s", then > now ? "in " : "", n, n == 1 ? units[i].one : units[i].many, then > now ? "" : " ago");
            return;
        }
    }
    add(out, "now");
}

void text_duration(struct buf *out, int64_t seconds)
{
    if (seconds < 60) {
        add(out, "%" PRId64 " s", seconds);
    } else if (seconds < 3600) {
        add(out, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    } else {
        add(out, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds % 3600 / 60);
    }
}

void text_count(struct buf *out, int64_t n)
{
    char digits[32];
    const int length = snprintf(digits, sizeof(digits), "%" PRId64, n);
    for (int i = 0; i < length; i++) {
        const bool after_digit = i > 0 && digits[i - 1] != '-';
        if (after_digit && (length - i) % 3 == 0) {
            (void)buf_char(out, ',');
        }
        (void)buf_char(out, digits[i]);
    }
}

void text_number(struct buf *out, double x)
{
    const double size = fabs(x);
    if (x == rint(x) && size < 1e15) {
        add(out, "%.0f", x);
    } else if (size >= 1e6 || size < 1e-4) {
        add(out, "%.3e", x);
    } else if (size < 1.0) {
        add(out, "%.4f", x); /* probabilities and losses line up */
    } else {
        add(out, "%.*g", size >= 10000.0 ? 6 : 4, x);
    }
}

void text_foreign(struct buf *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        const bool c1 = *c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0; /* U+0080 to U+009F: controls in two bytes */
        (void)buf_char(out, *c < 0x20 || *c == 0x7f || c1 ? '?' : (char)*c);
        c += c1;
    }
}

size_t text_width(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return n;
}
