/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"
#include "core/base/region.h"
#include "core/base/why.h"

/*
 * All that licit keeps: one directory with a database and sealed files.
 * What lies in it is in core/store/README.md; what can be kept is in the
 * family headers (dataset.h, job.h, model.h, token.h) and blob.h.
 *
 * Invariants: one process has the directory (DIR/lock). One thread, the
 * ledger, owns the only connection that writes; every writing call is run
 * there inside a transaction and returns when that is on the disk: RC_OK means
 * durable. Writers that wait together share one commit. After a failed write
 * to the disk (RC_IO) nothing more is accepted until the process starts anew.
 *
 * Errors that every function of the families may give besides its own:
 * RC_NO_MEMORY, RC_STORAGE_FULL, RC_IO, RC_CORRUPT, RC_UNAVAILABLE (closing).
 *
 * Threads: any, all calls may block on the disk. Memory: strings of rows live
 * in the caller's region. Logs: store_opened, store_degraded, blob_lost.
 */

#define STORE_PAGE_MAX 1000 /* rows of one list */

struct store;

/* A part of a list, newest first: at most limit rows (1 to STORE_PAGE_MAX) behind the row `after`. */
struct store_page {
    int64_t limit;
    const char *after; /* id or name of the last row already seen; NULL: from the newest */
};

/* Makes the directory when it is missing. RC_CONFLICT: another process has it, or files without their
 * database lie in it, or the database is of a newer licit; RC_CORRUPT, RC_IO, RC_STORAGE_FULL, RC_NO_MEMORY. */
enum rc store_open(const char *dir, struct store **ret, struct why *why) MUST_CHECK;

/* Finishes what waits, then closes. No other call may be under way or follow. NULL is allowed. */
void store_close(struct store *store);

/* Has a write to the disk failed, so that nothing more is written? */
bool store_is_degraded(struct store *store);

struct store_numbers {
    uint64_t writes;  /* accepted calls since the start */
    uint64_t commits; /* transactions that they took */
    uint64_t queued;  /* calls waiting now */
};

struct store_numbers store_look(struct store *store);

#endif
