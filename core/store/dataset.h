/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_DATASET_H
#define CORE_STORE_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/id.h"
#include "core/store/blob.h"
#include "core/store/store.h"

/*
 * Rows of datasets. Threads, memory and common errors: store.h. Logs: no.
 */

struct dataset_row {
    char id[ID_SIZE];
    const char *name;   /* several rows may have it: they are its versions */
    int64_t version;    /* 1, 2, ... under the name; given by the store */
    bool erased;        /* the file is gone, the rest stays on record */
    int64_t created_at; /* Unix seconds */
    int64_t erased_at;  /* 0: not erased */
    int64_t rows;
    int64_t bytes;                 /* of the uploaded file */
    char sha256[BLOB_SHA256_SIZE]; /* of the uploaded file */
    struct blob_ref blob;          /* the file as it is kept; no name once erased */
    const char *body;              /* JSON text: metadata and columns */
};

struct dataset_list {
    struct dataset_row *rows;
    size_t count;
    bool has_more;
};

/* Keeps the row (version, erased and erased_at are not looked at). RC_CONFLICT: the id is there. */
enum rc store_dataset_add(struct store *store, const struct dataset_row *row, int64_t *ret_version,
                          struct why *why) MUST_CHECK;

/* RC_NOT_FOUND. An erased dataset is found. */
enum rc store_dataset_get(struct store *store, const char *id, struct region *region,
                          struct dataset_row *ret, struct why *why) MUST_CHECK;

/* Newest first, erased ones included. RC_NOT_FOUND: page->after. */
enum rc store_dataset_list(struct store *store, const struct store_page *page, struct region *region,
                           struct dataset_list *ret, struct why *why) MUST_CHECK;

/* Removes the file and keeps the row, with another body when one is given. RC_NOT_FOUND; RC_GONE: it was erased before. */
enum rc store_dataset_erase(struct store *store, const char *id, int64_t at, const char *body,
                            struct why *why) MUST_CHECK;

#endif
