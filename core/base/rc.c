/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/rc.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    const char *code;
    const char *text;
} table[] = {

#define X(name, code, text) { #name, code, text },
    RC_TABLE(X)
#undef X
};

#define COUNT (sizeof(table) / sizeof(table[0]))

const char *rc_name(enum rc rc)
{
    return (size_t)rc < COUNT ? table[rc].name : "UNKNOWN";
}

const char *rc_code(enum rc rc)
{
    return (size_t)rc < COUNT ? table[rc].code : "internal";
}

const char *rc_text(enum rc rc)
{
    return (size_t)rc < COUNT ? table[rc].text : "an unknown result code";
}

void rc_must_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "level=error event=must_failed condition=\"%s\" at=%s:%d\n", condition, file, line);
    abort();
}
