/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_RC_H
#define CORE_BASE_RC_H

/*
 * Result codes: what every fallible function of licit returns.
 *
 * One table gives the enum, the names and the texts. The words of a failure
 * (what, where, what would be right) travel beside it in a struct why. How a
 * code looks over HTTP is decided in api/error.c alone.
 *
 * Threads: any. Memory: none. Logs: no.
 */

#define RC_TABLE(X)                                                 \
    X(OK, "done")                                                   \
    X(INVALID, "a value is not allowed")                            \
    X(SYNTAX, "the text is not well-formed")                        \
    X(DUPLICATE_KEY, "a key is given twice")                        \
    X(UNKNOWN_KEY, "a key is not known")                            \
    X(UNAUTHENTICATED, "who is asking is not known")                \
    X(DENIED, "this is not allowed for who is asking")              \
    X(NOT_FOUND, "there is no such thing")                          \
    X(GONE, "it was here and has been erased")                      \
    X(METHOD, "the method is not offered here")                     \
    X(CONFLICT, "it clashes with the present state")                \
    X(UNPROCESSABLE, "well-formed, but the data does not allow it") \
    X(TOO_LARGE, "it is larger than the ceiling")                   \
    X(UNSUPPORTED, "this form is not supported")                    \
    X(BUSY, "the queue is full")                                    \
    X(LIMITED, "too many requests")                                 \
    X(CANCELLED, "it was cancelled")                                \
    X(TIMEOUT, "the deadline has passed")                           \
    X(UNAVAILABLE, "the service is not ready for this now")         \
    X(STORAGE_FULL, "the disk is full")                             \
    X(IO, "reading or writing failed")                              \
    X(CORRUPT, "stored bytes do not match their digest")            \
    X(NO_MEMORY, "out of memory")                                   \
    X(INTERNAL, "an internal error")

enum rc {
#define X(name, text) RC_##name,
    RC_TABLE(X)
#undef X
};

/* A result that nobody looks at is a bug: every function returning enum rc carries this. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* The name in the table ("NOT_FOUND") and its one-line meaning; never NULL. */
const char *rc_name(enum rc rc);
const char *rc_text(enum rc rc);

/* Always-on check of a programmer's promise: prints the place and aborts. Never for input. */
#define MUST(condition) \
    ((condition) ? (void)0 : rc_must_failed(#condition, __FILE__, __LINE__))

_Noreturn void rc_must_failed(const char *condition, const char *file, int line);

#endif
