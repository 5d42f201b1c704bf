/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The command line of licitd. Threads: main. Memory: points into argv. Logs: no.
 */

#define OPTIONS_SETS_MAX 64

enum options_action {
    OPTIONS_SERVE,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_PRINT_CONFIG,
};

struct options {
    enum options_action action;
    const char *state;  /* the state directory */
    const char *config; /* NULL: defaults alone */
    const char *listen; /* NULL: as configured */
    bool plain;
    const char *sets[OPTIONS_SETS_MAX]; /* "section.key=value" */
    int set_count;
};

/* RC_INVALID with words that name the option. */
enum rc options_read(int argc, char **argv, struct options *ret, struct why *why) MUST_CHECK;

extern const char options_usage[];

#endif
