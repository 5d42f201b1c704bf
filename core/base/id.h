/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ID_H
#define CORE_BASE_ID_H

#include <stdbool.h>

/*
 * Ids: a prefix, a dash and 20 characters of base32hex (RFC 4648 section 7, lower
 * case): 45 bits of Unix milliseconds, 55 random bits. They sort by time.
 *
 * Threads: any. Memory: none. Logs: no.
 */

#define ID_SIZE 25 /* three characters of prefix at most, a dash, 20 characters, a NUL */

/* prefix: "ds", "job", "tok", "evt", "req". Random bits come from the kernel; if it has none, aborts. */
void id_make(const char *prefix, char ret[ID_SIZE]);

/* Is text an id with this prefix? */
bool id_is(const char *text, const char *prefix);

#endif
