/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/decimal.h"
#include "tests/fuzz/fuzz.h"

/*
 * Numbers as text. The first byte chooses: the text as it is, or the digits of a
 * value made of the next bytes, its neighbours' exact middle among them.
 *
 * What must hold: what is accepted is exactly what a second statement of the
 * grammar (below) accepts and the C library does not read as an infinity; the
 * bits are those of strtod() and strtof() where these are right (below). JSON numbers take the bytes that the
 * grammar says.
 */

#define DIGITS_MAX 1200

static size_t digits(const char *text, size_t n, size_t at)
{
    while (at < n && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at;
}

static size_t exponent(const char *text, size_t n, size_t at, bool *ok)
{
    if (at < n && (text[at] | 0x20) == 'e') {
        const size_t sign = at + 1 + (at + 1 < n && (text[at + 1] == '+' || text[at + 1] == '-'));
        at = digits(text, n, sign);
        *ok = *ok && at > sign;
    }
    return at;
}

/* RFC 8259: [-] (0 | 1-9 digits) [. digits] [e [sign] digits]. 0: none, or cut. */
static size_t json_length(const char *text, size_t n)
{
    const size_t start = n > 0 && text[0] == '-';
    size_t at = start < n && text[start] == '0' ? start + 1 : digits(text, n, start);
    bool ok = at > start;
    if (ok && at < n && text[at] == '.') {
        const size_t fraction = at + 1;
        at = digits(text, n, fraction);
        ok = at > fraction;
    }
    at = ok ? exponent(text, n, at, &ok) : 0;
    return ok ? at : 0;
}

/* A cell: blanks, a sign, digits with a point anywhere among them, an exponent, blanks; [*start, *end) without blanks. */
static bool is_cell(const char *text, size_t n, size_t *start, size_t *end)
{
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) {
        n--;
    }
    size_t at = 0;
    while (at < n && (text[at] == ' ' || text[at] == '\t')) {
        at++;
    }
    *start = at;
    *end = n;
    at += at < n && (text[at] == '+' || text[at] == '-');
    const size_t whole = at;
    at = digits(text, n, at);
    size_t seen = at - whole;
    if (at < n && text[at] == '.') {
        const size_t fraction = at + 1;
        at = digits(text, n, fraction);
        seen += at - fraction;
    }
    bool ok = seen > 0;
    at = exponent(text, n, at, &ok);
    return ok && at == n;
}

/*
 * Below the least normal value glibc 2.36 does not always give the nearest (5.8785826334690310385...e-39 with all its
 * 112 digits, to which a float above is nearer): there the distance is measured in the next wider format.
 */
static void check_double(bool ok, double got, const char *text)
{
    const double want = strtod(text, NULL);
    MUST(ok == !isinf(want));
    if (ok && fabs(want) < 2 * DBL_MIN) {
        MUST(fabsl((long double)got - strtold(text, NULL)) <= 0x1p-1075L && signbit(got) == signbit(want));
        return;
    }
    MUST(!ok || memcmp(&got, &want, sizeof(got)) == 0);
}

static void check_float(bool ok, float got, const char *text)
{
    const float want = strtof(text, NULL);
    MUST(ok == !isinf(want));
    if (ok && fabsf(want) < 2 * FLT_MIN) {
        MUST(fabs((double)got - strtod(text, NULL)) <= 0x1p-150 && signbit(got) == signbit(want));
        return;
    }
    MUST(!ok || memcmp(&got, &want, sizeof(got)) == 0);
}

static void check_json(const char *text, size_t n)
{
    const size_t length = json_length(text, n);
    double d = 0;
    float f = 0;
    MUST(decimal_scan_length(text, n) == length);
    const size_t as_double = decimal_scan_double(text, n, &d), as_float = decimal_scan_float(text, n, &f);
    MUST(as_double == 0 || as_double == length);
    MUST(as_float == 0 || as_float == length);
    if (length > 0) {
        AUTO_FREE char *exact = mem_strndup(text, length);
        check_double(as_double != 0, d, exact);
        check_float(as_float != 0, f, exact);
    }
}

static void check_cell(const char *text, size_t n)
{
    size_t start, end;
    double d = 0;
    float f = 0;
    const bool is = is_cell(text, n, &start, &end);
    MUST(decimal_is_number(text, n) == is);
    const bool as_double = decimal_to_double(text, n, &d), as_float = decimal_to_float(text, n, &f);
    MUST(is || (!as_double && !as_float));
    if (is) {
        AUTO_FREE char *exact = mem_strndup(text + start, end - start);
        check_double(as_double, d, exact);
        check_float(as_float, f, exact);
    }
}

static void check_both(const char *text, size_t n)
{
    check_json(text, n);
    check_cell(text, n);
}

/* The digits of a value: as many as asked for, or the exact middle between it and the next float, with a digit behind. */
static void check_value(uint8_t choice, struct fuzz_input *input)
{
    char text[DIGITS_MAX + 64];
    double d = 0;
    float f = 0;
    memcpy(&d, input->data, input->size < sizeof(d) ? input->size : sizeof(d));
    memcpy(&f, input->data, input->size < sizeof(f) ? input->size : sizeof(f));
    const int precision = choice * 5 % DIGITS_MAX;
    int n = snprintf(text, sizeof(text), "%.*e", precision, d);
    check_both(text, (size_t)n);
    const double middle = ((double)f + (double)nextafterf(f, INFINITY)) / 2;
    n = snprintf(text, sizeof(text), "%.*f%s", 160, middle, (choice & 1) != 0 ? "0000000001" : "");
    check_both(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint8_t choice = fuzz_byte(&input);
    if (choice >= 0x80) {
        check_value(choice, &input);
        return 0;
    }
    AUTO_FREE char *text = fuzz_bytes(&input);
    check_both(text, input.size);
    return 0;
}
