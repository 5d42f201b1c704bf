/* SPDX-License-Identifier: Apache-2.0 */
#include "server/head.h"

#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"

#define LINE_END 2 /* CR LF */

struct walk {
    uintptr_t end; /* of the string before */
    bool gapless;
};

static uintptr_t place(const char *text)
{
    return (uintptr_t)text;
}

/* A name begins behind the line before it; between name and value stand the colon and blanks. */
static enum MHD_Result step(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value, size_t value_size)
{
    struct walk *walk = arg;
    walk->gapless = walk->gapless && value != NULL && place(name) == walk->end + LINE_END && place(value) > place(name) + name_size;
    walk->end = place(value) + value_size;
    return walk->gapless ? MHD_YES : MHD_NO;
}

bool head_is_plain(struct MHD_Connection *connection, struct head_target target, const char *method, const char *version)
{
    if (place(method) + strlen(method) + 1 != target.at || place(version) != target.at + target.size + 1) {
        return false; /* two blanks, or a NUL in the target */
    }
    struct walk walk = { .end = place(version) + strlen(version), .gapless = true };
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, step, &walk); /* the outcome is in the walk */
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return walk.gapless && info != NULL && walk.end + LINE_END + LINE_END == place(method) + info->header_size;
}

struct trailers {
    uintptr_t head_end;
    bool harmless;
};

static enum MHD_Result look_at_trailer(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    static const char *const harmful[] = {
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Authorization",
        "Connection",
        "Content-Encoding",
        "Content-Type",
        "Expect",
        "Forwarded",
        "Origin",
        "Te",
        "Trailer",
        "Upgrade",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Purpose",
        "X-Subject",
    };
    struct trailers *trailers = arg;
    if (place(name) < trailers->head_end) {
        return MHD_YES; /* the last header of the head: when trailers come in pieces, the library lists it once more */
    }
    for (size_t i = 0; i < COUNT_OF(harmful); i++) {
        trailers->harmless = trailers->harmless && strcasecmp(name, harmful[i]) != 0;
    }
    return MHD_YES;
}

bool head_trailers_are_harmless(struct MHD_Connection *connection, struct head_target target, const char *method)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct trailers trailers = { .harmless = true };
    trailers.head_end = info == NULL ? 0 : target.at - 1 - strlen(method) + info->header_size;
    (void)MHD_get_connection_values(connection, MHD_FOOTER_KIND, look_at_trailer, &trailers); /* the outcome is in the struct */
    return trailers.harmless;
}
