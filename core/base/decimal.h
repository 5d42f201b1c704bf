/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_DECIMAL_H
#define CORE_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decimal text to binary numbers: the one number parser for tables and requests.
 *
 * The result is the float or double nearest to the text, ties to even, as if the
 * text were read with unlimited precision (a float is never rounded twice). No
 * locale, no allocation, any length of digits. What would round to an infinity
 * is refused, never given. Underflow to zero or a subnormal is a value.
 *
 * Threads: any. Memory: none. Logs: no.
 */

/* The JSON number (RFC 8259 section 6) at the start of n bytes: how many bytes it takes, with
 * its value. 0: none stands there, it is cut ("1.", "1e"), or it does not fit. */
size_t decimal_scan_float(const char *text, size_t n, float *ret);
size_t decimal_scan_double(const char *text, size_t n, double *ret);

/* The bytes that the JSON number takes, whether it fits or not; 0: none. Tells the two apart. */
size_t decimal_scan_length(const char *text, size_t n);

/* A whole table cell: also a leading "+", blanks around it, "1." and ".5". No hexadecimal, no
 * "inf", no "nan". False: not a number, or it does not fit. */
bool decimal_to_float(const char *text, size_t n, float *ret);
bool decimal_to_double(const char *text, size_t n, double *ret);

/* Is it a number by the cell's grammar, whether it fits or not? */
bool decimal_is_number(const char *text, size_t n);

#endif
