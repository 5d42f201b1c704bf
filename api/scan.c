/* SPDX-License-Identifier: Apache-2.0 */
#include "api/scan.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/base/str.h"

void scan_init(struct scan *scan, char *text, size_t n)
{
    *scan = (struct scan){ text, text + n, text };
}

static enum rc fail(const struct scan *scan, struct why *why, const char *what)
{
    if (scan->at >= scan->end) {
        return why_fail(why, RC_SYNTAX, NULL, "%s, but the text ends", what);
    }
    return why_fail(why, RC_SYNTAX, NULL, "%s at byte %zu", what, (size_t)(scan->at - scan->start));
}

char scan_peek(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
    return (char)(scan->at < scan->end ? *scan->at : '\0');
}

bool scan_take(struct scan *scan, char c)
{
    if (scan_peek(scan) != c || scan->at == scan->end) {
        return false;
    }
    scan->at++;
    return true;
}

enum rc scan_need(struct scan *scan, char c, struct why *why)
{
    const char what[] = { 'e', 'x', 'p', 'e', 'c', 't', 'e', 'd', ' ', '\'', c, '\'', '\0' };
    return scan_take(scan, c) ? RC_OK : fail(scan, why, what);
}

enum rc scan_word(struct scan *scan, const char *word, struct why *why)
{
    const size_t n = strlen(word);
    (void)scan_peek(scan); /* over blanks */
    if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, word, n) != 0) {
        return fail(scan, why, "expected a value");
    }
    scan->at += n;
    return RC_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at `at`; -1: none. */
static int32_t read_unit(const struct scan *scan, const char *at)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = at + i < scan->end ? hex_value(at[i]) : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static size_t write_utf8(int32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* \uXXXX, with its second half where it needs one. at stands on the u. 0: malformed, or U+0000. */
static size_t read_unicode(struct scan *scan, char *out)
{
    int32_t c = read_unit(scan, scan->at + 1);
    scan->at += 5;
    if (c >= 0xd800 && c < 0xdc00 && scan->end - scan->at >= 6 && scan->at[0] == '\\' && scan->at[1] == 'u') {
        const int32_t low = read_unit(scan, scan->at + 2);
        if (low < 0xdc00 || low > 0xdfff) {
            return 0;
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        scan->at += 6;
    }
    return c <= 0 || (c >= 0xd800 && c < 0xe000) ? 0 : write_utf8(c, out);
}

/* The escape behind a backslash; it never grows. 0: malformed. */
static size_t read_escape(struct scan *scan, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (scan->at == scan->end) {
        return 0;
    }
    const char *place = *scan->at == '\0' ? NULL : strchr(from, *scan->at);
    if (place != NULL) {
        *out = to[place - from];
        scan->at++;
        return 1;
    }
    return *scan->at == 'u' ? read_unicode(scan, out) : 0;
}

enum rc scan_string(struct scan *scan, char **ret, size_t *ret_n, struct why *why)
{
    if (!scan_take(scan, '"')) {
        return fail(scan, why, "expected a string");
    }
    char *const start = scan->at, *out = start;
    while (scan->at < scan->end && *scan->at != '"') {
        const char c = *scan->at++;
        if ((unsigned char)c < 0x20) {
            return fail(scan, why, "a control character in a string");
        }
        if (c != '\\') {
            *out++ = c;
            continue;
        }
        const size_t n = read_escape(scan, out);
        if (n == 0) {
            return fail(scan, why, "a malformed escape");
        }
        out += n;
    }
    if (scan->at >= scan->end) {
        scan->at = scan->end;
        return fail(scan, why, "a string without its end");
    }
    scan->at++; /* the quote, in whose place or before which the NUL comes */
    *out = '\0';
    if (!str_is_utf8(start, (size_t)(out - start))) {
        return fail(scan, why, "a string that is not UTF-8");
    }
    *ret = start;
    *ret_n = (size_t)(out - start);
    return RC_OK;
}

/* NaN, Infinity, -Infinity. */
static bool take_token(struct scan *scan, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } tokens[] = { { "NaN", (double)NAN }, { "Infinity", (double)INFINITY }, { "-Infinity", -(double)INFINITY } };

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        const size_t n = strlen(tokens[i].text);
        if ((size_t)(scan->end - scan->at) >= n && memcmp(scan->at, tokens[i].text, n) == 0) {
            scan->at += n;
            *ret = tokens[i].value;
            return true;
        }
    }
    return false;
}

enum rc scan_number(struct scan *scan, double *ret, struct why *why)
{
    (void)scan_peek(scan); /* over blanks */
    const size_t n = decimal_scan_double(scan->at, (size_t)(scan->end - scan->at), ret);
    if (n > 0) {
        scan->at += n;
        return RC_OK;
    }
    if (take_token(scan, ret)) {
        return RC_OK;
    }
    if (decimal_scan_length(scan->at, (size_t)(scan->end - scan->at)) > 0) {
        return why_fail(why, RC_INVALID, NULL, "the number at byte %zu is too large", (size_t)(scan->at - scan->start));
    }
    return fail(scan, why, "expected a value");
}

bool scan_begin(struct scan *scan, char open, char close, enum rc *rc, struct why *why)
{
    *rc = scan_need(scan, open, why);
    return *rc == RC_OK && !scan_take(scan, close);
}

bool scan_more(struct scan *scan, char close, enum rc *rc, struct why *why)
{
    if (*rc != RC_OK || scan_take(scan, close)) {
        return false;
    }
    *rc = scan_need(scan, ',', why);
    return *rc == RC_OK;
}

static enum rc skip(struct scan *scan, int depth, struct why *why);

static enum rc skip_inside(struct scan *scan, bool object, int depth, struct why *why)
{
    char *text;
    size_t n;
    enum rc rc;
    const char open = object ? '{' : '[', close = object ? '}' : ']';
    for (bool more = scan_begin(scan, open, close, &rc, why); more; more = scan_more(scan, close, &rc, why)) {
        if (object) {
            rc = scan_string(scan, &text, &n, why);
            rc = rc != RC_OK ? rc : scan_need(scan, ':', why);
        }
        rc = rc != RC_OK ? rc : skip(scan, depth + 1, why);
    }
    return rc;
}

static enum rc skip(struct scan *scan, int depth, struct why *why)
{
    char *text;
    size_t n;
    double number;
    const char c = scan_peek(scan);
    if (depth > SCAN_DEPTH_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "may be nested at most %d deep", SCAN_DEPTH_MAX);
    }
    switch (c) {
    case '"': return scan_string(scan, &text, &n, why);
    case 't': return scan_word(scan, "true", why);
    case 'f': return scan_word(scan, "false", why);
    case 'n': return scan_word(scan, "null", why);
    case '[':
    case '{': return skip_inside(scan, c == '{', depth, why);
    default: return scan_number(scan, &number, why);
    }
}

enum rc scan_skip(struct scan *scan, struct why *why)
{
    return skip(scan, 1, why);
}

enum rc scan_finish(struct scan *scan, struct why *why)
{
    (void)scan_peek(scan); /* over blanks */
    return scan->at == scan->end ? RC_OK : fail(scan, why, "something after the end");
}
