/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/decimal_powers.h"

/*
 * DESIGN. A text is scanned into sign, up to 19 significant digits w and a power
 * of ten q, so that it means w * 10^q. Then, fastest first:
 *   1. w and 10^|q| are exact in the format: one multiplication or division rounds
 *      once (Clinger, "How to read floating point numbers accurately", 1990).
 *   2. w times the upper 128 bits of 5^q decides the rounding (Lemire, "Number
 *      parsing at a gigabyte per second", 2021). With more than 19 digits both w
 *      and w + 1 are tried: if they agree, so does every number between.
 *   3. What is left (a few in 10^9 of ordinary numbers) goes to strtod, as digits
 *      and an exponent without a radix point, so that no locale has a say.
 */

#define DIGITS_MAX   19  /* any number of so many digits fits 64 bits */
#define EXACT_DIGITS 800 /* more than 767 cannot change the rounding of a double but by being there */
#define EXPONENT_MAX 1000000000000LL

struct format {
    int mantissa_bits;           /* stored, without the leading one */
    int bias;                    /* the least exponent, as a power of two */
    int infinite;                /* the exponent field of an infinity */
    int least_power, most_power; /* beyond them: zero, too large */
    int least_tie, most_tie;     /* the powers of ten for which w * 10^q can lie half-way */
};

static const struct format format_float = { 23, -127, 0xff, -65, 38, -17, 10 };
static const struct format format_double = { 52, -1023, 0x7ff, -342, 308, -4, 23 };

struct number {
    bool minus;
    bool cut; /* more digits than w holds, one of them not zero */
    uint64_t w;
    int64_t q;
    const char *digits; /* the significant digits, a point among them perhaps */
    const char *digits_end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end, uint64_t *w)
{
    uint64_t n = *w;
    for (; p < end && is_digit(*p); p++) {
        n = n * 10 + (unsigned)(*p - '0');
    }
    *w = n;
    return p;
}

/* p .. end are more than DIGITS_MAX digits with a point perhaps: takes the first significant ones into w. */
static void take_many(const char *p, const char *end, struct number *it)
{
    int count = 0;
    bool after_point = false;
    it->w = 0;
    it->q = 0;
    it->digits = end;
    for (; p < end; p++) {
        const unsigned digit = (unsigned)(*p - '0');
        if (*p == '.') {
            after_point = true;
        } else if (count == 0 && digit == 0) {
            it->q -= after_point;
        } else if (count < DIGITS_MAX) {
            it->digits = count == 0 ? p : it->digits;
            it->w = it->w * 10 + digit;
            it->q -= after_point;
            count++;
        } else {
            it->cut |= digit != 0;
            it->q += !after_point;
        }
    }
}

/* "e+12" at p; p itself where none begins, NULL where one is cut. */
static const char *take_exponent(const char *p, const char *end, struct number *it)
{
    if (p == end || (*p | 0x20) != 'e') {
        return p;
    }
    p++;
    const bool minus = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    if (p == end || !is_digit(*p)) {
        return NULL;
    }
    int64_t exponent = 0;
    for (; p < end && is_digit(*p); p++) {
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*p - '0') : exponent;
    }
    it->q += minus ? -exponent : exponent;
    return p;
}

/* The number at the start of p .. end; where it ends, NULL: none. A cell may have "+", "1." and ".5". */
static const char *scan(const char *p, const char *end, bool cell, struct number *it)
{
    *it = (struct number){ .minus = p < end && *p == '-' };
    p += it->minus || (cell && p < end && *p == '+');
    const char *start = p;
    const bool zero = !cell && p < end && *p == '0'; /* in JSON nothing but a point may follow it */
    p = zero ? p + 1 : skip_digits(p, end, &it->w);
    ptrdiff_t digits = p - start;
    if (digits == 0 && !cell) {
        return NULL;
    }
    if (p < end && *p == '.') {
        const char *point = ++p;
        p = skip_digits(p, end, &it->w);
        it->q = point - p;
        digits += p - point;
        if (digits == 0 || (p == point && !cell)) {
            return NULL;
        }
    }
    it->digits = start;
    it->digits_end = p;
    if (digits > DIGITS_MAX) {
        take_many(start, p, it);
    }
    return digits == 0 ? NULL : take_exponent(p, end, it);
}

/* The whole cell, blanks around it left out. */
static bool scan_cell(const char *text, size_t n, struct number *it)
{
    const char *end = text + n;
    for (; text < end && (*text == ' ' || *text == '\t'); text++) {
    }
    for (; text < end && (end[-1] == ' ' || end[-1] == '\t'); end--) {
    }
    return scan(text, end, true, it) == end && text < end;
}

__extension__ typedef unsigned __int128 u128;

/*
 * The bits of the value nearest to w * 10^q in the format, without sign; `infinite` in the exponent
 * where it is too large. False: 128 bits do not decide it. The comments name the paper's algorithm 1.
 */
static bool nearest(uint64_t w, int64_t q, const struct format *format, uint64_t *ret)
{
    if (w == 0 || q < format->least_power) {
        *ret = 0;
        return true;
    }
    if (q > format->most_power) {
        *ret = (uint64_t)format->infinite << format->mantissa_bits;
        return true;
    }
    const int leading = __builtin_clzll(w); /* line 5: normalise */
    w <<= leading;
    const uint64_t *power = powers[q - POWER_FIRST];
    const u128 first = (u128)w * power[0]; /* line 7: the upper half of the power is nearly always enough */
    uint64_t high = (uint64_t)(first >> 64), low = (uint64_t)first;
    const uint64_t undecided = UINT64_MAX >> (format->mantissa_bits + 3);
    if ((high & undecided) == undecided) {
        const uint64_t carry = (uint64_t)((u128)w * power[1] >> 64);
        low += carry;
        high += low < carry;
    }
    if (low == UINT64_MAX && (q < -27 || q > 55)) { /* line 9 */
        return false;
    }
    const int upper = (int)(high >> 63); /* line 12 */
    const int shift = upper + 64 - format->mantissa_bits - 3;
    uint64_t mantissa = high >> shift; /* line 13: one bit more than the format has */
    /* line 15: the binary exponent; 217706 / 2^16 is log2(10) near enough for this range */
    int64_t exponent = ((217706 * q) >> 16) + 63 + upper - leading - format->bias;
    if (exponent <= 0) { /* line 17: a subnormal; no ties here */
        if (1 - exponent >= 64) {
            *ret = 0;
            return true;
        }
        mantissa >>= 1 - exponent;
        mantissa = (mantissa + (mantissa & 1)) >> 1;
        *ret = mantissa; /* a carry into the exponent's field makes it the least normal value */
        return true;
    }
    if (low <= 1 && q >= format->least_tie && q <= format->most_tie && (mantissa & 3) == 1 &&
        mantissa << shift == high) { /* line 22: exactly half-way, so to even */
        mantissa &= ~(uint64_t)1;
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1; /* line 24 */
    if (mantissa >= (uint64_t)2 << format->mantissa_bits) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent >= format->infinite) {
        *ret = (uint64_t)format->infinite << format->mantissa_bits;
        return true;
    }
    *ret = (uint64_t)exponent << format->mantissa_bits | (mantissa & (((uint64_t)1 << format->mantissa_bits) - 1));
    return true;
}

/* Steps 2 of the design; false: undecided. */
static bool decide(const struct number *it, const struct format *format, uint64_t *ret)
{
    uint64_t above;
    return nearest(it->w, it->q, format, ret) &&
           (!it->cut || (nearest(it->w + 1, it->q, format, &above) && above == *ret));
}

/* Step 3: the digits and "e<exponent>" for strtod or strtof; out holds EXACT_DIGITS + 32. */
static void spell(const struct number *it, char *out)
{
    int count = 0;
    int64_t taken = 0;
    bool more = false;
    for (const char *p = it->digits; p < it->digits_end; p++) {
        if (*p == '.') {
            continue;
        }
        if (count < EXACT_DIGITS) {
            out[count++] = *p;
        } else {
            more |= *p != '0';
        }
        taken++;
    }
    int64_t q = it->q - (count - (taken < DIGITS_MAX ? taken : DIGITS_MAX));
    if (more) {
        out[count++] = '1'; /* stands for all that was left out: only that it is not zero matters */
        q--;
    }
    (void)snprintf(out + count, 32, "e%lld", (long long)q); /* fits: q is below 14 digits */
}

static const double exact_powers[] = {
    1e0,
    1e1,
    1e2,
    1e3,
    1e4,
    1e5,
    1e6,
    1e7,
    1e8,
    1e9,
    1e10,
    1e11,
    1e12,
    1e13,
    1e14,
    1e15,
    1e16,
    1e17,
    1e18,
    1e19,
    1e20,
    1e21,
    1e22,
};

static bool make_double(const struct number *it, double *ret)
{
    double x;
    uint64_t bits;
    if (!it->cut && it->w <= (uint64_t)1 << 53 && it->q >= -22 && it->q <= 22) {
        x = it->q < 0 ? (double)it->w / exact_powers[-it->q] : (double)it->w * exact_powers[it->q];
    } else if (decide(it, &format_double, &bits)) {
        memcpy(&x, &bits, sizeof(x));
    } else {
        char text[EXACT_DIGITS + 32];
        spell(it, text);
        x = strtod(text, NULL);
    }
    if (!isfinite(x)) {
        return false;
    }
    *ret = it->minus ? -x : x;
    return true;
}

static bool make_float(const struct number *it, float *ret)
{
    float x;
    uint64_t bits;
    if (!it->cut && it->w <= (uint64_t)1 << 24 && it->q >= -10 && it->q <= 10) {
        const float power = (float)exact_powers[it->q < 0 ? -it->q : it->q]; /* 10^10 = 2^10 * 9765625: exact */
        x = it->q < 0 ? (float)it->w / power : (float)it->w * power;
    } else if (decide(it, &format_float, &bits)) {
        const uint32_t half = (uint32_t)bits;
        memcpy(&x, &half, sizeof(x));
    } else {
        char text[EXACT_DIGITS + 32];
        spell(it, text);
        x = strtof(text, NULL);
    }
    if (!isfinite(x)) {
        return false;
    }
    *ret = it->minus ? -x : x;
    return true;
}

size_t decimal_scan_float(const char *text, size_t n, float *ret)
{
    struct number it;
    const char *end = scan(text, text + n, false, &it);
    return end != NULL && make_float(&it, ret) ? (size_t)(end - text) : 0;
}

size_t decimal_scan_double(const char *text, size_t n, double *ret)
{
    struct number it;
    const char *end = scan(text, text + n, false, &it);
    return end != NULL && make_double(&it, ret) ? (size_t)(end - text) : 0;
}

size_t decimal_scan_length(const char *text, size_t n)
{
    struct number it;
    const char *end = scan(text, text + n, false, &it);
    return end == NULL ? 0 : (size_t)(end - text);
}

bool decimal_to_float(const char *text, size_t n, float *ret)
{
    struct number it;
    return scan_cell(text, n, &it) && make_float(&it, ret);
}

bool decimal_to_double(const char *text, size_t n, double *ret)
{
    struct number it;
    return scan_cell(text, n, &it) && make_double(&it, ret);
}

bool decimal_is_number(const char *text, size_t n)
{
    struct number it;
    return scan_cell(text, n, &it);
}
