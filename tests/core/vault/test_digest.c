/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/digest.h"

#include "tests/check.h"

/* FIPS 180-2 appendix B, and the empty message. */
static void test_digest_sha256_published_vectors(void **state)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char hex[DIGEST_HEX_SIZE];
        check_rc(digest_sha256_hex(rows[i].text, strlen(rows[i].text), hex), RC_OK);
        check_text(hex, rows[i].hex);
    }
}

/* A million times "a", in pieces that do not divide the block; twice, since an ended digest starts anew. */
static void test_digest_add_streams(void **state)
{
    static char piece[1000];
    memset(piece, 'a', sizeof(piece));
    AUTO(digest) struct digest digest;
    check_rc(digest_init(&digest), RC_OK);
    for (int round = 0; round < 2; round++) {
        for (size_t done = 0, n = 1; done < 1000000; done += n, n = n % 997 + 1) {
            n = n > 1000000 - done ? 1000000 - done : n;
            digest_add(&digest, piece, n);
        }
        char hex[DIGEST_HEX_SIZE];
        digest_end_hex(&digest, hex);
        check_text(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

/* RFC 4231, cases 1, 2, 3 and 6. */
static void test_digest_hmac_published_vectors(void **state)
{
    static char b0[20], aa[131], dd[50];
    memset(b0, 0x0b, sizeof(b0));
    memset(aa, 0xaa, sizeof(aa));
    memset(dd, 0xdd, sizeof(dd));

    const struct {
        const char *key;
        size_t key_n;
        const char *text;
        size_t n;
        const char *hex;
    } rows[] = {
        { b0, 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { "Jefe", 4, "what do ya want for nothing?", 28, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { aa, 20, dd, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
        { aa, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
        { NULL, 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned char mac[DIGEST_BYTES];
        char hex[DIGEST_HEX_SIZE];
        digest_hmac(rows[i].key, rows[i].key_n, rows[i].text, rows[i].n, mac);
        digest_hex(mac, sizeof(mac), hex);
        check_text(hex, rows[i].hex);
    }
}

/* Bytes from, from + 1, ... */
static void count_up(unsigned char *bytes, size_t n, unsigned char from)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (unsigned char)(from + i);
    }
}

/* RFC 5869, cases 1, 2 and 3. */
static void test_digest_hkdf_published_vectors(void **state)
{
    unsigned char b0b[22], secret[80], salt[80], info[80];
    memset(b0b, 0x0b, sizeof(b0b));
    count_up(secret, sizeof(secret), 0x00);
    count_up(salt, sizeof(salt), 0x60);
    count_up(info, sizeof(info), 0xb0);
    unsigned char short_salt[13], short_info[10];
    count_up(short_salt, sizeof(short_salt), 0x00);
    count_up(short_info, sizeof(short_info), 0xf0);

    const struct {
        struct digest_hkdf from;
        size_t n;
        const char *hex;
    } rows[] = {
        { { b0b, short_salt, short_info, 22, 13, 10 }, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
        { { secret, salt, info, 80, 80, 80 }, 82, "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                                                  "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
        { { b0b, NULL, NULL, 22, 0, 0 }, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned char key[82];
        char hex[2 * sizeof(key) + 1];
        digest_hkdf(&rows[i].from, key, rows[i].n);
        digest_hex(key, rows[i].n, hex);
        check_text(hex, rows[i].hex);
    }
}

static void test_digest_from_hex_is_strict(void **state)
{
    unsigned char bytes[2];
    check(digest_from_hex("00ff", 2, bytes));
    check_int(bytes[0], 0);
    check_int(bytes[1], 255);
    static const char *const bad[] = { "", "00f", "00fff", "00FF", "0x12", "00 f", "00g0" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check(!digest_from_hex(bad[i], 2, bytes));
    }
}

static void test_digest_equal_sees_every_byte(void **state)
{
    unsigned char a[DIGEST_BYTES] = { 0 }, b[DIGEST_BYTES] = { 0 };
    check(digest_equal(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 1;
        check(!digest_equal(a, b, sizeof(a)));
        b[i] = 0;
    }
}

CHECK_MAIN("core/vault/digest",
           CHECK(test_digest_sha256_published_vectors),
           CHECK(test_digest_add_streams),
           CHECK(test_digest_hmac_published_vectors),
           CHECK(test_digest_hkdf_published_vectors),
           CHECK(test_digest_from_hex_is_strict),
           CHECK(test_digest_equal_sees_every_byte))
