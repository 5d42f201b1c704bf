/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/table.h"

/*
 * One run of the command: its words, its connection, and the one way in which
 * replies and refusals are shown.
 *
 * Results go to standard output, everything else (notes, progress, errors) to
 * standard error.
 *
 * Threads: one. Memory: main() opens and closes. Logs: no.
 */

struct session {
    const struct args *args;
    struct client *client; /* NULL for commands that ask no server */
    const char *token;     /* the text, for the run; NULL: none was given */
    bool json;             /* print what the server sent, as it is */
};

/* Sends. On a 2xx reply OUTCOME_DONE and, where ret is given, its document (NULL when it has none);
 * else the failure has been told. show: with --json the reply is printed. */
enum outcome session_ask(const struct session *session, const struct client_request *request, bool show,
                         struct doc **ret) MUST_CHECK;

/* GET of a path. */
enum outcome session_get(const struct session *session, const char *path, bool show, struct doc **ret) MUST_CHECK;

/* Tells a refusal: what is wrong, where, and what to quote when asking for help. */
enum outcome session_refused(const struct session *session, const struct reply *reply);

/* Tells a failure on this side, and says which exit status it is. */
enum outcome session_failed(enum rc rc, const struct why *why);

/* Usage: what is wrong with the command line. */
enum outcome session_usage(const struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* GET of a list with --limit and --after, as a table; says when there is more. print NULL: table_print() on stdout. */
enum outcome session_list(const struct session *session, const char *path, const struct column *columns,
                          enum rc (*print)(const struct column *columns, const struct doc *list)) MUST_CHECK;

/* Asks on a terminal whether it shall be done; without one, --yes must say so. */
bool session_confirmed(const struct session *session, const char *question);

/* OUTCOME_DONE, or tells that memory is gone. */
enum outcome session_printed(enum rc rc);

#endif
