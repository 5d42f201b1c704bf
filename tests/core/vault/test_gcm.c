/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/gcm.h"

#include "core/base/cleanup.h"
#include "core/vault/digest.h"
#include "tests/check.h"

#define BYTES_MAX 64

static size_t from_hex(const char *hex, unsigned char *ret)
{
    const size_t n = strlen(hex) / 2;
    check(digest_from_hex(hex, n, ret));
    return n;
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16: AES-256, nonces of 96 bits. */
static const struct {
    const char *key, *nonce, *plain, *about, *cipher, *tag;
} rows[] = {
    { "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
      "530f8afbc74536b9a963b4f1c4cb738b" },
    { "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
      "00000000000000000000000000000000", "", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919" },
    { "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255", "",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
      "b094dac5d93471bdec1a502270e3cc6c" },
    { "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
      "76fc6ece0f4e1768cddf8853bb2d551b" },
};

struct vector {
    unsigned char key[GCM_KEY_BYTES], nonce[GCM_NONCE_BYTES], about[BYTES_MAX], plain[BYTES_MAX], sealed[BYTES_MAX + GCM_TAG_BYTES];
    size_t n, about_n;
};

static struct vector read_row(size_t i)
{
    struct vector it;
    check_int(from_hex(rows[i].key, it.key), sizeof(it.key));
    check_int(from_hex(rows[i].nonce, it.nonce), sizeof(it.nonce));
    it.about_n = from_hex(rows[i].about, it.about);
    it.n = from_hex(rows[i].plain, it.plain);
    check_int(from_hex(rows[i].cipher, it.sealed), it.n);
    check_int(from_hex(rows[i].tag, it.sealed + it.n), GCM_TAG_BYTES);
    return it;
}

static void test_gcm_published_vectors(void **state)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct vector it = read_row(i);
        const struct gcm gcm = { it.key, it.nonce, it.about, it.about_n };
        unsigned char out[BYTES_MAX + GCM_TAG_BYTES];
        check_rc(gcm_encrypt(&gcm, it.plain, it.n, out), RC_OK);
        check_bytes(out, it.sealed, it.n + GCM_TAG_BYTES);
        check_rc(gcm_decrypt(&gcm, it.sealed, it.n, out), RC_OK);
        if (it.n > 0) {
            check_bytes(out, it.plain, it.n);
        }
    }
}

/* Any bit of cipher text, tag, key, nonce or associated data. */
static void test_gcm_decrypt_sees_every_bit(void **state)
{
    struct vector it = read_row(3);
    const struct gcm gcm = { it.key, it.nonce, it.about, it.about_n };

    struct {
        unsigned char *bytes;
        size_t n;
    } parts[] = {
        { it.sealed, it.n + GCM_TAG_BYTES },
        { it.key, sizeof(it.key) },
        { it.nonce, sizeof(it.nonce) },
        { it.about, it.about_n },
    };

    static const unsigned char nothing[BYTES_MAX];
    for (size_t part = 0; part < COUNT_OF(parts); part++) {
        for (size_t bit = 0; bit < 8 * parts[part].n; bit++) {
            unsigned char out[BYTES_MAX];
            parts[part].bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            check_rc(gcm_decrypt(&gcm, it.sealed, it.n, out), RC_CORRUPT);
            check_bytes(out, nothing, it.n);
            parts[part].bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
}

CHECK_MAIN("core/vault/gcm",
           CHECK(test_gcm_published_vectors),
           CHECK(test_gcm_decrypt_sees_every_bit))
