/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/handlers.h"
#include "core/auth/scope.h"

/* Prints the table that dispatches, and the closed list of rights, for test_routes.py: one line each, fields apart by a tab. */
int main(void)
{
    for (const struct api_route *route = api_routes; route->method != NULL; route++) {
        const char *named = route->named == NULL ? "-" : route->named;
        printf("route\t%s\t%s\t%s\t%s\t%s\n", route->method, route->pattern, route->open ? "-" : route->kind,
               named, route->open ? "-" : route->verb);
    }
    for (int right = 0; right < SCOPE_RIGHT_COUNT; right++) {
        printf("right\t%s\n", scope_right_name((enum scope_right)right));
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
