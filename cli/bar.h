/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/clock.h"

/*
 * A progress bar on one line of a terminal.
 *
 *     uploading  [############--------]  62 %  74.1 MiB of 119.2 MiB
 *
 * On anything but a terminal every call does nothing, so that callers need not
 * ask. The line is redrawn at most BAR_PER_SECOND times a second and cut at the
 * terminal's width, between two items. UTF-8 blocks where the environment says UTF-8, else "#".
 *
 * Threads: one. Memory: none. Logs: no.
 */

#define BAR_PER_SECOND 20
#define BAR_CELLS      24
#define BAR_TEXT_MAX   400

struct bar {
    FILE *out;
    bool terminal; /* false: silent */
    bool blocks;   /* UTF-8 */
    bool drawn;    /* something stands on the line */
    int columns;   /* 0: ask the terminal */
    struct mono last;
};

/* Draws on out if it is a terminal. */
void bar_init(struct bar *bar, FILE *out);

/* fraction 0 to 1; now: even if the last drawing was a moment ago. */
void bar_draw(struct bar *bar, const char *before, double fraction, const char *after, bool now);

/* Empties the line, so that other output may follow. */
void bar_clear(struct bar *bar);

/* Leaves what stands there and goes to the next line. */
void bar_end(struct bar *bar);

#endif
