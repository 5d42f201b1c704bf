/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/base64.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

/* RFC 4648 section 10, without padding, and the two digits that differ. */
static void test_base64_published_vectors(void **state)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        { "", "" },
        { "f", "Zg" },
        { "fo", "Zm8" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg" },
        { "fooba", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "-_-_" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[16];
        unsigned char bytes[16];
        const size_t n = strlen(rows[i].bytes);
        base64_write(rows[i].bytes, n, text);
        check_text(text, rows[i].text);
        check_int(BASE64_LENGTH(n), strlen(text));
        check_int(BASE64_BYTES(strlen(text)), n);
        check(base64_read(text, strlen(text), bytes));
        check_bytes(bytes, rows[i].bytes, n);
    }
}

/* Every text of up to three digits: read and written again it is the same, or it is refused. */
static void test_base64_has_one_text_for_the_same_bytes(void **state)
{
    size_t good[4] = { 0 };
    for (size_t n = 1; n <= 3; n++) {
        for (unsigned number = 0; number < 1U << (8 * (n < 3 ? n : 2)); number++) {
            const char text[] = { (char)(number & 255), (char)(number >> 8), 'Q', '\0' };
            unsigned char bytes[3];
            char again[8];
            if (base64_read(text, n, bytes)) {
                base64_write(bytes, BASE64_BYTES(n), again);
                check_bytes(again, text, n);
                good[n]++;
            }
        }
    }
    check_int(good[1], 0);
    check_int(good[2], 256);
    check_int(good[3], 64 * 64);
}

static void test_base64_read_refuses(void **state)
{
    static const char *const bad[] = { "A", "AAAAA", "Zg==", "Zm9v\n", " Zg", "Zh", "Zm9", "Z+", "Z/", "Z.", "\xc3\xa4" };
    unsigned char bytes[8];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check(!base64_read(bad[i], strlen(bad[i]), bytes));
    }
    check(!base64_read("Z\0", 2, bytes));
}

CHECK_MAIN("core/base/base64",
           CHECK(test_base64_published_vectors),
           CHECK(test_base64_has_one_text_for_the_same_bytes),
           CHECK(test_base64_read_refuses))
