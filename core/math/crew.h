/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MATH_CREW_H
#define CORE_MATH_CREW_H

#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"

/*
 * A crew: helper threads that work through a grid of tiles beside their caller.
 *
 * The grid is the caller's and does not depend on the number of threads; a tile
 * writes only its own part of the output. Which thread computes a tile then
 * does not matter, and the same job gives the same bits at any thread count.
 *
 * Threads: crew_run() from one thread at a time; tiles run on it and on the
 * helpers at once. Helpers inherit the scheduling class and nice value of the
 * thread that makes them and take no signals. Memory: crew_destroy(). Logs: no.
 */

#define CREW_THREADS_MAX 64

struct crew;

/* threads counts the caller too: 1 makes no helper. RC_INVALID outside 1 .. CREW_THREADS_MAX,
 * RC_NO_MEMORY, RC_UNAVAILABLE: a thread could not be started. */
enum rc crew_create(int threads, struct crew **ret) MUST_CHECK;

/* Calls tile(arg, i) once for each i below count, in no order, and returns when all are done.
 * A NULL crew is a crew of one. */
void crew_run(struct crew *crew, size_t count, void (*tile)(void *arg, size_t i), void *arg);

/* Threads of the crew, the caller included; NULL: 1. */
int crew_threads(const struct crew *crew);

void crew_destroy(struct crew *crew);
DEFINE_AUTO_PTR(crew)

#endif
