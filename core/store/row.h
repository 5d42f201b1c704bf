/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_ROW_H
#define CORE_STORE_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/why.h"
#include "core/store/blob.h"
#include "core/store/db.h"
#include "core/store/store.h"

/*
 * What the families do alike; private to core/store.
 *
 *     row_page_begin(&rows, region, limit, sizeof(struct job_row));
 *     ... a query that gives at most limit + 1 rows ...
 *     while ((row = row_page_next(&rows, &q)) != NULL) { read_row(&q, region, row); }
 *
 * Threads: one. Memory: items live in the region. Logs: no.
 */

/* A page of a list (limit up to STORE_PAGE_MAX) ends early when its texts have become so many bytes: a list of
 * wide tables has shorter pages instead of none. */
#define ROW_PAGE_BYTES_MAX ((size_t)8 << 20)

struct row_page {
    void *items;
    size_t count;
    bool has_more; /* the query had a row more than the limit or the ceiling allows */
    struct region *_region;
    size_t _limit, _size, _room;
    size_t _used_max; /* of the region */
};

void row_page_begin(struct row_page *rows, struct region *region, int64_t limit, size_t size);

/* A place for the row that the query has come to; NULL: the end, or q->rc says why. Valid until the next call. */
void *row_page_next(struct row_page *rows, struct query *q);

/* Three columns from `column` on: name, sha256, bytes. */
void row_get_blob(struct query *q, int column, struct blob_ref *ret);
void row_bind_blob(struct query *q, const struct blob_ref *blob);

/* RC_NOT_FOUND in words. */
enum rc row_missing(struct why *why, const char *kind, const char *name);

#endif
