/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/reqlog.h"

/* Prints the fields of the request log: the table that docs/operations.md holds. */
int main(void)
{
    printf("| key | value | |\n| --- | --- | --- |\n");
    for (const struct field *field = reqlog_schema.fields; field->name != NULL; field++) {
        printf("| `%s` | %s | %s |\n", field->name, field->kind == FIELD_STRING ? "text" : "number", field->about);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
