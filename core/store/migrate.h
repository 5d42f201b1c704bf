/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_MIGRATE_H
#define CORE_STORE_MIGRATE_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/store/db.h"

/*
 * The shape of the database, as a list of steps. PRAGMA user_version says how
 * many of them have been made; each is one transaction together with its number.
 * A step that has been released never changes: a new shape is a new step.
 *
 * Threads: one. Memory: none. Logs: no.
 */

/* Brings the database up to date. has_files: stored files lie beside it, so that an empty database is
 * one that was lost. RC_CONFLICT: that, or it was made by a newer licit or by another program; and the
 * errors of db.h. */
enum rc migrate_run(struct db *db, bool has_files, struct why *why) MUST_CHECK;

#endif
