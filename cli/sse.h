/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/rc.h"

/*
 * Server-sent events: bytes in, events out (WHATWG HTML, section 9.2).
 *
 * Lines may be cut anywhere and end in CR, LF or both; comments are heartbeats
 * and vanish; the last id stays until another one comes, which is what
 * Last-Event-ID wants after a broken connection.
 *
 * Threads: one. Memory: sse_finish() frees. Logs: no.
 */

#define SSE_LINE_MAX (1024 * 1024) /* bytes of one line, and of one event's data */
#define SSE_ID_MAX   64
#define SSE_TYPE_MAX 32

struct sse {
    struct buf _line, _data;
    char _type[SSE_TYPE_MAX];
    char last_id[SSE_ID_MAX]; /* of the last complete event that had one */
    char _id[SSE_ID_MAX];
    bool _has_data, _after_cr;
};

/* One event: its type ("message" when it names none) and its data. Returning false ends the feeding. */
typedef bool (*sse_event_fn)(void *arg, const char *type, const char *data, size_t n);

void sse_init(struct sse *sse);
void sse_finish(struct sse *sse);
DEFINE_AUTO(sse)

/* A new connection: half a line of the old one is forgotten, the last id is kept. */
void sse_restart(struct sse *sse);

/* RC_CANCELLED: the receiver said that it is enough; RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc sse_feed(struct sse *sse, const char *bytes, size_t n, sse_event_fn event, void *arg) MUST_CHECK;

#endif
