/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ADDRESS_H
#define CORE_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Internet addresses as values: read from text, compared, held against ranges,
 * and cut short for records that must not tell who somebody is. An IPv4 address
 * inside IPv6 (::ffff:192.0.2.1) is the IPv4 address.
 *
 * Threads: any. Memory: none. Logs: no.
 */

#define ADDRESS_TEXT_SIZE 46 /* of the longest text, its NUL included */

enum address_family {
    ADDRESS_NONE, /* not known, or none at all as on a Unix socket */
    ADDRESS_IPV4, /* bytes 0 to 3 */
    ADDRESS_IPV6, /* bytes 0 to 15 */
};

struct address {
    enum address_family family;
    unsigned char bytes[16]; /* network order; the rest is zero */
};

/* The addresses whose first bits are those of base: 10.0.0.0/8. */
struct address_range {
    struct address base;
    int bits;
};

/* From 4 or 16 bytes in network order. */
struct address address_make(enum address_family family, const unsigned char *bytes);

/* n bytes of text, all of them: "192.0.2.1", "2001:db8::1". */
bool address_read(const char *text, size_t n, struct address *ret);

/* The same, or with "/bits" behind; bits of the host must be zero. */
bool address_range_read(const char *text, size_t n, struct address_range *ret);

/* ADDRESS_NONE lies in no range. */
bool address_is_in(const struct address *address, const struct address_range *range);
bool address_equal(const struct address *a, const struct address *b);

/* The network that somebody is in, not the one who: /24 of IPv4, /48 of IPv6. */
struct address address_truncate(const struct address *address);

/* "" for ADDRESS_NONE. */
void address_write(const struct address *address, char ret[ADDRESS_TEXT_SIZE]);

#endif
