/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_READERS_H
#define CORE_STORE_READERS_H

#include "core/base/rc.h"
#include "core/base/why.h"
#include "core/store/db.h"

/*
 * A few connections that only read, handed out one caller at a time. They
 * never checkpoint (core/store/db.c says why).
 *
 * Threads: any may take and give; create and destroy from one. Memory:
 * readers_destroy() closes all, when none is taken. Logs: no.
 */

#define READERS_COUNT 4

struct readers;

enum rc readers_create(const char *path, struct readers **ret, struct why *why) MUST_CHECK;

/* Waits until one is free. */
struct db *readers_take(struct readers *readers);
void readers_give(struct readers *readers, struct db *db);

/* NULL is allowed. */
void readers_destroy(struct readers *readers);

#endif
