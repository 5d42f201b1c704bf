/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_write(const void *bytes, size_t n, char *ret)
{
    const unsigned char *in = bytes;
    unsigned bits = 0, held = 0; /* the low `held` bits wait for their digit */
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | in[i]) & 0xffff;
        for (held += 8; held >= 6; held -= 6) {
            *ret++ = digits[bits >> (held - 6) & 63];
        }
    }
    if (held > 0) {
        *ret++ = digits[bits << (6 - held) & 63];
    }
    *ret = '\0';
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : -1;
}

bool base64_read(const char *text, size_t n, unsigned char *ret)
{
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < n; i++) {
        const int value = value_of(text[i]);
        if (value < 0) {
            return false;
        }
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *ret++ = (unsigned char)(bits >> held);
        }
    }
    return held < 6 && (bits & ((1U << held) - 1)) == 0; /* a digit too many, or bits that stand for nothing */
}
