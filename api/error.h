/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ERROR_H
#define API_ERROR_H

#include "api/route.h"

/*
 * How a failure looks over HTTP: the only place that maps enum rc to a status.
 *
 * Threads: any. Memory: none. Logs: one error line for what is our own fault.
 */

struct api_error {
    int status;
    const char *code;
    const char *title;
};

struct api_error api_error_of(enum rc rc);

/* Makes the reply of a failure in the style of the path; always leaves a reply. */
void api_error_reply(struct api_request *request, enum rc rc, const struct why *why);

/* The schema of the problem body, for the OpenAPI document. */
extern const struct schema api_problem_schema;

#endif
