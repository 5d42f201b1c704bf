/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TRACE_H
#define API_TRACE_H

#include <stdbool.h>

#include "api/request.h"

/*
 * Other systems' names of a request: X-Request-Id, and the W3C Trace Context
 * (traceparent, tracestate). A valid context is carried through: the reply names
 * the same trace and a span of ours, which stands in the request log. What is
 * malformed is ignored, as the specification demands, never refused.
 *
 * Threads: any. Memory: the request's region. Logs: no.
 */

#define TRACE_ID_SIZE    33  /* 32 hex digits and a NUL */
#define TRACE_SPAN_SIZE  17  /* 16 */
#define TRACE_STATE_MAX  512 /* bytes of all tracestate headers together */
#define TRACE_STATES_MAX 32  /* vendors in it */

struct trace {
    char id[TRACE_ID_SIZE];
    char parent[TRACE_SPAN_SIZE]; /* the span that asks */
    char span[TRACE_SPAN_SIZE];   /* ours */
    unsigned flags;               /* the two that are defined: sampled, random */
    const char *state;            /* tracestate as it came; NULL: none that is valid */
};

/* Reads a traceparent of version 00, or what of a later version is the same; span and state stay empty. */
bool trace_read(const char *text, struct trace *ret);

/* Is it a tracestate: at most TRACE_STATE_MAX bytes and TRACE_STATES_MAX members key=value? */
bool trace_is_state(const char *text);

/* Sets client_id and trace of the request from its headers; without memory there is none. */
void trace_begin(struct api_request *request);

/* traceparent and tracestate of the reply, where the request has a trace. */
void trace_add_headers(struct api_request *request);

#endif
