/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/row.h"

#include <string.h>

#define FIRST_ROOM 16

void row_page_begin(struct row_page *rows, struct region *region, int64_t limit, size_t size)
{
    *rows = (struct row_page){
        ._region = region,
        ._limit = (size_t)limit,
        ._size = size,
        ._used_max = limit <= STORE_PAGE_MAX ? region->used + ROW_PAGE_BYTES_MAX : SIZE_MAX,
    };
}

/* Doubles the room; the old items stay in the region, half as large as the new ones. */
static bool grow(struct row_page *rows)
{
    const size_t room = rows->_room == 0 ? FIRST_ROOM : rows->_room * 2;
    void *items = region_alloc(rows->_region, room, rows->_size);
    if (items == NULL) {
        return false;
    }
    if (rows->count > 0) {
        memcpy(items, rows->items, rows->count * rows->_size);
    }
    rows->items = items;
    rows->_room = room;
    return true;
}

void *row_page_next(struct row_page *rows, struct query *q)
{
    if (!query_next(q)) {
        return NULL;
    }
    if (rows->count == rows->_limit || (rows->count > 0 && rows->_region->used > rows->_used_max)) {
        rows->has_more = true;
        return NULL;
    }
    if (rows->count == rows->_room && !grow(rows)) {
        q->rc = RC_NO_MEMORY;
        return NULL;
    }
    return (char *)rows->items + rows->count++ * rows->_size;
}

void row_get_blob(struct query *q, int column, struct blob_ref *ret)
{
    query_copy(q, column, ret->name, sizeof(ret->name));
    query_copy(q, column + 1, ret->sha256, sizeof(ret->sha256));
    ret->bytes = (uint64_t)query_int(q, column + 2);
}

void row_bind_blob(struct query *q, const struct blob_ref *blob)
{
    const bool some = blob->name[0] != '\0';
    query_bind_text(q, some ? blob->name : NULL);
    query_bind_text(q, some ? blob->sha256 : NULL);
    query_bind_int(q, some ? (int64_t)blob->bytes : 0);
}

enum rc row_missing(struct why *why, const char *kind, const char *name)
{
    return why_fail(why, RC_NOT_FOUND, NULL, "there is no %s \"%s\"", kind, name);
}
