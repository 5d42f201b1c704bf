/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/str.h"

/* Through a buffer of its own: the arguments may point into out. A cut does not split a character. */
__attribute__((format(printf, 3, 0))) static void fill(char *out, size_t size, const char *format, va_list args)
{
    char text[WHY_TEXT_MAX];
    const int n = vsnprintf(text, size, format, args);
    if (n < 0) {
        text[0] = '\0';
    } else if ((size_t)n >= size) {
        size_t at = size - 4;
        while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) {
            at--;
        }
        memcpy(text + at, "...", 4);
    }
    str_make_printable(text);
    memcpy(out, text, strlen(text) + 1);
}

__attribute__((format(printf, 3, 4))) static void fill_with(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(out, size, format, args);
    va_end(args);
}

enum rc why_fail(struct why *why, enum rc rc, const char *path, const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        struct why made;
        fill(made.text, sizeof(made.text), format, args);
        va_end(args);
        fill_with(made.path, sizeof(made.path), "%s", path == NULL ? "" : path);
        *why = made;
    }
    return rc;
}

enum rc why_under(struct why *why, enum rc rc, const char *format, ...)
{
    if (why != NULL && rc != RC_OK) {
        char outer[WHY_PATH_MAX];
        va_list args;
        va_start(args, format);
        fill(outer, sizeof(outer), format, args);
        va_end(args);
        const char *joint = why->path[0] == '\0' || why->path[0] == '[' || outer[0] == '\0' ? "" : ".";
        fill_with(why->path, sizeof(why->path), "%s%s%s", outer, joint, why->path);
    }
    return rc;
}
