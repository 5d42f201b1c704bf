/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"

/*
 * Growable bytes with a mandatory ceiling.
 *
 * Invariants: data is NUL-terminated whenever it is not NULL; len <= max.
 * A failed append leaves the contents as they were, sets `failed` and makes
 * every later append fail too, so a writer may append many times and look once.
 *
 * Threads: one at a time. Memory: buf_finish() frees. Logs: no.
 */

struct buf {
    char *data;     /* NULL until the first append */
    size_t len;     /* bytes in use, without the closing NUL */
    size_t max;     /* the ceiling that buf_init() was given */
    enum rc failed; /* RC_OK, RC_TOO_LARGE or RC_NO_MEMORY; stays until buf_clear() */
    size_t _room;
};

void buf_init(struct buf *buf, size_t max);
void buf_finish(struct buf *buf);
DEFINE_AUTO(buf)

/* RC_TOO_LARGE over the ceiling, RC_NO_MEMORY; also readable later in `failed`. The bytes lie outside the buffer. */
enum rc buf_append(struct buf *buf, const void *bytes, size_t n);
enum rc buf_text(struct buf *buf, const char *text);
enum rc buf_char(struct buf *buf, char c);
enum rc buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more bytes, to be written by the caller and then counted with buf_grown(); NULL: failed. */
char *buf_room(struct buf *buf, size_t n);
void buf_grown(struct buf *buf, size_t n);

/* Forgets what lies behind the first len bytes, len at most what is in use. */
void buf_cut(struct buf *buf, size_t len);

/* Empties it and keeps the memory. */
void buf_clear(struct buf *buf);

/* The bytes become the caller's (mem_free()); an empty buffer gives an empty string; NULL: no memory. */
char *buf_take(struct buf *buf, size_t *ret_len);

#endif
