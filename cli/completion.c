/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"
#include "cli/help.h"

#include <string.h>

/*
 * The script is two case statements over the words so far: one gives the words
 * and options of a command, one the values of an option. It asks no server, so
 * that pressing TAB costs nothing.
 */

static bool is_first_of_group(const struct command *command)
{
    for (const struct command *c = command_table; c != command; c++) {
        if (strcmp(c->group, command->group) == 0) {
            return false;
        }
    }
    return true;
}

static void print_groups(FILE *out)
{
    fputs("    '') words='", out);
    for (const struct command *c = command_table; c->group != NULL; c++) {
        if (is_first_of_group(c)) {
            fprintf(out, "%s ", c->group);
        }
    }
    fputs("--help --version' ;;\n", out);
}

static void print_verbs(FILE *out)
{
    for (const struct command *c = command_table; c->group != NULL; c++) {
        if (!is_first_of_group(c) || c->verb == NULL) {
            continue;
        }
        fprintf(out, "    '%s ') words='", c->group);
        for (const struct command *other = c; other->group != NULL; other++) {
            if (strcmp(other->group, c->group) == 0) {
                fprintf(out, "%s ", other->verb);
            }
        }
        fputs("--help' ;;\n", out);
    }
}

static void print_options_of(FILE *out, const struct option *options)
{
    for (const struct option *o = options; o->name != NULL; o++) {
        fprintf(out, "--%s ", o->name);
    }
}

static void print_command_options(FILE *out)
{
    for (const struct command *c = command_table; c->group != NULL; c++) {
        fprintf(out, "    '%s %s') words='", c->group, c->verb == NULL ? "" : c->verb);
        if (c->verb == NULL && strchr(c->arguments, '|') != NULL) {
            fputs("bash markdown ", out);
        }
        print_options_of(out, c->options);
        print_options_of(out, command_options_all);
        fputs("' ;;\n", out);
    }
}

static void print_value(FILE *out, const char *group, const char *verb, const struct option *o)
{
    if (o->value == NULL) {
        return;
    }
    fprintf(out, "    '%s %s --%s') ", group, verb, o->name);
    if (o->kind == OPTION_FILE) {
        fputs("files=1 ;;\n", out);
    } else {
        fprintf(out, "words='%s' ;;\n", o->words == NULL ? "" : o->words);
    }
}

static void print_values(FILE *out)
{
    for (const struct command *c = command_table; c->group != NULL; c++) {
        for (const struct option *o = c->options; o->name != NULL; o++) {
            print_value(out, c->group, c->verb == NULL ? "" : c->verb, o);
        }
    }
    for (const struct option *o = command_options_all; o->name != NULL; o++) {
        if (o->value != NULL) {
            fprintf(out, "    *' --%s') %s ;;\n", o->name, o->kind == OPTION_FILE ? "files=1" : "words=''");
        }
    }
}

void help_completion_bash(FILE *out)
{
    fputs("# Completion of licit for bash; printed by: licit completion bash\n"
          "_licit() {\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} group='' verb='' words='' files='' known=1 i\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    [[ ${COMP_WORDS[i]} == -* ]] && continue\n"
          "    if [[ -z $group ]]; then group=${COMP_WORDS[i]}; elif [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; fi\n"
          "  done\n"
          "  case $group in predict|completion|help) verb='' ;; esac\n"
          "  case \"$group $verb $before\" in\n",
          out);
    print_values(out);
    fputs("    *) known='' ;;\n"
          "  esac\n"
          "  [[ -n $known ]] || case \"$group${group:+ }$verb\" in\n",
          out);
    print_groups(out);
    print_verbs(out);
    print_command_options(out);
    fputs("  esac\n"
          "  if [[ -n $files ]]; then\n"
          "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    return\n"
          "  fi\n"
          "  mapfile -t COMPREPLY < <(compgen -W \"${words//\\*/\\\\*}\" -- \"$current\")\n"
          "  if [[ -z $known && $current != -* && \"$group $verb\" == 'dataset add' ]]; then\n"
          "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$current\")\n"
          "  fi\n"
          "}\n"
          "complete -o filenames -o bashdefault -F _licit licit\n",
          out);
}

enum outcome completion_run(const struct session *session)
{
    const char *shell = session->args->words[0];
    if (strcmp(shell, "bash") == 0) {
        help_completion_bash(stdout);
    } else if (strcmp(shell, "markdown") == 0) {
        help_markdown(stdout);
    } else {
        return session_usage(session, "there is no completion for \"%.40s\"; there is: bash, markdown", shell);
    }
    return OUTCOME_DONE;
}
