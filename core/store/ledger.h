/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_LEDGER_H
#define CORE_STORE_LEDGER_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/store/db.h"
#include "core/store/store.h"

/*
 * The one thread that writes.
 *
 * Callers queue closures and wait. The thread takes all that wait (at most
 * LEDGER_BATCH_MAX), runs each inside a savepoint of one transaction, commits
 * once, and wakes them: four threads that write pay one sync, not four. A
 * closure that fails takes back only what it did itself.
 *
 * A failed sync is final: Linux reports it once and then calls the page clean,
 * so going on would lose data silently. The ledger then refuses everything.
 *
 * Threads: any may write; create and destroy from one. Memory: ledger_destroy()
 * frees, and closes the connection. Logs: store_degraded.
 */

#define LEDGER_BATCH_MAX 256

struct ledger;

/* Takes the connection, also on failure. RC_NO_MEMORY, RC_UNAVAILABLE (no thread). */
enum rc ledger_create(struct db *db, struct ledger **ret) MUST_CHECK;

/* Runs fn on the ledger's thread; returns after the commit. RC_UNAVAILABLE: it stops. */
enum rc ledger_write(struct ledger *ledger, enum rc (*fn)(struct db *db, void *arg), void *arg) MUST_CHECK;

bool ledger_is_degraded(struct ledger *ledger);
struct store_numbers ledger_look(struct ledger *ledger);

/* Finishes what waits. NULL is allowed. */
void ledger_destroy(struct ledger *ledger);

#endif
