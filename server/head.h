/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HEAD_H
#define SERVER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

/*
 * Was the head of a request one that every reader reads alike?
 *
 * libmicrohttpd 0.9.75 is generous: it ends the target and values at a NUL, takes
 * a bare LF for the end of a line, joins folded lines, skips blanks around the
 * target. What it hands out then looks innocent, and a proxy in front of us may
 * have seen another request. It does not keep the bytes, but it leaves them where
 * they were: method, target, version, names and values are strings of one buffer.
 * In a good head each begins exactly one separator behind the one before it, and
 * the last one ends exactly where the head ends. A gap is what was left out.
 *
 * Places are compared as numbers; nothing is ever read through them. A library
 * that copied instead would make every request look bad: the tests would say so.
 *
 * Threads: the connection's. Memory: none. Logs: no.
 */

/* The target as libmicrohttpd gave it to the callback of MHD_OPTION_URI_LOG_CALLBACK. */
struct head_target {
    uintptr_t at;
    size_t size;
};

/* In the first call of the access handler, while method and version are valid. */
bool head_is_plain(struct MHD_Connection *connection, struct head_target target, const char *method, const char *version);

/* When the body is complete: no trailer that would have to stand in the head (framing, host, authority). */
bool head_trailers_are_harmless(struct MHD_Connection *connection, struct head_target target, const char *method);

#endif
