/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "core/auth/scope.h"
#include "core/auth/token.h"
#include "tests/fuzz/fuzz.h"

/*
 * Tokens and scopes, line by line: the text of a token, the child's scopes, the
 * parent's, then names.
 *
 * What must hold: a well-formed token has its one length and alphabet. A right on a
 * name is what a second statement of the rules says (below). A child that counts as
 * a subset is allowed nothing, on any of the names and on those made of the
 * patterns, that its parent is not; nor without a name.
 */

#define REGION_MAX (1u << 20)
#define NAME_MAX   200

static void check_token(const char *text)
{
    if (!token_is_well_formed(text)) {
        return;
    }
    char digest[DIGEST_HEX_SIZE];
    MUST(strlen(text) == TOKEN_SIZE - 1 && strncmp(text, "licit_", 6) == 0);
    for (const char *c = text; *c != '\0'; c++) {
        MUST(isalnum((unsigned char)*c) || *c == '_');
    }
    MUST(token_digest(text, digest) == RC_OK);
}

/* The rule from its text: kind:[pattern:]verb, "*" at the end of a pattern stands for anything. */
static bool text_matches(const char *scope, const char *right, const char *name)
{
    const char *colon = strchr(right, ':'), *first = strchr(scope, ':'), *last = strrchr(scope, ':');
    if (strcmp(scope, "*") == 0) {
        return true;
    }
    if (first - scope != colon - right || strncmp(scope, right, (size_t)(colon - right)) != 0 || strcmp(last, colon) != 0) {
        return false;
    }
    if (first == last || last[-1] != '*') {
        return first == last || (strlen(name) == (size_t)(last - first - 1) && strncmp(name, first + 1, strlen(name)) == 0);
    }
    return strncmp(name, first + 1, (size_t)(last - first - 2)) == 0;
}

static bool line_allows(const char *line, enum scope_right right, const char *name)
{
    AUTO_FREE char *copy = mem_strdup(line);
    bool allowed = false, denied = false;
    char *rest = NULL;
    for (char *scope = strtok_r(copy, " ", &rest); scope != NULL; scope = strtok_r(NULL, " ", &rest)) {
        const bool denies = scope[0] == '-';
        const bool hit = text_matches(scope + denies, scope_right_name(right), name);
        denied = denied || (denies && hit);
        allowed = allowed || (!denies && hit);
    }
    return allowed && !denied;
}

struct pair {
    struct scope_list child, parent;
    const char *child_line;
    bool is_subset;
};

static void check_name(const struct pair *pair, const char *name)
{
    for (unsigned right = 0; right < SCOPE_RIGHT_COUNT; right++) {
        const bool allowed = scope_allows(&pair->child, right, name);
        MUST(!pair->is_subset || !allowed || scope_allows(&pair->parent, right, name));
        MUST(name == NULL || allowed == line_allows(pair->child_line, right, name));
    }
}

/* The pattern itself, one character more, one less. */
static void check_patterns(const struct pair *pair, const struct scope_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct scope_rule *rule = &list->rules[i];
        char name[NAME_MAX];
        MUST(rule->length + 2 < sizeof(name) && strlen(rule->pattern) == rule->length);
        memcpy(name, rule->pattern, rule->length);
        static const char tails[] = { '\0', 'a', '-', '*' };
        for (size_t t = 0; t < sizeof(tails); t++) {
            name[rule->length] = tails[t];
            name[rule->length + 1] = '\0';
            check_name(pair, name);
        }
        name[rule->length > 0 ? rule->length - 1 : 0] = '\0';
        check_name(pair, name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    AUTO(region) struct region region;
    region_init(&region, REGION_MAX);
    AUTO_FREE char *token = fuzz_line(&input), *child = fuzz_line(&input), *parent = fuzz_line(&input);
    struct why why = { 0 };
    struct pair pair = { .child_line = child };
    if (token != NULL) {
        check_token(token);
    }
    if (parent == NULL || scope_parse_line(child, &region, &pair.child, &why) != RC_OK ||
        scope_parse_line(parent, &region, &pair.parent, &why) != RC_OK) {
        MUST(parent == NULL || why.text[0] != '\0');
        return 0;
    }
    MUST(scope_is_subset(&pair.child, &pair.child));
    pair.is_subset = scope_is_subset(&pair.child, &pair.parent);
    check_name(&pair, NULL);
    check_patterns(&pair, &pair.child);
    check_patterns(&pair, &pair.parent);
    for (char *name = fuzz_line(&input); name != NULL; name = fuzz_line(&input)) {
        check_name(&pair, name);
        mem_free(name);
    }
    return 0;
}
