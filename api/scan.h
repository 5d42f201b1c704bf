/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SCAN_H
#define API_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/rc.h"
#include "core/base/why.h"

/*
 * A cursor over JSON text, for bodies that are mostly numbers: no tree, no
 * allocation, one pass. Strict RFC 8259, but that NaN, Infinity and -Infinity
 * are let through as tokens, as TensorFlow Serving's clients write them.
 *
 * Strings are decoded in place: what scan_string() gives is closed by a NUL and
 * lies where the text was, so the text is used up by the reading.
 *
 * Threads: one. Memory: the caller's text, which it must own. Logs: no.
 */

#define SCAN_DEPTH_MAX 32

struct scan {
    char *at;
    char *end;
    const char *start;
};

void scan_init(struct scan *scan, char *text, size_t n);

/* Goes over blanks, then over this character if it stands there. */
bool scan_take(struct scan *scan, char c);

/* The next character after blanks, which stays; 0 at the end. */
char scan_peek(struct scan *scan);

/* RC_SYNTAX with the byte at which it went wrong, each. A string's *ret_n is its length. */
enum rc scan_need(struct scan *scan, char c, struct why *why) MUST_CHECK;
enum rc scan_string(struct scan *scan, char **ret, size_t *ret_n, struct why *why) MUST_CHECK;

/* A number or one of the three tokens. RC_INVALID: a number that no double holds. */
enum rc scan_number(struct scan *scan, double *ret, struct why *why) MUST_CHECK;
enum rc scan_word(struct scan *scan, const char *word, struct why *why) MUST_CHECK;

/* Over any value; RC_TOO_LARGE beyond SCAN_DEPTH_MAX. */
enum rc scan_skip(struct scan *scan, struct why *why) MUST_CHECK;

/* RC_SYNTAX when anything but blanks is left. */
enum rc scan_finish(struct scan *scan, struct why *why) MUST_CHECK;

/*
 * Lists and objects alike:
 *     for (bool more = scan_begin(scan, '[', ']', &rc, why); more; more = scan_more(scan, ']', &rc, why))
 * reads one item or pair in each turn; rc tells how it ended. The body must leave rc as it is when RC_OK.
 */
bool scan_begin(struct scan *scan, char open, char close, enum rc *rc, struct why *why);
bool scan_more(struct scan *scan, char close, enum rc *rc, struct why *why);

#endif
