/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"
#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * The words of a command line, read against the command table.
 *
 * "--name value", "--name=value", "--" (all that follows are words); options
 * may stand anywhere. Numbers are checked here, so that a typing mistake costs
 * no round trip; ranges are the server's to know.
 *
 * Threads: one. Memory: everything is borrowed from argv. Logs: no.
 */

#define ARGS_MAX 512 /* options, and words, of one command line */

struct given {
    const struct option *option;
    const char *value; /* NULL: a flag */
};

struct args {
    const struct command *command; /* NULL: none was named (help, version) */
    const char *group;             /* a group named without a verb: its help is wanted */
    bool help, version;
    const char *words[ARGS_MAX];
    size_t word_count;
    struct given given[ARGS_MAX];
    size_t given_count;
};

/* RC_INVALID with words that name the mistake and, where there is one, what was probably meant. */
enum rc args_parse(int argc, char *const argv[], struct args *ret, struct why *why) MUST_CHECK;

/* The last value that was given, or the fallback. */
const char *args_get(const struct args *args, const char *name, const char *fallback);
bool args_has(const struct args *args, const char *name);

/* Visits every value of a repeated option: for (size_t i = 0; (v = args_next(args, "purpose", &i)) != NULL;) */
const char *args_next(const struct args *args, const char *name, size_t *i);

/* The value of one option as a number; false: it is none. */
bool args_number(const char *text, double *ret);

#endif
