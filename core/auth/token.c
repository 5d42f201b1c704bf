/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/token.h"

#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/vault/random.h"

#define PREFIX        "licit_"
#define PREFIX_LENGTH 6
#define SECRET_BYTES  32
#define SECRET_DIGITS 43 /* 62^43 is just over 2^256 */
#define BODY_LENGTH   (PREFIX_LENGTH + SECRET_DIGITS)
#define CHECK_DIGITS  6 /* 62^6 is over 2^32 */

_Static_assert(TOKEN_SIZE == BODY_LENGTH + 1 + CHECK_DIGITS + 1, "the parts make the whole");
_Static_assert(TOKEN_SIZE - 1 <= 64, "a longer key HMAC replaces by its SHA-256, which the store knows: it could then narrow");

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The polynomial of zlib, PNG and Ethernet, reflected; bit by bit, since 49 bytes need no table. */
static uint32_t crc32_of(const char *text, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xEDB88320U & (0U - (crc & 1)));
        }
    }
    return ~crc;
}

/* n digits of a big-endian number, most significant first; the number is used up. */
static void write_base62(unsigned char *number, size_t bytes, char *ret, size_t n)
{
    while (n-- > 0) {
        unsigned rest = 0;
        for (size_t i = 0; i < bytes; i++) {
            const unsigned part = rest << 8 | number[i];
            number[i] = (unsigned char)(part / 62);
            rest = part % 62;
        }
        ret[n] = digits[rest];
    }
}

static void write_check(const char *body, char ret[CHECK_DIGITS])
{
    const uint32_t crc = crc32_of(body, BODY_LENGTH);
    unsigned char bytes[4] = { (unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8), (unsigned char)crc };
    write_base62(bytes, sizeof(bytes), ret, CHECK_DIGITS);
}

enum rc token_make(char ret[TOKEN_SIZE])
{
    unsigned char secret[SECRET_BYTES];
    const enum rc rc = vault_random(secret, sizeof(secret));
    if (rc != RC_OK) {
        return rc;
    }
    memcpy(ret, PREFIX, PREFIX_LENGTH);
    write_base62(secret, sizeof(secret), ret + PREFIX_LENGTH, SECRET_DIGITS);
    ret[BODY_LENGTH] = '_';
    write_check(ret, ret + BODY_LENGTH + 1);
    ret[TOKEN_SIZE - 1] = '\0';
    mem_wipe(secret, sizeof(secret));
    return RC_OK;
}

bool token_is_well_formed(const char *text)
{
    if (strnlen(text, TOKEN_SIZE) != TOKEN_SIZE - 1 || strncmp(text, PREFIX, PREFIX_LENGTH) != 0) {
        return false;
    }
    if (strspn(text + PREFIX_LENGTH, digits) != SECRET_DIGITS || text[BODY_LENGTH] != '_') {
        return false;
    }
    char check[CHECK_DIGITS];
    write_check(text, check);
    return memcmp(text + BODY_LENGTH + 1, check, CHECK_DIGITS) == 0;
}

enum rc token_digest(const char *text, char ret[DIGEST_HEX_SIZE])
{
    return digest_sha256_hex(text, strlen(text), ret);
}
