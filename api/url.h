/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_URL_H
#define API_URL_H

#include "core/base/field.h"

/*
 * The raw request target: path and query, decoded once and strictly.
 *
 * Refused are: anything but the origin form (and the absolute one, of our host), control characters, a broken or
 * hidden separator (%2f, %5c, %00), "." and ".." and empty segments, so that
 * what a proxy saw and what we see are the same path.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

#define URL_BYTES_MAX 4096
#define URL_KEYS_MAX  16

struct url {
    const char *path;
    struct doc *query; /* an object of strings; NULL: no query */
};

/*
 * The target as path and query (*ret: in it, or the region's), also of the absolute form http://host/path (RFC 9112,
 * 3.2.2), whose host must be that of the header. RC_INVALID, RC_NO_MEMORY.
 */
enum rc url_cut_origin(const char *raw, const char *host, struct region *region, const char **ret, struct why *why) MUST_CHECK;

/* RC_INVALID, RC_DUPLICATE_KEY, RC_URI_TOO_LONG, RC_TOO_LARGE (parameters), RC_NO_MEMORY. */
enum rc url_parse(const char *raw, struct region *region, struct url *ret, struct why *why) MUST_CHECK;
void url_finish(struct url *url);
DEFINE_AUTO(url)

/* The query as the struct of `schema` (NULL: there must be none); numbers are read from their text. */
enum rc url_query(const struct url *url, const struct schema *schema, struct region *region,
                  void **ret, struct why *why) MUST_CHECK;

#endif
