/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/scope.h"

#include <string.h>

#include "core/base/cleanup.h"

#define ALL_RIGHTS ((UINT32_C(1) << SCOPE_RIGHT_COUNT) - 1)

_Static_assert(SCOPE_RIGHT_COUNT < 32, "a right is a bit");

static const struct {
    const char *kind, *verb, *name;
} rights[SCOPE_RIGHT_COUNT] = {

#define X(name, kind, verb) { kind, verb, kind ":" verb },
    SCOPE_TABLE(X)
#undef X
};

/* n bytes of text that is not closed by a NUL. */
struct part {
    const char *text;
    size_t n;
};

static bool is_word(struct part part, const char *word)
{
    return part.n == strlen(word) && memcmp(part.text, word, part.n) == 0;
}

static bool is_kind(struct part part)
{
    for (size_t i = 0; i < SCOPE_RIGHT_COUNT; i++) {
        if (is_word(part, rights[i].kind)) {
            return true;
        }
    }
    return false;
}

/* The words of a kind's verbs, or of all kinds, for a refusal: "read, write". */
static void list_words(struct part kind, char *ret, size_t size)
{
    const bool kinds = kind.text == NULL;
    size_t n = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < SCOPE_RIGHT_COUNT; i++) {
        const bool first = i == 0 || strcmp(rights[i].kind, rights[i - 1].kind) != 0;
        if (kinds ? first : is_word(kind, rights[i].kind)) {
            const char *word = kinds ? rights[i].kind : rights[i].verb;
            n += (size_t)snprintf(ret + n, size - n, "%s%s", n > 0 ? ", " : "", word); /* the table's words fit */
        }
    }
}

static enum rc find_right(struct part kind, struct part verb, uint32_t *ret, struct why *why)
{
    for (size_t i = 0; i < SCOPE_RIGHT_COUNT; i++) {
        if (is_word(kind, rights[i].kind) && is_word(verb, rights[i].verb)) {
            *ret = UINT32_C(1) << i;
            return RC_OK;
        }
    }
    char words[WHY_TEXT_MAX / 2];
    if (!is_kind(kind)) {
        list_words((struct part){ 0 }, words, sizeof(words));
        return why_fail(why, RC_INVALID, NULL, "the kind must be one of %s; got \"%.*s\"", words, (int)kind.n, kind.text);
    }
    list_words(kind, words, sizeof(words));
    return why_fail(why, RC_INVALID, NULL, "the verb of %.*s must be one of %s; got \"%.*s\"", (int)kind.n, kind.text, words, (int)verb.n, verb.text);
}

static bool is_name_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

static enum rc read_pattern(struct part part, struct region *region, struct scope_rule *rule, struct why *why)
{
    rule->is_prefix = part.n > 0 && part.text[part.n - 1] == '*';
    rule->length = part.n - rule->is_prefix;
    bool ok = part.n > 0 && part.n <= SCOPE_PATTERN_MAX;
    for (size_t i = 0; ok && i < rule->length; i++) {
        ok = is_name_character(part.text[i]);
    }
    if (!ok) {
        return why_fail(why, RC_INVALID, NULL, "the pattern must be \"*\", a name, or the beginning of a name and \"*\"; got \"%.*s\"", (int)part.n, part.text);
    }
    rule->pattern = region_printf(region, "%.*s", (int)rule->length, part.text);
    return rule->pattern == NULL ? RC_NO_MEMORY : RC_OK;
}

/* At most three parts between colons; how many there are, 4 for more. */
static size_t split(const char *text, struct part parts[3])
{
    for (size_t n = 0;; n++) {
        const size_t length = strcspn(text, ":");
        if (n < 3) {
            parts[n] = (struct part){ text, length };
        }
        if (text[length] == '\0' || n == 3) {
            return n + 1;
        }
        text += length + 1;
    }
}

static enum rc parse_one(const char *text, struct region *region, struct scope_rule *rule, struct why *why)
{
    if (strlen(text) > SCOPE_TEXT_MAX) {
        return why_fail(why, RC_INVALID, NULL, "must be at most %d characters", SCOPE_TEXT_MAX);
    }
    if (strcmp(text, "*") == 0) {
        *rule = (struct scope_rule){ .rights = ALL_RIGHTS, .is_prefix = true, .pattern = "" };
        return RC_OK;
    }
    *rule = (struct scope_rule){ .denies = text[0] == '-' };
    struct part parts[3];
    const size_t n = split(text + rule->denies, parts);
    if (n != 2 && n != 3) {
        return why_fail(why, RC_INVALID, NULL, "must be \"*\", kind:verb or kind:pattern:verb, with a \"-\" before it to deny; got \"%s\"", text);
    }
    const enum rc rc = find_right(parts[0], parts[n - 1], &rule->rights, why);
    if (rc != RC_OK) {
        return rc;
    }
    return read_pattern(n == 3 ? parts[1] : (struct part){ "*", 1 }, region, rule, why);
}

enum rc scope_parse(const char *const *texts, size_t n, struct region *region, struct scope_list *ret,
                    struct why *why)
{
    if (n > SCOPE_LIST_MAX) {
        return why_fail(why, RC_INVALID, NULL, "must be at most %d scopes, got %zu", SCOPE_LIST_MAX, n);
    }
    struct scope_rule *rules = region_alloc(region, n, sizeof(*rules));
    if (rules == NULL) {
        return RC_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const enum rc rc = parse_one(texts[i], region, &rules[i], why);
        if (rc != RC_OK) {
            return why_under(why, rc, "[%zu]", i);
        }
    }
    *ret = (struct scope_list){ rules, n };
    return RC_OK;
}

enum rc scope_parse_line(const char *line, struct region *region, struct scope_list *ret, struct why *why)
{
    const char *texts[SCOPE_LIST_MAX + 1];
    size_t n = 0;
    char *rest = region_strdup(region, line);
    if (rest == NULL) {
        return RC_NO_MEMORY;
    }
    while (*rest != '\0' && n <= SCOPE_LIST_MAX) {
        texts[n++] = rest;
        rest += strcspn(rest, " ");
        if (*rest == ' ') {
            *rest++ = '\0';
        }
    }
    return scope_parse(texts, n, region, ret, why);
}

static bool matches(const struct scope_rule *rule, const char *name)
{
    return rule->is_prefix ? strncmp(name, rule->pattern, rule->length) == 0 : strcmp(name, rule->pattern) == 0;
}

static bool is_every_name(const struct scope_rule *rule)
{
    return rule->is_prefix && rule->length == 0;
}

bool scope_allows(const struct scope_list *list, enum scope_right right, const char *name)
{
    const uint32_t bit = UINT32_C(1) << right;
    bool allowed = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct scope_rule *rule = &list->rules[i];
        if ((rule->rights & bit) == 0) {
            continue;
        }
        if (rule->denies && (name == NULL ? is_every_name(rule) : matches(rule, name))) {
            return false;
        }
        allowed = allowed || (!rule->denies && (name == NULL || matches(rule, name)));
    }
    return allowed;
}

/* Does every name of b belong to a? */
static bool covers(const struct scope_rule *a, const struct scope_rule *b)
{
    return (a->is_prefix || !b->is_prefix) && matches(a, b->pattern);
}

/* Is there a name of both? Prefixes share names only when one is the beginning of the other. */
static bool overlaps(const struct scope_rule *a, const struct scope_rule *b)
{
    return covers(a, b) || covers(b, a);
}

/* One right of one permission of the child: the parent permits it, and what the parent denies of it the child denies. */
static bool is_within(const struct scope_rule *rule, uint32_t bit, const struct scope_list *child,
                      const struct scope_list *parent)
{
    bool permitted = false;
    for (size_t i = 0; i < parent->count; i++) {
        const struct scope_rule *theirs = &parent->rules[i];
        if ((theirs->rights & bit) == 0) {
            continue;
        }
        permitted = permitted || (!theirs->denies && covers(theirs, rule));
        if (!theirs->denies || !overlaps(theirs, rule)) {
            continue;
        }
        bool repeated = false;
        for (size_t j = 0; j < child->count; j++) {
            const struct scope_rule *mine = &child->rules[j];
            repeated = repeated || (mine->denies && (mine->rights & bit) != 0 && (covers(mine, theirs) || covers(mine, rule)));
        }
        if (!repeated) {
            return false;
        }
    }
    return permitted;
}

bool scope_is_subset(const struct scope_list *child, const struct scope_list *parent)
{
    for (size_t i = 0; i < child->count; i++) {
        const struct scope_rule *rule = &child->rules[i];
        for (unsigned right = 0; right < SCOPE_RIGHT_COUNT; right++) {
            const uint32_t bit = UINT32_C(1) << right;
            if (!rule->denies && (rule->rights & bit) != 0 && !is_within(rule, bit, child, parent)) {
                return false;
            }
        }
    }
    return true;
}

bool scope_is_all(const struct scope_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct scope_rule *rule = &list->rules[i];
        if (rule->rights == ALL_RIGHTS && !rule->denies && rule->is_prefix && rule->length == 0) {
            return true;
        }
    }
    return false;
}

const char *scope_right_name(enum scope_right right)
{
    return rights[right].name;
}
