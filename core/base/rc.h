/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_RC_H
#define CORE_BASE_RC_H

/*
 * Result codes: what every fallible function of licit returns.
 *
 * One table gives the enum, the names, the words that programs see in replies
 * and records ("code"), and the texts. The words of a failure (what, where, what
 * would be right) travel beside it in a struct why. The status over HTTP is
 * decided in api/error.c alone.
 *
 * Threads: any. Memory: none. Logs: no.
 */

#define RC_TABLE(X)                                                                  \
    X(OK, "ok", "done")                                                              \
    X(INVALID, "invalid_value", "a value is not allowed")                            \
    X(SYNTAX, "invalid_json", "the text is not well-formed")                         \
    X(DUPLICATE_KEY, "duplicate_key", "a key is given twice")                        \
    X(UNKNOWN_KEY, "unknown_key", "a key is not known")                              \
    X(UNAUTHENTICATED, "unauthenticated", "who is asking is not known")              \
    X(DENIED, "forbidden", "this is not allowed for who is asking")                  \
    X(NOT_FOUND, "not_found", "there is no such thing")                              \
    X(GONE, "gone", "it was here and has been erased")                               \
    X(METHOD, "method_not_allowed", "the method is not offered here")                \
    X(NOT_IMPLEMENTED, "not_implemented", "no path offers this method")              \
    X(EXPECTATION, "expectation_failed", "what it expects cannot be met")            \
    X(URI_TOO_LONG, "uri_too_long", "the target is too long")                        \
    X(HEADERS_TOO_LARGE, "headers_too_large", "the headers are too large")           \
    X(CONFLICT, "conflict", "it clashes with the present state")                     \
    X(UNPROCESSABLE, "unprocessable", "well-formed, but the data does not allow it") \
    X(TOO_LARGE, "too_large", "it is larger than the ceiling")                       \
    X(UNSUPPORTED, "unsupported_media", "this form is not supported")                \
    X(BUSY, "queue_full", "the queue is full")                                       \
    X(LIMITED, "rate_limited", "too many requests")                                  \
    X(CONCURRENCY_LIMITED, "concurrency_limited", "too many requests at a time")     \
    X(ROWS_LIMITED, "rows_limited", "the rows of the day are used up")               \
    X(BYTES_LIMITED, "bytes_limited", "the bytes of the day are used up")            \
    X(BITS_LIMITED, "bits_limited", "the information of the day is used up")         \
    X(CANCELLED, "cancelled", "it was cancelled")                                    \
    X(TIMEOUT, "deadline", "the deadline has passed")                                \
    X(UNAVAILABLE, "unavailable", "the service is not ready for this now")           \
    X(STORAGE_FULL, "storage_full", "the disk is full")                              \
    X(IO, "internal", "reading or writing failed")                                   \
    X(CORRUPT, "internal", "stored bytes do not match their digest")                 \
    X(NO_MEMORY, "unavailable", "out of memory")                                     \
    X(INTERNAL, "internal", "an internal error")

enum rc {
#define X(name, code, text) RC_##name,
    RC_TABLE(X)
#undef X
};

/* A result that nobody looks at is a bug: every function returning enum rc carries this. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* The name in the table ("NOT_FOUND"), its word for programs ("not_found") and its one-line meaning; never NULL. */
const char *rc_name(enum rc rc);
const char *rc_code(enum rc rc);
const char *rc_text(enum rc rc);

/* Always-on check of a programmer's promise: prints the place and aborts. Never for input. */
#define MUST(condition) \
    ((condition) ? (void)0 : rc_must_failed(#condition, __FILE__, __LINE__))

_Noreturn void rc_must_failed(const char *condition, const char *file, int line);

#endif
