/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/*
 * Help and completion, written out of the command table.
 * Threads: one. Memory: none. Logs: no.
 */

void help_top(FILE *out);
void help_group(FILE *out, const char *group);
void help_command(FILE *out, const struct command *command);

/* All of it as Markdown: docs/command.md is this text, and a test holds it to it. */
void help_markdown(FILE *out);

/* A completion script for bash. */
void help_completion_bash(FILE *out);

#endif
