/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ERROR_H
#define API_ERROR_H

#include "api/route.h"

/*
 * How a failure looks over HTTP: the one table of codes, with their status and
 * words. A new code is a row of rc.h (RC_TABLE) and a row here; a test holds the
 * two together, and docs/errors.md is made from them.
 *
 * Threads: any. Memory: none. Logs: one error line for what is our own fault.
 */

struct api_error {
    int status;
    const char *code;
    const char *title;
    const char *advice; /* what a client should do; for docs/errors.md */
};

extern const struct api_error api_errors[]; /* closed by a row whose code is NULL */

/* Never for RC_OK. A code without a row would be an internal error. */
struct api_error api_error_of(enum rc rc);

/* Makes the reply of a failure in the style of the path; always leaves a reply. */
void api_error_reply(struct api_request *request, enum rc rc, const struct why *why);

/* The schema of the problem body, for the OpenAPI document. */
extern const struct schema api_problem_schema;

#endif
