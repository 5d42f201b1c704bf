/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/spdx.h"

#include <stddef.h>
#include <string.h>

/* What is left to read; text NULL after a mistake. */
struct reader {
    const char *text;
    int depth;
};

static void skip_blanks(struct reader *r)
{
    while (*r->text == ' ') {
        r->text++;
    }
}

static size_t word_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+:");
}

static bool is_operator(const char *text, size_t n)
{
    static const char *const operators[] = { "AND", "OR", "WITH" };
    for (size_t i = 0; i < 3; i++) {
        if (strlen(operators[i]) == n && strncmp(text, operators[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* A licence or exception name: a "+" only at its end, a ":" only after DocumentRef-x. */
static bool name(struct reader *r)
{
    skip_blanks(r);
    const size_t n = word_length(r->text);
    const char *plus = memchr(r->text, '+', n);
    const char *colon = memchr(r->text, ':', n);
    const bool bad_plus = plus != NULL && (plus == r->text || plus != r->text + n - 1);
    const bool bad_colon = colon != NULL && (strncmp(r->text, "DocumentRef-", 12) != 0 || strncmp(colon + 1, "LicenseRef-", 11) != 0);
    if (n == 0 || is_operator(r->text, n) || bad_plus || bad_colon) {
        return false;
    }
    r->text += n;
    return true;
}

static bool keyword(struct reader *r, const char *word)
{
    skip_blanks(r);
    const size_t n = strlen(word);
    if (strncmp(r->text, word, n) != 0 || word_length(r->text) != n) {
        return false;
    }
    r->text += n;
    return true;
}

static bool expression(struct reader *r);

static bool term(struct reader *r)
{
    skip_blanks(r);
    if (*r->text != '(') {
        return name(r) && (!keyword(r, "WITH") || name(r));
    }
    if (++r->depth > SPDX_DEPTH_MAX) {
        return false;
    }
    r->text++;
    if (!expression(r)) {
        return false;
    }
    skip_blanks(r);
    r->depth--;
    return *r->text++ == ')';
}

static bool expression(struct reader *r)
{
    if (!term(r)) {
        return false;
    }
    while (keyword(r, "AND") || keyword(r, "OR")) {
        if (!term(r)) {
            return false;
        }
    }
    return true;
}

bool spdx_is_expression(const char *text)
{
    struct reader r = { text, 0 };
    if (!expression(&r)) {
        return false;
    }
    skip_blanks(&r);
    return *r.text == '\0';
}
