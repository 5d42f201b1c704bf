/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLIENT_MAP_H
#define SERVER_CLIENT_MAP_H

#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Which token a client certificate stands for: the file `client_tokens`.
 *
 *     # one certificate a line: what it is known by, then the id of the token
 *     sha256:9f86d0...  tok-...     the SHA-256 of the certificate (DER), 64 digits in lower case
 *     uri:spiffe://shop/web  tok-...   a URI among its alternative names
 *     name:web 1  tok-...           its subject's common name; blanks inside are part of it
 *
 * Strict: what cannot be read is an error that names its line, and so is the
 * same certificate on two lines.
 *
 * Threads: constant once made, so any. Memory: client_map_destroy(). Logs: no.
 */

#define CLIENT_MAP_BYTES_MAX (4u << 20)
#define CLIENT_MAP_LINES_MAX 50000
#define CLIENT_MAP_VALUE_MAX 512 /* bytes of a name or URI */

enum client_map_kind {
    CLIENT_MAP_SHA256,
    CLIENT_MAP_URI,
    CLIENT_MAP_NAME,
    CLIENT_MAP_KINDS
};

struct client_map;

/* file is the name for the words. RC_INVALID, RC_DUPLICATE_KEY, RC_TOO_LARGE (why->path is "file:line"); RC_NO_MEMORY. */
enum rc client_map_read(const char *text, size_t n, const char *file, struct client_map **ret, struct why *why) MUST_CHECK;

/* The id of the token, which lives as long as the map; NULL: no line. A map that is NULL has none. */
const char *client_map_find(const struct client_map *map, enum client_map_kind kind, const char *value);

void client_map_destroy(struct client_map *map);
DEFINE_AUTO_PTR(client_map)

#endif
