/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_DATASET_H
#define CORE_SERVICE_DATASET_H

#include "core/service/dataset_body.h"
#include "core/service/service.h"

/*
 * Datasets: upload, describe, list, erase.
 *
 * An upload is an object of its own: the metadata and the file arrive in either
 * order and in pieces. When the metadata is first, the table is checked while it
 * streams and a bad line ends the upload early; else it is checked at the end.
 * Nothing is seen of a dataset until upload_finish() has returned RC_OK.
 *
 * Threads: an upload belongs to one thread at a time; all calls: disk.
 */

struct upload;

enum rc upload_create(struct service *service, struct upload **ret, struct why *why) MUST_CHECK;

/* The whole metadata part, once. */
enum rc upload_metadata(struct upload *upload, const char *json, size_t n, struct why *why) MUST_CHECK;

/* The next bytes of the file part. RC_TOO_LARGE, RC_INVALID or RC_UNPROCESSABLE with line and column, RC_STORAGE_FULL. */
enum rc upload_bytes(struct upload *upload, const char *bytes, size_t n, struct why *why) MUST_CHECK;

/* Checks that both parts came, stores, and gives the dataset's document. */
enum rc upload_finish(struct upload *upload, struct doc **ret, struct why *why) MUST_CHECK;

/* Also gives up an unfinished upload; nothing of it stays. NULL is fine. */
void upload_destroy(struct upload *upload);
DEFINE_AUTO_PTR(upload)

/* An erased dataset answers RC_GONE, and *ret then holds what remains on record. */
enum rc service_dataset_get(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;

enum rc service_dataset_list(struct service *service, const struct page *page, struct doc **ret,
                             struct why *why) MUST_CHECK;

/* RC_CONFLICT while a job uses it. Erasing again is RC_GONE. */
enum rc service_dataset_erase(struct service *service, const char *id, struct doc **ret, struct why *why) MUST_CHECK;

#endif
