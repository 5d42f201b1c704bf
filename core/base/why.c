/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void fill(char *out, size_t size, const char *format, va_list args)
{
    const int n = vsnprintf(out, size, format, args);
    if (n < 0) {
        out[0] = '\0';
    } else if ((size_t)n >= size) {
        memcpy(out + size - 4, "...", 4);
    }
}

enum rc why_fail(struct why *why, enum rc rc, const char *path, const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        fill(why->text, sizeof(why->text), format, args);
        va_end(args);
        (void)snprintf(why->path, sizeof(why->path), "%s", path == NULL ? "" : path); /* cut is fine */
    }
    return rc;
}

enum rc why_under(struct why *why, enum rc rc, const char *format, ...)
{
    if (why != NULL && rc != RC_OK) {
        char outer[WHY_PATH_MAX];
        char joined[2 * WHY_PATH_MAX + 2];
        va_list args;
        va_start(args, format);
        fill(outer, sizeof(outer), format, args);
        va_end(args);
        const char *joint = why->path[0] == '\0' || why->path[0] == '[' || outer[0] == '\0' ? "" : ".";
        (void)snprintf(joined, sizeof(joined), "%s%s%s", outer, joint, why->path); /* cannot overflow */
        (void)snprintf(why->path, sizeof(why->path), "%.*s", WHY_PATH_MAX - 1, joined);
    }
    return rc;
}
