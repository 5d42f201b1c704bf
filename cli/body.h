/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_BODY_H
#define CLI_BODY_H

#include "cli/args.h"
#include "core/base/doc.h"

/*
 * The JSON body of a request, made from the options that were given.
 *
 * Every option whose row has a key puts its value at that key; "a.b" makes the
 * object a when it is not there. So an option table is also the description of
 * a body, and no command writes JSON by hand.
 *
 * Threads: one. Memory: the document is the caller's. Logs: no.
 */

/* Puts every keyed option into the object, over what stands there. RC_INVALID, RC_NO_MEMORY. */
enum rc body_add_options(struct doc *object, const struct args *args, struct why *why) MUST_CHECK;

/* Puts a value (handed over, also on failure) at a dotted path. RC_INVALID: a part of the path is no object; RC_NO_MEMORY. */
enum rc body_put(struct doc *object, const char *path, struct doc *value, struct why *why) MUST_CHECK;

/* "early_stopping.patience=5", "loss=mae": JSON where it is, else a string. RC_INVALID, RC_NO_MEMORY. */
enum rc body_set(struct doc *object, const char *assignment, struct why *why) MUST_CHECK;

/* "128:relu,64:relu,1:sigmoid" as dense layers {"layers":[...]}. RC_INVALID, RC_NO_MEMORY. */
enum rc body_layers(const char *text, struct doc **ret, struct why *why) MUST_CHECK;

/* A JSON object from a file, "-": standard input. RC_INVALID (cannot be read, no object), RC_SYNTAX, RC_TOO_LARGE, RC_NO_MEMORY. */
#define BODY_FILE_MAX (4 * 1024 * 1024) /* bytes */
enum rc body_read(const char *file, struct doc **ret, struct why *why) MUST_CHECK;

/* The bytes of a file, "-": standard input; at most max. RC_INVALID, RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc body_read_text(const char *file, size_t max, struct buf *out, struct why *why) MUST_CHECK;

#endif
