/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#include "cli/cmd.h"

static const char first_steps[] =
    "licit dataset add wine.csv --licence CC-BY-4.0 --purpose research --target cultivar\n"
    "licit job submit --model wine --dataset ds-... --target cultivar --label production --watch\n"
    "licit predict wine --file new.csv\n";

static const char environment[] =
    "  LICIT_URL      the server (https://127.0.0.1:8443)\n"
    "  LICIT_TOKEN    the token, or @FILE\n"
    "  LICIT_CACERT   the certificate to trust: a server of your own has it in STATE/tls\n";

static const char statuses[] =
    "  0  done\n"
    "  1  the server refused it\n"
    "  2  the command line is wrong\n"
    "  3  the server cannot be reached, or its certificate is not trusted\n"
    "  4  the job failed or was cancelled\n"
    "  130  interrupted with Ctrl-C\n";

static void print_indented(FILE *out, const char *lines)
{
    bool start = true;
    for (; *lines != '\0'; lines++) {
        fputs(start ? "  " : "", out);
        fputc(*lines, out);
        start = *lines == '\n';
    }
}

static void print_name(FILE *out, const struct command *c, int width)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%s%s%s %s", c->group, c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb, c->arguments);
    fprintf(out, "  %-*s  %s\n", width, name, c->about);
}

static void print_commands(FILE *out, const char *group)
{
    for (const struct command *c = command_table; c->group != NULL; c++) {
        if (group == NULL || strcmp(c->group, group) == 0) {
            print_name(out, c, 32);
        }
    }
}

static void print_options(FILE *out, const struct option *options)
{
    for (const struct option *o = options; o->name != NULL; o++) {
        char name[80];
        (void)snprintf(name, sizeof(name), "--%s%s%s", o->name, o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
        fprintf(out, "  %-24s  %s\n", name, o->about);
    }
}

void help_top(FILE *out)
{
    fputs("licit: train, deploy and ask models on a licitd server\n\nFor example\n", out);
    print_indented(out, first_steps);
    fputs("\nCommands\n", out);
    print_commands(out, NULL);
    fputs("\nOptions of every command\n", out);
    print_options(out, command_options_all);
    fputs("\nEnvironment\n", out);
    fputs(environment, out);
    fputs("\nExit status\n", out);
    fputs(statuses, out);
    fputs("\nlicit COMMAND --help shows examples and options of a command.\n", out);
}

void help_group(FILE *out, const char *group)
{
    fprintf(out, "licit %s: %s\n\nCommands\n", group, command_group_about(group));
    print_commands(out, group);
    fputs("\nFor example\n", out);
    for (const struct command *c = command_table; c->group != NULL; c++) {
        if (strcmp(c->group, group) == 0) {
            print_indented(out, c->examples);
        }
    }
    fprintf(out, "\nlicit %s COMMAND --help shows the options of a command.\n", group);
}

static void print_title(FILE *out, const struct command *c)
{
    fprintf(out, "licit %s%s%s%s%s", c->group, c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb,
            c->arguments[0] == '\0' ? "" : " ", c->arguments);
}

void help_command(FILE *out, const struct command *command)
{
    print_title(out, command);
    fprintf(out, ": %s\n\nFor example\n", command->about);
    print_indented(out, command->examples);
    if (command->options->name != NULL) {
        fputs("\nOptions\n", out);
        print_options(out, command->options);
    }
    fputs("\nOptions of every command\n", out);
    print_options(out, command_options_all);
}

void help_markdown(FILE *out)
{
    fputs("# The command: licit\n\nThis page is printed by `licit completion markdown`; a test holds it to the program.\n\n```\n", out);
    help_top(out);
    fputs("```\n", out);
    for (const struct command *c = command_table; c->group != NULL; c++) {
        fprintf(out, "\n## licit %s%s%s\n\n", c->group, c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb);
        fprintf(out, "`");
        print_title(out, c);
        fprintf(out, "`: %s.\n\n```\n%s```\n", c->about, c->examples);
        if (c->options->name != NULL) {
            fputs("\n| option | meaning |\n| --- | --- |\n", out);
        }
        for (const struct option *o = c->options; o->name != NULL; o++) {
            fprintf(out, "| `--%s%s%s` | %s |\n", o->name, o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value, o->about);
        }
    }
}

enum outcome help_run(const struct session *session)
{
    const struct args *args = session->args;
    const char *group = args->word_count > 0 ? args->words[0] : NULL;
    const char *verb = args->word_count > 1 ? args->words[1] : NULL;
    const struct command *command = group == NULL ? NULL : command_find(group, verb);
    if (group == NULL) {
        help_top(stdout);
    } else if (command != NULL) {
        help_command(stdout, command);
    } else if (verb == NULL && command_group_about(group) != NULL) {
        help_group(stdout, group);
    } else {
        fprintf(stderr, "licit: there is no command \"%.40s%s%.40s\"\nTry: licit --help\n", group, verb == NULL ? "" : " ", verb == NULL ? "" : verb);
        return OUTCOME_USAGE;
    }
    return OUTCOME_DONE;
}
