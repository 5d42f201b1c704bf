/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/str.h"

bool args_number(const char *text, double *ret)
{
    char *end = NULL;
    if (text[0] == '\0' || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false; /* strtod would also take blanks, hexadecimal and "inf" */
    }
    const double x = strtod(text, &end);
    if (*end != '\0' || !isfinite(x)) {
        return false;
    }
    *ret = x;
    return true;
}

static enum rc check_value(const struct option *option, const char *value, struct why *why)
{
    int64_t n;
    double x;
    if (option->kind == OPTION_INTEGER && !str_to_int64(value, &n)) {
        return why_fail(why, RC_INVALID, NULL, "--%s must be a whole number, got \"%s\"", option->name, value);
    }
    if (option->kind == OPTION_NUMBER && !args_number(value, &x)) {
        return why_fail(why, RC_INVALID, NULL, "--%s must be a number, got \"%s\"", option->name, value);
    }
    if (option->kind == OPTION_SECONDS && !str_to_ms(value, &n)) {
        return why_fail(why, RC_INVALID, NULL, "--%s must be a time such as 30d, 12h or 90 (seconds), got \"%s\"", option->name, value);
    }
    return RC_OK;
}

/* How many letters to insert, delete or change; good enough to guess what was meant. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64];
    const size_t n = strlen(b);
    if (n >= COUNT_OF(row)) {
        return n;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = corner + (a[i] != b[j]);
            best = best < row[j] + 1 ? best : row[j] + 1;
            best = best < row[j + 1] + 1 ? best : row[j + 1] + 1;
            corner = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

static void consider(const char *word, const char *candidate, size_t *best, const char **ret)
{
    const size_t d = distance(word, candidate);
    if (d < *best) {
        *best = d;
        *ret = candidate;
    }
}

static enum rc unknown_option(const struct command *command, const char *name, struct why *why)
{
    const char *meant = NULL;
    size_t best = 4; /* farther than three letters it is another word */
    for (const struct option *o = command->options; o->name != NULL; o++) {
        consider(name, o->name, &best, &meant);
    }
    for (const struct option *o = command_options_all; o->name != NULL; o++) {
        consider(name, o->name, &best, &meant);
    }
    return meant == NULL ? why_fail(why, RC_INVALID, NULL, "there is no option --%.40s here", name)
                         : why_fail(why, RC_INVALID, NULL, "there is no option --%.40s here; did you mean --%s?", name, meant);
}

static enum rc unknown_command(const char *group, const char *verb, struct why *why)
{
    const bool known = command_group_about(group) != NULL;
    const char *word = known ? verb : group;
    const char *meant = NULL;
    size_t best = 4;
    for (const struct command *c = command_table; c->group != NULL; c++) {
        if (!known) {
            consider(word, c->group, &best, &meant);
        } else if (strcmp(c->group, group) == 0 && c->verb != NULL) {
            consider(word, c->verb, &best, &meant);
        }
    }
    return why_fail(why, RC_INVALID, NULL, "there is no command \"%s%s%.40s\"%s%s%s", known ? group : "", known ? " " : "",
                    word, meant == NULL ? "" : "; did you mean \"", meant == NULL ? "" : meant, meant == NULL ? "" : "\"?");
}

/* The command is the first one or two words; options before it are those of every command. */
static enum rc find_command(struct args *args, struct why *why)
{
    if (args->word_count == 0) {
        return RC_OK;
    }
    const char *group = args->words[0];
    const char *verb = args->word_count > 1 ? args->words[1] : NULL;
    size_t used = 1;
    args->command = command_find(group, NULL);
    if (args->command == NULL) {
        used = 2;
        if (verb == NULL && command_group_about(group) != NULL) {
            args->group = group;
            return RC_OK;
        }
        args->command = verb == NULL ? NULL : command_find(group, verb);
    }
    if (args->command == NULL) {
        return unknown_command(group, verb, why);
    }
    args->word_count -= used;
    memmove(args->words, args->words + used, args->word_count * sizeof(args->words[0]));
    return RC_OK;
}

static enum rc take_option(struct args *args, int argc, char *const argv[], int *i, struct why *why)
{
    const char *text = argv[*i] + 2;
    const size_t n = strcspn(text, "=");
    char name[40];
    if (n >= sizeof(name)) {
        return unknown_option(args->command, text, why);
    }
    memcpy(name, text, n);
    name[n] = '\0';
    const struct option *option = command_option(args->command, name);
    if (option == NULL) {
        return unknown_option(args->command, name, why);
    }
    const char *value = text[n] == '=' ? text + n + 1 : NULL;
    if (option->value == NULL && value != NULL) {
        return why_fail(why, RC_INVALID, NULL, "--%s takes no value", name);
    }
    if (option->value != NULL && value == NULL) {
        if (*i + 1 >= argc) {
            return why_fail(why, RC_INVALID, NULL, "--%s needs a value: --%s %s", name, name, option->value);
        }
        value = argv[++*i];
    }
    if (args->given_count == ARGS_MAX) {
        return why_fail(why, RC_INVALID, NULL, "more than %d options", ARGS_MAX);
    }
    args->given[args->given_count++] = (struct given){ option, value };
    return value == NULL ? RC_OK : check_value(option, value, why);
}

/* Does this option eat the next word? Needed before the command, and so its options, is known. */
static bool takes_next(const char *text)
{
    if (strchr(text, '=') != NULL) {
        return false;
    }
    for (const struct command *c = command_table; c->group != NULL; c++) {
        const struct option *option = command_option(c, text);
        if (option != NULL) {
            return option->value != NULL;
        }
    }
    return false;
}

static bool is_option(const char *text)
{
    return text[0] == '-' && text[1] == '-' && text[2] != '\0';
}

/* First pass: the words, and --help or --version wherever they stand. */
static enum rc collect_words(int argc, char *const argv[], struct args *args, struct why *why)
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            args->help = true;
        } else if (!only_words && strcmp(argv[i], "--version") == 0 && args->word_count == 0) {
            args->version = true;
        } else if (!only_words && is_option(argv[i])) {
            i += takes_next(argv[i] + 2);
        } else if (!only_words && argv[i][0] == '-' && argv[i][1] != '\0') {
            return why_fail(why, RC_INVALID, NULL, "there is no option %.40s; options start with two dashes", argv[i]);
        } else if (args->word_count == ARGS_MAX) {
            return why_fail(why, RC_INVALID, NULL, "more than %d words", ARGS_MAX);
        } else {
            args->words[args->word_count++] = argv[i];
        }
    }
    return RC_OK;
}

static enum rc collect_options(int argc, char *const argv[], struct args *args, struct why *why)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_option(argv[i])) {
            const enum rc rc = take_option(args, argc, argv, &i, why);
            if (rc != RC_OK) {
                return rc;
            }
        }
    }
    return RC_OK;
}

enum rc args_parse(int argc, char *const argv[], struct args *ret, struct why *why)
{
    *ret = (struct args){ 0 };
    enum rc rc = collect_words(argc, argv, ret, why);
    if (rc == RC_OK && !ret->version) {
        rc = find_command(ret, why);
    }
    if (rc != RC_OK || ret->help || ret->version || ret->command == NULL) {
        return rc;
    }
    rc = collect_options(argc, argv, ret, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (ret->word_count < (size_t)ret->command->words_min) {
        return why_fail(why, RC_INVALID, NULL, "something is missing: %s", ret->command->arguments);
    }
    if (ret->word_count > (size_t)ret->command->words_max) {
        return why_fail(why, RC_INVALID, NULL, "\"%.60s\" is too much here", ret->words[ret->command->words_max]);
    }
    return RC_OK;
}

const char *args_get(const struct args *args, const char *name, const char *fallback)
{
    for (size_t i = args->given_count; i-- > 0;) {
        if (strcmp(args->given[i].option->name, name) == 0) {
            return args->given[i].value;
        }
    }
    return fallback;
}

bool args_has(const struct args *args, const char *name)
{
    size_t i = 0;
    for (; i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *args_next(const struct args *args, const char *name, size_t *i)
{
    while (*i < args->given_count) {
        const struct given *it = &args->given[(*i)++];
        if (strcmp(it->option->name, name) == 0) {
            return it->value;
        }
    }
    return NULL;
}
