/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ROOM 256

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .max = max == SIZE_MAX ? max - 1 : max }; /* the closing NUL must be countable */
}

void buf_finish(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){ .max = buf->max };
}

char *buf_room(struct buf *buf, size_t n)
{
    size_t need;
    if (buf->failed != RC_OK) {
        return NULL;
    }
    if (!mem_add(buf->len, n, &need) || need > buf->max) {
        buf->failed = RC_TOO_LARGE;
        return NULL;
    }
    if (need + 1 > buf->_room) {
        size_t room = buf->_room == 0 ? FIRST_ROOM : buf->_room * 2;
        room = room > buf->max ? buf->max + 1 : room;
        room = room < need + 1 ? need + 1 : room;
        char *data = mem_resize(buf->data, room, 1);
        if (data == NULL) {
            buf->failed = RC_NO_MEMORY;
            return NULL;
        }
        buf->data = data;
        buf->_room = room;
        buf->data[buf->len] = '\0';
    }
    return buf->data + buf->len;
}

void buf_grown(struct buf *buf, size_t n)
{
    MUST(buf->len + n < buf->_room);
    buf->len += n;
    buf->data[buf->len] = '\0';
}

enum rc buf_append(struct buf *buf, const void *bytes, size_t n)
{
    char *room = buf_room(buf, n);
    if (room == NULL) {
        return buf->failed;
    }
    if (n > 0) {
        memcpy(room, bytes, n);
    }
    buf_grown(buf, n);
    return RC_OK;
}

enum rc buf_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

enum rc buf_char(struct buf *buf, char c)
{
    return buf_append(buf, &c, 1);
}

enum rc buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 && buf->failed == RC_OK) {
        buf->failed = RC_INTERNAL; /* a format that the C library refuses */
    }
    char *room = n < 0 ? NULL : buf_room(buf, (size_t)n);
    if (room != NULL) {
        (void)vsnprintf(room, (size_t)n + 1, format, again); /* the length is known to fit */
        buf_grown(buf, (size_t)n);
    }
    va_end(again);
    return buf->failed;
}

void buf_cut(struct buf *buf, size_t len)
{
    MUST(len <= buf->len);
    buf->len = len;
    if (buf->data != NULL) {
        buf->data[len] = '\0';
    }
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = RC_OK;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

char *buf_take(struct buf *buf, size_t *ret_len)
{
    if (buf->data == NULL && buf_room(buf, 0) == NULL) {
        return NULL;
    }
    if (ret_len != NULL) {
        *ret_len = buf->len;
    }
    char *data = TAKE(buf->data);
    *buf = (struct buf){ .max = buf->max };
    return data;
}
