/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_MULTIPART_H
#define API_MULTIPART_H

#include "core/base/cleanup.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * multipart/form-data (RFC 7578), read in pieces of any size without keeping
 * the parts: bytes are handed on as they come.
 *
 * Invariant: cutting the body elsewhere changes nothing but how the bytes of a
 * part are grouped. After a failure the parser refuses everything.
 *
 * Threads: one at a time. Memory: multipart_destroy() frees; what a callback is
 * given is borrowed for the call. Logs: no.
 */

#define MULTIPART_BOUNDARY_MAX 70   /* RFC 2046 */
#define MULTIPART_HEADERS_MAX  4096 /* bytes of one part's headers */
#define MULTIPART_PARTS_MAX    16
#define MULTIPART_OUTSIDE_MAX  4096 /* bytes before the first and after the last boundary */
#define MULTIPART_NAME_MAX     64
#define MULTIPART_FILENAME_MAX 255

struct multipart_part {
    const char *name;
    const char *filename; /* NULL: not a file */
    const char *type;     /* its Content-Type; NULL: none */
};

/* A callback's failure ends the parsing with its rc. */
struct multipart_events {
    void *arg;
    enum rc (*begin)(void *arg, const struct multipart_part *part, struct why *why);
    enum rc (*bytes)(void *arg, const char *bytes, size_t n, struct why *why);
    enum rc (*end)(void *arg, struct why *why);
};

struct multipart;

/* content_type is the request's header. RC_UNSUPPORTED: not multipart/form-data; RC_INVALID: its boundary. */
enum rc multipart_create(const char *content_type, const struct multipart_events *events,
                         struct multipart **ret, struct why *why) MUST_CHECK;

/* RC_SYNTAX, RC_TOO_LARGE, RC_UNSUPPORTED (a transfer encoding), or what a callback gave. */
enum rc multipart_push(struct multipart *multipart, const char *bytes, size_t n, struct why *why) MUST_CHECK;

/* RC_SYNTAX when the closing boundary has not come. */
enum rc multipart_finish(struct multipart *multipart, struct why *why) MUST_CHECK;

void multipart_destroy(struct multipart *multipart);
DEFINE_AUTO_PTR(multipart)

#endif
