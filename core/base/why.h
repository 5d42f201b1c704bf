/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_WHY_H
#define CORE_BASE_WHY_H

#include "core/base/rc.h"

/*
 * The words of a failure: where it is and what is wrong.
 *
 * Fixed size on purpose, so that it works when memory is gone; what is longer
 * is cut with "...". Both strings are always printable UTF-8, whatever a client
 * sent (str_make_printable()). The arguments of a call may be parts of the same
 * why. Text grammar: lower case, no full stop, the offending
 * value, and what would be right: "must be 1 to 4096, got 0". Text never holds
 * a path of the host, a pointer or a secret: it is shown to users.
 *
 * Threads: a struct why belongs to one thread. Memory: the caller's. Logs: no.
 */

#define WHY_PATH_MAX 192
#define WHY_TEXT_MAX 384

struct why {
    char path[WHY_PATH_MAX]; /* "network.layers[2].units"; empty: the whole input */
    char text[WHY_TEXT_MAX]; /* "must be 1 to 4096, got 0" */
};

/* Fills *why (NULL: nothing) and returns rc, so that a check is one line. path may be NULL. */
enum rc why_fail(struct why *why, enum rc rc, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts an outer path in front of the present one ("layers[2]" + "units", "" + "[3]") and returns rc. */
enum rc why_under(struct why *why, enum rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
