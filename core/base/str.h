/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Strict readings of short texts: the whole text, nothing before, nothing
 * after, no locale. Threads: any. Memory: none. Logs: no.
 */

/* "-12" */
bool str_to_int64(const char *text, int64_t *ret);

/* "4096", "64k", "256M", "2G": powers of 1024 */
bool str_to_bytes(const char *text, uint64_t *ret);

/* "500ms", "30s", "10m", "12h", "30d"; a bare number is seconds. In milliseconds. */
bool str_to_ms(const char *text, int64_t *ret);

/* "yes|no|true|false|on|off" */
bool str_to_bool(const char *text, bool *ret);

/* Copies with a closing NUL; false when it does not fit (out, at least one byte, then holds an empty string). */
bool str_copy(char *out, size_t size, const char *text);

/* Are these n bytes valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF)? NUL is valid. */
bool str_is_utf8(const char *bytes, size_t n);

/* The length (1 to 4) of the UTF-8 sequence that begins these n > 0 bytes; 0: none does. */
size_t str_utf8_sequence(const char *bytes, size_t n);

/* Puts '?' in the place of every byte that may not be shown or logged as it is: control characters
 * (C0, DEL, C1), line separators, marks that turn the direction of writing, what is not UTF-8. */
void str_make_printable(char *text);

/* Model and label names, contract: [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
#define STR_NAME_MAX 63
bool str_is_name(const char *text);

#endif
