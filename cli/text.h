/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdint.h>

#include "core/base/buf.h"

/*
 * Values in the words of people: sizes, times, numbers, and foreign text made
 * safe for a terminal.
 *
 * Each appends to a buffer; a full one keeps its mark (core/base/buf.h).
 * Threads: any. Memory: the buffer's. Logs: no.
 */

/* "912 B", "119.2 KiB" */
void text_bytes(struct buf *out, int64_t bytes);

/* "now", "3 min ago", "in 29 days"; then and now in Unix seconds */
void text_ago(struct buf *out, int64_t then, int64_t now);

/* "8 s", "1 min 20 s", "2 h 5 min" */
void text_duration(struct buf *out, int64_t seconds);

/* "12,288" */
void text_count(struct buf *out, int64_t n);

/* Four significant digits: "0.9737", "654.9", "12" */
void text_number(struct buf *out, double x);

/* Text of the server or a file: control characters become "?", so that it cannot drive the terminal. */
void text_foreign(struct buf *out, const char *text);

/* Places on a terminal that a UTF-8 text takes (wide characters count as one). */
size_t text_width(const char *text);

#endif
