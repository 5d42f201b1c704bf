/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/rc.h"

#define IPV4_KEPT 24 /* bits that a truncated address keeps */
#define IPV6_KEPT 48

static int width(enum address_family family)
{
    return family == ADDRESS_IPV4 ? 32 : family == ADDRESS_IPV6 ? 128
                                                                : 0;
}

static void keep_bits(struct address *address, int bits)
{
    for (int i = 0; i < 16; i++) {
        const int kept = bits - 8 * i;
        if (kept < 8) {
            address->bytes[i] &= kept <= 0 ? 0 : (unsigned char)(0xff00 >> kept);
        }
    }
}

struct address address_make(enum address_family family, const unsigned char *bytes)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    struct address out = { .family = family };
    if (family == ADDRESS_IPV6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        return address_make(ADDRESS_IPV4, bytes + sizeof(mapped));
    }
    memcpy(out.bytes, bytes, (size_t)width(family) / 8);
    return out;
}

bool address_read(const char *text, size_t n, struct address *ret)
{
    char copy[ADDRESS_TEXT_SIZE];
    unsigned char bytes[16];
    if (n >= sizeof(copy) || memchr(text, '\0', n) != NULL) {
        return false;
    }
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *ret = address_make(ADDRESS_IPV4, bytes);
    } else if (inet_pton(AF_INET6, copy, bytes) == 1) {
        *ret = address_make(ADDRESS_IPV6, bytes);
    } else {
        return false;
    }
    return true;
}

/* "0" to "128", without a sign or a leading zero. */
static bool read_bits(const char *text, size_t n, int most, int *ret)
{
    int bits = 0;
    if (n == 0 || n > 3 || (text[0] == '0' && n > 1)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        bits = bits * 10 + (text[i] - '0');
    }
    *ret = bits;
    return bits <= most;
}

bool address_range_read(const char *text, size_t n, struct address_range *ret)
{
    const char *slash = memchr(text, '/', n);
    const size_t head = slash == NULL ? n : (size_t)(slash - text);
    struct address_range out;
    if (!address_read(text, head, &out.base)) {
        return false;
    }
    out.bits = width(out.base.family);
    if (slash != NULL && !read_bits(slash + 1, n - head - 1, out.bits, &out.bits)) {
        return false;
    }
    struct address cut = out.base;
    keep_bits(&cut, out.bits);
    if (!address_equal(&cut, &out.base)) {
        return false;
    }
    *ret = out;
    return true;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool address_is_in(const struct address *address, const struct address_range *range)
{
    struct address cut = *address;
    keep_bits(&cut, range->bits);
    return address->family != ADDRESS_NONE && address_equal(&cut, &range->base);
}

struct address address_truncate(const struct address *address)
{
    struct address out = *address;
    keep_bits(&out, out.family == ADDRESS_IPV4 ? IPV4_KEPT : IPV6_KEPT);
    return out;
}

void address_write(const struct address *address, char ret[ADDRESS_TEXT_SIZE])
{
    ret[0] = '\0';
    if (address->family != ADDRESS_NONE) {
        const int family = address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6;
        MUST(inet_ntop(family, address->bytes, ret, ADDRESS_TEXT_SIZE) != NULL); /* the family is known and the text fits */
    }
}
