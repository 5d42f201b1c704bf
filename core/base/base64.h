/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_BASE64_H
#define CORE_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Base64 for places where every character must be safe in a URL and a header:
 * RFC 4648 section 5, without padding. Reading is strict: one text for the same
 * bytes, so that bits which decode to nothing cannot be changed unseen.
 *
 * Threads: any. Memory: the caller's. Logs: no.
 */

/* Characters of n bytes, without a NUL; and the most bytes of n characters. */
#define BASE64_LENGTH(n) (((n)*4 + 2) / 3)
#define BASE64_BYTES(n)  ((n)*3 / 4)

/* Writes BASE64_LENGTH(n) characters and a NUL. */
void base64_write(const void *bytes, size_t n, char *ret);

/* n characters into BASE64_BYTES(n) bytes; false, and ret is not defined: not in this form. */
bool base64_read(const char *text, size_t n, unsigned char *ret);

#endif
