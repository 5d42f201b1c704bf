/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/digest.h"

#include <pthread.h>
#include <string.h>

/* SHA256_Init() and its like are older than EVP, not weaker; hmac_begin() says why they are used. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

/* Looked up once for the process: EVP_sha256() would be looked up, under a lock, by every digest. */
static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

/* NULL: OpenSSL has none, which is memory that was gone at the first call. */
static const EVP_MD *algorithm(void)
{
    (void)pthread_once(&once, fetch);
    return sha256;
}

enum rc digest_init(struct digest *digest)
{
    digest->_context = EVP_MD_CTX_new();
    if (digest->_context == NULL || algorithm() == NULL || EVP_DigestInit_ex(digest->_context, algorithm(), NULL) != 1) {
        return RC_NO_MEMORY;
    }
    return RC_OK;
}

void digest_finish(struct digest *digest)
{
    EVP_MD_CTX_free(digest->_context);
    digest->_context = NULL;
}

/* OpenSSL's SHA-256 fails only when it was never begun. */
void digest_add(struct digest *digest, const void *bytes, size_t n)
{
    MUST(EVP_DigestUpdate(digest->_context, bytes, n) == 1);
}

void digest_end(struct digest *digest, unsigned char ret[DIGEST_BYTES])
{
    MUST(EVP_DigestFinal_ex(digest->_context, ret, NULL) == 1);
    MUST(EVP_DigestInit_ex(digest->_context, NULL, NULL) == 1);
}

void digest_end_hex(struct digest *digest, char ret[DIGEST_HEX_SIZE])
{
    unsigned char bytes[DIGEST_BYTES];
    digest_end(digest, bytes);
    digest_hex(bytes, sizeof(bytes), ret);
}

enum rc digest_sha256(const void *bytes, size_t n, unsigned char ret[DIGEST_BYTES])
{
    return algorithm() != NULL && EVP_Digest(bytes, n, ret, NULL, algorithm(), NULL) == 1 ? RC_OK : RC_NO_MEMORY;
}

enum rc digest_sha256_hex(const void *bytes, size_t n, char ret[DIGEST_HEX_SIZE])
{
    unsigned char digest[DIGEST_BYTES];
    const enum rc rc = digest_sha256(bytes, n, digest);
    if (rc == RC_OK) {
        digest_hex(digest, sizeof(digest), ret);
    }
    return rc;
}

/*
 * DESIGN. HMAC is written out over OpenSSL's plain SHA-256: its one-shot HMAC()
 * looks its algorithm up under a lock and costs 2.7 us, this 0.25 us, and every
 * caveat of a narrowed token costs one. Nothing here can fail.
 */
#define BLOCK 64

struct hmac {
    SHA256_CTX inner, outer;
};

static void hmac_begin(struct hmac *hmac, const void *key, size_t key_n)
{
    unsigned char pad[BLOCK] = { 0 };
    if (key_n > BLOCK) {
        (void)SHA256_Init(&hmac->inner);
        (void)SHA256_Update(&hmac->inner, key, key_n);
        (void)SHA256_Final(pad, &hmac->inner);
    } else if (key_n > 0) {
        memcpy(pad, key, key_n);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36;
    }
    (void)SHA256_Init(&hmac->inner);
    (void)SHA256_Update(&hmac->inner, pad, BLOCK);
    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    (void)SHA256_Init(&hmac->outer);
    (void)SHA256_Update(&hmac->outer, pad, BLOCK);
    mem_wipe(pad, sizeof(pad));
}

static void hmac_add(struct hmac *hmac, const void *bytes, size_t n)
{
    (void)SHA256_Update(&hmac->inner, bytes, n);
}

static void hmac_end(struct hmac *hmac, unsigned char ret[DIGEST_BYTES])
{
    unsigned char inner[DIGEST_BYTES];
    (void)SHA256_Final(inner, &hmac->inner);
    (void)SHA256_Update(&hmac->outer, inner, sizeof(inner));
    (void)SHA256_Final(ret, &hmac->outer);
    mem_wipe(hmac, sizeof(*hmac));
    mem_wipe(inner, sizeof(inner));
}

void digest_hmac(const void *key, size_t key_n, const void *bytes, size_t n, unsigned char ret[DIGEST_BYTES])
{
    struct hmac hmac;
    hmac_begin(&hmac, key, key_n);
    hmac_add(&hmac, bytes, n);
    hmac_end(&hmac, ret);
}

void digest_hkdf(const struct digest_hkdf *from, void *ret, size_t n)
{
    unsigned char key[DIGEST_BYTES], block[DIGEST_BYTES];
    unsigned char *out = ret;
    struct hmac hmac;
    MUST(n <= DIGEST_HKDF_MAX);
    digest_hmac(from->salt, from->salt_n, from->secret, from->secret_n, key);
    for (size_t done = 0, i = 1; done < n; done += DIGEST_BYTES, i++) {
        const size_t part = n - done < DIGEST_BYTES ? n - done : DIGEST_BYTES;
        const unsigned char count = (unsigned char)i;
        hmac_begin(&hmac, key, sizeof(key));
        hmac_add(&hmac, block, i == 1 ? 0 : sizeof(block));
        hmac_add(&hmac, from->info, from->info_n);
        hmac_add(&hmac, &count, 1);
        hmac_end(&hmac, block);
        memcpy(out + done, block, part);
    }
    mem_wipe(key, sizeof(key));
    mem_wipe(block, sizeof(block));
}

void digest_hex(const void *bytes, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[in[i] >> 4];
        ret[2 * i + 1] = digits[in[i] & 15];
    }
    ret[2 * n] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_from_hex(const char *text, size_t n, unsigned char *ret)
{
    if (strlen(text) != 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool digest_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
