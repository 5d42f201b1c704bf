/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits into *ret and returns where they end; NULL: none, or too large. */
static const char *digits(const char *text, uint64_t *ret)
{
    uint64_t n = 0;
    if (!is_digit(*text)) {
        return NULL;
    }
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n)) {
            return NULL;
        }
    }
    *ret = n;
    return text;
}

bool str_to_int64(const char *text, int64_t *ret)
{
    const bool minus = *text == '-';
    uint64_t n;
    const char *end = digits(text + minus, &n);
    if (end == NULL || *end != '\0' || n > (uint64_t)INT64_MAX + minus) {
        return false;
    }
    *ret = minus ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

struct unit {
    const char *name;
    uint64_t times;
};

/* A number followed by one of the units. */
static bool with_unit(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
    uint64_t n;
    const char *end = digits(text, &n);
    for (size_t i = 0; end != NULL && i < count; i++) {
        if (strcmp(end, units[i].name) == 0) {
            return !__builtin_mul_overflow(n, units[i].times, ret);
        }
    }
    return false;
}

bool str_to_bytes(const char *text, uint64_t *ret)
{
    static const struct unit units[] = {
        { "", 1 },
        { "k", 1u << 10 },
        { "M", 1u << 20 },
        { "G", 1u << 30 },
        { "K", 1u << 10 },
    };
    return with_unit(text, units, sizeof(units) / sizeof(units[0]), ret);
}

bool str_to_ms(const char *text, int64_t *ret)
{
    static const struct unit units[] = {
        { "", 1000 },
        { "ms", 1 },
        { "s", 1000 },
        { "m", 60000 },
        { "h", 3600000 },
        { "d", 86400000 },
    };
    uint64_t n;
    if (!with_unit(text, units, sizeof(units) / sizeof(units[0]), &n) || n > INT64_MAX) {
        return false;
    }
    *ret = (int64_t)n;
    return true;
}

bool str_to_bool(const char *text, bool *ret)
{
    static const char *const yes[] = { "yes", "true", "on" };
    static const char *const no[] = { "no", "false", "off" };
    for (size_t i = 0; i < 3; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *ret = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

bool str_copy(char *out, size_t size, const char *text)
{
    const size_t n = strlen(text);
    if (n >= size) {
        out[0] = '\0';
        return false;
    }
    memcpy(out, text, n + 1);
    return true;
}

/* RFC 3629 section 4. */
size_t str_utf8_sequence(const char *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes;
    const unsigned char c = p[0];
    const size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0
                                  : c < 0xe0   ? 2
                                  : c < 0xf0   ? 3
                                  : c < 0xf5   ? 4
                                               : 0;
    if (len == 0 || len > n) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (c == 0xe0 && p[1] < 0xa0) || (c == 0xf0 && p[1] < 0x90);
    const bool surrogate = c == 0xed && p[1] > 0x9f;
    const bool beyond = c == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : len;
}

bool str_is_utf8(const char *bytes, size_t n)
{
    while (n > 0) {
        const size_t len = str_utf8_sequence(bytes, n);
        if (len == 0) {
            return false;
        }
        bytes += len;
        n -= len;
    }
    return true;
}

static bool is_printable(const char *sequence, size_t len)
{
    const unsigned char *p = (const unsigned char *)sequence;
    switch (len) {
    case 0: return false;
    case 1: return p[0] >= 0x20 && p[0] != 0x7f;
    case 2: return p[0] != 0xc2 || p[1] >= 0xa0; /* not U+0080 to U+009F */
    case 3:
        return !(p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) && /* U+2028 to U+202E */
               !(p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);   /* U+2066 to U+2069 */
    default: return true;
    }
}

void str_make_printable(char *text)
{
    for (size_t n = strlen(text); n > 0;) {
        const size_t len = str_utf8_sequence(text, n);
        const size_t step = len == 0 ? 1 : len;
        if (!is_printable(text, len)) {
            memset(text, '?', step);
        }
        text += step;
        n -= step;
    }
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool str_is_name(const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++) {
        const bool inner = n > 0 && (text[n] == '.' || text[n] == '_' || text[n] == '-');
        if (n == STR_NAME_MAX || !(is_alnum(text[n]) || inner)) {
            return false;
        }
    }
    return n > 0;
}
