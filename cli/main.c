/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "cli/body.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "core/base/str.h"

#define URL_DEFAULT    "https://127.0.0.1:8443"
#define TOKEN_FILE_MAX 4096 /* bytes */

/* "@FILE" reads a token from a file, so that it stands in no list of processes. */
static enum rc read_token(const char *text, char **ret, struct why *why)
{
    if (text == NULL || text[0] != '@') {
        *ret = mem_strdup(text);
        return RC_OK;
    }
    AUTO(buf) struct buf token;
    buf_init(&token, TOKEN_FILE_MAX);
    const enum rc rc = body_read_text(text + 1, TOKEN_FILE_MAX, &token, why);
    if (rc != RC_OK) {
        return rc;
    }
    *ret = mem_strndup(token.data == NULL ? "" : token.data, token.data == NULL ? 0 : strcspn(token.data, "\r\n"));
    return RC_OK;
}

static const char *setting(const struct args *args, const char *option, const char *variable)
{
    const char *value = getenv(variable);
    return args_get(args, option, value != NULL && value[0] != '\0' ? value : NULL);
}

/* Help works also where the settings make no sense. */
static bool needs_settings(const struct command *command)
{
    return command->run != help_run && command->run != completion_run;
}

static bool asks_a_server(const struct command *command)
{
    return needs_settings(command) && command->run != token_narrow;
}

static enum outcome run(const struct args *args)
{
    AUTO_PTR(client) struct client *client = NULL;
    AUTO_FREE char *token = NULL;
    struct why why = { 0 };
    struct session session = { .args = args, .json = args_has(args, "json") };
    if (!needs_settings(args->command)) {
        return args->command->run(&session);
    }
    enum rc rc = read_token(setting(args, "token", "LICIT_TOKEN"), &token, &why);
    if (rc == RC_OK && asks_a_server(args->command)) {
        const char *url = setting(args, "url", "LICIT_URL");
        const struct client_options options = {
            .url = url == NULL ? URL_DEFAULT : url,
            .token = token,
            .cacert = setting(args, "cacert", "LICIT_CACERT"),
        };
        rc = client_create(&options, &client, &why);
    }
    if (rc != RC_OK) {
        return session_failed(rc, &why);
    }
    session.client = client;
    session.token = token;
    const enum outcome outcome = args->command->run(&session);
    if (token != NULL) {
        mem_wipe(token, strlen(token));
    }
    return outcome;
}

static enum outcome help(const struct args *args)
{
    if (args->command != NULL) {
        help_command(stdout, args->command);
    } else if (args->group != NULL) {
        help_group(stdout, args->group);
    } else {
        help_top(stdout);
    }
    return OUTCOME_DONE;
}

static enum outcome dispatch(int argc, char *argv[])
{
    struct args args;
    struct why why = { 0 };
    for (int i = 1; i < argc; i++) {
        if (!str_is_utf8(argv[i], strlen(argv[i]))) {
            (void)why_fail(&why, RC_INVALID, NULL, "word %d of the command line is not valid UTF-8", i);
            return session_failed(RC_INVALID, &why);
        }
    }
    if (args_parse(argc, argv, &args, &why) != RC_OK) {
        (void)session_failed(RC_INVALID, &why);
        fprintf(stderr, "Try: licit %s%s%s%s--help\n", args.command == NULL ? "" : args.command->group, args.command == NULL ? "" : " ",
                args.command == NULL || args.command->verb == NULL ? "" : args.command->verb,
                args.command == NULL || args.command->verb == NULL ? "" : " ");
        return OUTCOME_USAGE;
    }
    if (args.version) {
        puts("licit " LICIT_VERSION);
        return OUTCOME_DONE;
    }
    if (args.help) {
        return help(&args);
    }
    if (args.command == NULL) { /* nothing, or half a command, was asked for */
        args.group == NULL ? help_top(stderr) : help_group(stderr, args.group);
        return OUTCOME_USAGE;
    }
    return run(&args);
}

int main(int argc, char *argv[])
{
    (void)signal(SIGPIPE, SIG_DFL); /* "licit ... | head" ends quietly, also where a parent ignored it */
    const enum outcome outcome = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("licit: the output could not be written");
        return outcome == OUTCOME_DONE ? OUTCOME_REFUSED : (int)outcome;
    }
    return (int)outcome;
}
