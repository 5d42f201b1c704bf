/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TARGET_H
#define API_TARGET_H

#include "core/base/field.h"

/*
 * The raw request target: path and query, decoded once and strictly.
 *
 * Refused are: anything but the origin form, control characters, a broken or
 * hidden separator (%2f, %5c, %00), "." and ".." and empty segments, so that
 * what a proxy saw and what we see are the same path.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

#define TARGET_BYTES_MAX 4096
#define TARGET_KEYS_MAX  16

struct target {
    const char *path;
    struct doc *query; /* an object of strings; NULL: no query */
};

/* RC_INVALID, RC_DUPLICATE_KEY, RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc target_parse(const char *raw, struct region *region, struct target *ret, struct why *why) MUST_CHECK;
void target_finish(struct target *target);
DEFINE_AUTO(target)

/* The query as the struct of `schema` (NULL: there must be none); numbers are read from their text. */
enum rc target_query(const struct target *target, const struct schema *schema, struct region *region,
                     void **ret, struct why *why) MUST_CHECK;

#endif
