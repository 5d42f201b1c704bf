/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_FILES_H
#define SERVER_FILES_H

#include <stdint.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * Open files: a connection may need two descriptors (its socket, and the file
 * that its upload is written to), and the rest of the process some.
 *
 * Threads: main. Memory: none. Logs: when fewer connections fit than are asked for.
 */

#define FILES_OTHER  192 /* store, blobs, trainers, listeners, event threads */
#define FILES_FEWEST 16  /* connections without which a start makes no sense */

/* Raises the soft limit as far as it is needed and allowed. *ret: how many connections fit, at most those wanted.
 * RC_UNAVAILABLE: not even FILES_FEWEST. */
enum rc files_reserve(int64_t connections, int64_t *ret, struct why *why) MUST_CHECK;

#endif
