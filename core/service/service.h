/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_SERVICE_H
#define CORE_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/doc.h"
#include "core/base/id.h"
#include "core/base/region.h"
#include "core/base/why.h"

/*
 * The use cases of licit, one file each: dataset, job (train and evaluate),
 * model, predict, token. The only place where the network and the store meet.
 *
 * Every call names its caller; what a token may do with an object that only the
 * body names (the dataset of a job, the label it sets) is checked here, what the
 * path names is checked by api/ before.
 *
 * Replies are documents in the words of the contract, made from the field
 * tables in the same headers; the caller frees them with doc_destroy().
 *
 * Threads: any, after service_open(); calls marked "disk" may wait for it and
 * belong on an io worker. Logs: life events (jobs, models), nothing per request.
 */

struct service;
struct caller;

struct service_config {
    const char *state;      /* the state directory; made when it is not there */
    int trainers;           /* jobs that run at once, 1 to 16 */
    int train_threads;      /* threads that one job may use, 1 to 64 */
    size_t train_memory;    /* bytes that one job may need: table, network, optimizer */
    size_t resident_memory; /* bytes that all loaded versions may need together */
    size_t model_memory;    /* bytes that one loaded version may need */
    size_t dataset_bytes;   /* ceiling of one uploaded table */
    int jobs_waiting;       /* queued jobs beyond which a new one is refused (RC_BUSY) */
    int64_t token_seconds;  /* the longest life of a token */
};

/* The defaults of every key above but `state`. */
extern const struct service_config service_defaults;

/* Opens the store under its lock, loads tokens and deployed versions, checks the BLAS, goes on with
 * interrupted jobs. RC_CONFLICT: another process has the lock; others with words. */
enum rc service_open(const struct service_config *config, struct service **ret, struct why *why) MUST_CHECK;

/* Interrupts running jobs (they go on after the next start) and joins the trainers. Idempotent. */
void service_stop(struct service *service);

/* Closes the store and frees everything; after service_stop() and when nobody calls any more. */
void service_close(struct service *service);

/* The library line for records and logs: "OpenBLAS 0.3.21 ... Cooperlake". */
const char *service_library(void);

/* Paging of every list: newest first, at most limit (1 to 1000), after the id (NULL: from the newest). */
struct page {
    int limit;
    const char *after;
};

#endif
