/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_DATASET_BODY_H
#define CORE_SERVICE_DATASET_BODY_H

#include "core/data/column.h"

/*
 * The bodies of a dataset (contract: Dataset) as C structs and field tables:
 * what an upload says of it, and what GET answers.
 *
 * Threads: any. Memory: the caller's region. Logs: no.
 */

#define DATASET_NAME_MAX     200
#define DATASET_PURPOSES_MAX 32

/* What it is for and where it comes from: the same keys in both bodies. */
struct governance {
    const char *name, *target, *origin, *licence, *legal_basis, *subject_column, *known_gaps;
    struct field_list missing, purposes, group_columns; /* const char * */
    bool personal_data;
    int64_t retention_days;
};

struct dataset_metadata {
    struct governance governance;
    struct field_map columns; /* of struct column_choice * */
};

struct dataset_view {
    const char *id, *object, *sha256, *derived_from;
    int status;
    int64_t version, rows, bytes, created_at;
    struct governance governance;
    struct field_list columns; /* of struct column * */
};

enum dataset_status {
    DATASET_READY,
    DATASET_ERASED
};

extern const struct schema dataset_metadata_schema;
extern const struct schema dataset_schema;

/* Reads the part and checks what no single row can: personal data needs its legal basis, subject column
 * and retention. RC_SYNTAX, RC_INVALID, RC_UNKNOWN_KEY, RC_DUPLICATE_KEY. */
enum rc dataset_metadata_read(const char *json, size_t n, struct region *region, struct dataset_metadata *out,
                              struct why *why) MUST_CHECK;

/* Do the columns that the metadata names exist? RC_UNPROCESSABLE with the path. */
enum rc dataset_metadata_check(const struct dataset_metadata *metadata, const struct field_list *columns,
                               struct why *why) MUST_CHECK;

/* The body of a stored dataset back as a view. RC_CORRUPT. */
enum rc dataset_view_read(const char *json, struct region *region, struct dataset_view *out,
                          struct why *why) MUST_CHECK;

#endif
