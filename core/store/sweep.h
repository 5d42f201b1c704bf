/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_SWEEP_H
#define CORE_STORE_SWEEP_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/store/inside.h"

/*
 * Brings blobs/ in line with the rows, at the start and before anyone else
 * looks: files that were being written are removed, and those whose erasing was
 * interrupted; files that no row names go to lost/, where they stay
 * SWEEP_LOST_DAYS. Nothing that might be wanted is removed at once.
 *
 * Threads: one, before the store is open. Memory: none. Logs: blob_lost.
 */

#define SWEEP_LOST_DAYS 30

/* Does the directory hold anything but unfinished files? RC_IO, RC_NO_MEMORY. */
enum rc sweep_has_files(int blobs, bool *ret) MUST_CHECK;

/* RC_IO, RC_NO_MEMORY, RC_CORRUPT. */
enum rc sweep_run(struct store *store, struct db *db) MUST_CHECK;

#endif
