/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/error.h"

/* Prints docs/errors.md: words that stay, and the table of codes as api/error.c has it. */

static const char *const head =
    "# Errors\n"
    "\n"
    "Made from the server's own table of codes (`tests/docs/errors.c`). A refused request is answered with RFC 9457\n"
    "`application/problem+json`:\n"
    "\n"
    "```json\n"
    "{\"type\": \"urn:licit:error:invalid_value\", \"title\": \"A value is not allowed\", \"status\": 400,\n"
    " \"detail\": \"must be 1 to 10000, got 0\", \"code\": \"invalid_value\", \"path\": \"epochs\", \"request_id\": \"req-06a2f0q5d1h7k2m4n6p8\"}\n"
    "```\n"
    "\n"
    "`code` is stable and meant for programs; `detail` is meant for people; `path` is the place in the body\n"
    "(`network.layers[2].units`), a header (`header:Content-Type`) or a limit of the token. `request_id` is also in the header\n"
    "`X-Request-Id` of every reply and in the server's request log.\n"
    "\n"
    "| code | status | title | what to do |\n"
    "| --- | --- | --- | --- |\n";

static const char *const tail =
    "\n"
    "`:predict` answers refusals as TensorFlow Serving does: `{\"error\": \"...\"}`, with the same statuses. What is no HTTP at\n"
    "all is answered by the HTTP library itself, with its own words and a closed connection: see\n"
    "[security.md](security.md).\n"
    "\n"
    "The command `licit` prints detail, path, code and request id, and exits with 1; its other exit statuses are in\n"
    "[command.md](command.md).\n";

int main(void)
{
    (void)fputs(head, stdout); /* the last call says whether all was written */
    for (const struct api_error *error = api_errors; error->code != NULL; error++) {
        printf("| `%s` | %d | %s | %s |\n", error->code, error->status, error->title, error->advice);
    }
    (void)fputs(tail, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
