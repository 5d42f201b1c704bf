/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/address.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

static void test_address_read_and_write(void **state)
{
    static const struct {
        const char *text, *out; /* out NULL: refused */
    } rows[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "2001:DB8::1", "2001:db8::1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "::", "::" },
        { "", NULL },
        { "192.0.2", NULL },
        { "192.0.2.256", NULL },
        { "192.0.2.1 ", NULL },
        { "[::1]", NULL },
        { "::1%eth0", NULL },
        { "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        const bool good = address_read(rows[i].text, strlen(rows[i].text), &address);
        check_int(good, rows[i].out != NULL);
        if (good) {
            address_write(&address, text);
            check_text(text, rows[i].out);
        }
    }
    struct address address;
    check(!address_read("1.2.3.4\0", 8, &address));
}

static void test_address_ranges(void **state)
{
    static const struct {
        const char *range, *address;
        bool inside;
    } rows[] = {
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "10.0.0.0/8", "::10.0.0.1", false },
        { "10.0.0.0/8", "::ffff:10.0.0.1", true },
        { "192.0.2.128/25", "192.0.2.129", true },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "0.0.0.0/0", "255.255.255.255", true },
        { "::/0", "1.2.3.4", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::1", "::1", true },
        { "::1", "::2", false },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address_range range;
        struct address address;
        check(address_range_read(rows[i].range, strlen(rows[i].range), &range));
        check(address_read(rows[i].address, strlen(rows[i].address), &address));
        check_int(address_is_in(&address, &range), rows[i].inside);
    }
    static const char *const bad[] = { "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "::/129", "::1/64" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct address_range range;
        check(!address_range_read(bad[i], strlen(bad[i]), &range));
    }
    const struct address none = { .family = ADDRESS_NONE };
    struct address_range all;
    check(address_range_read("0.0.0.0/0", 9, &all));
    check(!address_is_in(&none, &all));
}

static void test_address_truncate(void **state)
{
    static const char *const rows[][2] = { { "192.0.2.77", "192.0.2.0" }, { "2001:db8:1:2:3::4", "2001:db8:1::" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address address;
        char text[ADDRESS_TEXT_SIZE];
        check(address_read(rows[i][0], strlen(rows[i][0]), &address));
        address = address_truncate(&address);
        address_write(&address, text);
        check_text(text, rows[i][1]);
    }
    const struct address none = { .family = ADDRESS_NONE };
    const struct address still = address_truncate(&none);
    char text[ADDRESS_TEXT_SIZE] = "x";
    address_write(&still, text);
    check_text(text, "");
}

CHECK_MAIN("core/base/address",
           CHECK(test_address_read_and_write),
           CHECK(test_address_ranges),
           CHECK(test_address_truncate))
