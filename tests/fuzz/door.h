/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_DOOR_H
#define TESTS_FUZZ_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/url.h"

/*
 * The real door on a Unix socket, with the real routes behind it, whose handlers
 * only note that they ran. Two tokens are known: "all" may everything, "read"
 * what needs the verb read.
 *
 * It opens with the first call and stays until the process ends.
 *
 * Threads: the calls from one; the door has its own. Memory: its own. Logs: no.
 */

#define DOOR_EFFECTS_MAX 64

/* A handler ran. */
struct door_effect {
    char method[16];
    char path[URL_BYTES_MAX + 1];
    bool open, reads; /* of its route: public; with the verb read */
    uint64_t bytes;   /* of the body */
    uint32_t sum;     /* http_sum() of the body */
};

/* A connection to it. */
int door_dial(void);

/* What was done since the last call; valid until the next. To be called when no connection is left. */
const struct door_effect *door_take_effects(size_t *ret_count);

#endif
