/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/caveat.h"

#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/str.h"

/* An empty pattern is a slip, and names nothing. */
static bool fits(const char *pattern, const char *text)
{
    const size_t n = strlen(pattern);
    if (text == NULL || n == 0) {
        return false;
    }
    return pattern[n - 1] == '*' ? strncmp(text, pattern, n - 1) == 0 : strcmp(text, pattern) == 0;
}

static enum rc check_path(const char *value, const struct caveat_ask *ask, struct why *why)
{
    return fits(value, ask->path) ? RC_OK : why_fail(why, RC_DENIED, NULL, "the token is narrowed to the path \"%.100s\"", value);
}

static enum rc check_model(const char *value, const struct caveat_ask *ask, struct why *why)
{
    return fits(value, ask->model) ? RC_OK : why_fail(why, RC_DENIED, NULL, "the token is narrowed to requests for the model \"%.100s\"", value);
}

static enum rc check_expires(const char *value, const struct caveat_ask *ask, struct why *why)
{
    int64_t end;
    if (!str_to_int64(value, &end)) {
        return why_fail(why, RC_DENIED, NULL, "the token is narrowed to a time that is none: \"%.100s\"", value);
    }
    return ask->now < end ? RC_OK : why_fail(why, RC_UNAUTHENTICATED, NULL, "the narrowed token has expired");
}

static enum rc check_address(const char *value, const struct caveat_ask *ask, struct why *why)
{
    struct address_range range;
    if (!address_range_read(value, strlen(value), &range)) {
        return why_fail(why, RC_DENIED, NULL, "the token is narrowed to addresses that are none: \"%.100s\"", value);
    }
    return address_is_in(ask->address, &range) ? RC_OK : why_fail(why, RC_DENIED, NULL, "the token is narrowed to other client addresses");
}

static const struct kind {
    const char *name;
    enum rc (*check)(const char *value, const struct caveat_ask *ask, struct why *why);
} kinds[] = {
    { "path", check_path },
    { "model", check_model },
    { "expires", check_expires },
    { "address", check_address },
};

enum rc caveat_check(const char *caveat, const struct caveat_ask *ask, struct why *why)
{
    const size_t n = strcspn(caveat, "=");
    for (size_t i = 0; i < COUNT_OF(kinds) && caveat[n] == '='; i++) {
        if (strncmp(kinds[i].name, caveat, n) == 0 && kinds[i].name[n] == '\0') {
            return kinds[i].check(caveat + n + 1, ask, why);
        }
    }
    return why_fail(why, RC_DENIED, NULL, "the token carries a caveat that is not known here, \"%.100s\"; known are path, model, expires and address", caveat);
}
