/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

/*
 * The commands of licit: one table from which dispatch, --help, the bash
 * completion and docs/command.md come.
 *
 * A new command is one row in command.c and one function; a new option is one
 * row in the option table of its command. An option with a key goes into the
 * JSON body of the request by itself (cli/body.h).
 *
 * Threads: any (tables are constant). Memory: none. Logs: no.
 */

/* Exit statuses, as the contract has them; 130 is the shell's "ended by Ctrl-C". */
enum outcome {
    OUTCOME_DONE = 0,
    OUTCOME_REFUSED = 1,
    OUTCOME_USAGE = 2,
    OUTCOME_UNREACHABLE = 3,
    OUTCOME_JOB_FAILED = 4,
    OUTCOME_INTERRUPTED = 130,
};

enum option_kind {
    OPTION_FLAG,    /* stands alone; true in a body */
    OPTION_TEXT,    /* a string */
    OPTION_FILE,    /* a string that completes to file names */
    OPTION_INTEGER, /* a whole number */
    OPTION_NUMBER,
    OPTION_SECONDS, /* "30d", "12h", "90": a whole number of seconds in a body */
    OPTION_LIST,    /* may be given several times, and holds commas: a list of strings */
    OPTION_MANY,    /* may be given several times; the command reads it itself */
};

struct option {
    const char *name; /* without the dashes; NULL closes a table */
    enum option_kind kind;
    const char *value; /* the word that stands for its value in the help; NULL: a flag */
    const char *key;   /* its place in the JSON body: "optimizer.learning_rate"; NULL: none */
    const char *words; /* what it completes to, separated by blanks; NULL: nothing */
    const char *about;
};

struct session;

struct command {
    const char *group;     /* "job"; the command itself when it has no verb */
    const char *verb;      /* "submit"; NULL: none */
    const char *arguments; /* "ID", "" */
    int words_min, words_max;
    const char *about;    /* one line */
    const char *examples; /* lines of shell; the help shows them first */
    const struct option *options;
    enum outcome (*run)(const struct session *session);
};

extern const struct command command_table[]; /* closed by a row whose group is NULL */

/* Options that every command takes. */
extern const struct option command_options_all[];

/* "licit job": what the group is about; NULL: no such group. */
const char *command_group_about(const char *group);

/* NULL: there is none. verb NULL finds a command without a verb. */
const struct command *command_find(const char *group, const char *verb);

/* The option of this command or of every command, by its name; NULL: there is none. */
const struct option *command_option(const struct command *command, const char *name);

#endif
