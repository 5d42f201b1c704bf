/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_STORE_FACT_H
#define CORE_STORE_FACT_H

#include "core/store/store.h"

/*
 * Single things that the database knows of the whole state directory, each a
 * short text under a name of ours.
 *
 * Threads, memory and common errors: store.h. Logs: no.
 */

/* *ret is NULL when there is none. */
enum rc store_fact_get(struct store *store, const char *name, struct region *region, const char **ret) MUST_CHECK;

/* Replaces what was there. */
enum rc store_fact_set(struct store *store, const char *name, const char *value) MUST_CHECK;

#endif
