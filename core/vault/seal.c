/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/seal.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/vault/digest.h"
#include "core/vault/gcm.h"
#include "core/vault/random.h"

#define FORM         1
#define HEAD         5 /* form and number */
#define ABOUT_MAX    512
#define CIPHER_START (HEAD + GCM_NONCE_BYTES)

_Static_assert(SEAL_OVERHEAD == CIPHER_START + GCM_TAG_BYTES && SEAL_KEY_BYTES == GCM_KEY_BYTES, "the parts make the whole");

void seal_derive(const unsigned char *secret, const char *label, struct seal_key *ret)
{
    const struct digest_hkdf from = { .secret = secret, .secret_n = SEAL_KEY_BYTES, .info = label, .info_n = strlen(label) };
    ret->number = 0;
    digest_hkdf(&from, ret->bytes, sizeof(ret->bytes));
}

/* What is authenticated beside the bytes: the head, then what they are about. */
struct about {
    unsigned char bytes[HEAD + ABOUT_MAX];
    size_t n;
};

static struct about join(const unsigned char head[HEAD], const char *about)
{
    struct about it = { .n = HEAD + strlen(about) };
    MUST(it.n <= sizeof(it.bytes)); /* our own words and ids */
    memcpy(it.bytes, head, HEAD);
    memcpy(it.bytes + HEAD, about, it.n - HEAD);
    return it;
}

static void write_head(uint32_t number, unsigned char ret[HEAD])
{
    ret[0] = FORM;
    for (size_t i = 0; i < 4; i++) {
        ret[1 + i] = (unsigned char)(number >> (24 - 8 * i));
    }
}

enum rc seal_close(const struct seal_key *key, const char *about, const void *bytes, size_t n, struct buf *ret)
{
    size_t size;
    unsigned char *out = mem_add(n, SEAL_OVERHEAD, &size) ? (unsigned char *)buf_room(ret, size) : NULL;
    if (out == NULL) {
        return ret->failed == RC_OK ? RC_TOO_LARGE : ret->failed;
    }
    write_head(key->number, out);
    enum rc rc = vault_random(out + HEAD, GCM_NONCE_BYTES);
    if (rc == RC_OK) {
        const struct about joined = join(out, about);
        const struct gcm gcm = { .key = key->bytes, .nonce = out + HEAD, .about = joined.bytes, .about_n = joined.n };
        rc = gcm_encrypt(&gcm, bytes, n, out + CIPHER_START);
    }
    if (rc == RC_OK) {
        buf_grown(ret, size);
    }
    return rc;
}

bool seal_get_number(const void *sealed, size_t n, uint32_t *ret)
{
    const unsigned char *in = sealed;
    if (n < SEAL_OVERHEAD) {
        return false;
    }
    *ret = (uint32_t)in[1] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 8 | in[4];
    return true;
}

enum rc seal_open(const struct seal_key *key, const char *about, const void *sealed, size_t n, struct buf *ret)
{
    const unsigned char *in = sealed;
    uint32_t number;
    if (!seal_get_number(sealed, n, &number)) {
        return RC_CORRUPT;
    }
    if (in[0] != FORM) {
        return RC_UNSUPPORTED;
    }
    if (number != key->number) {
        return RC_CORRUPT;
    }
    unsigned char *out = (unsigned char *)buf_room(ret, n - SEAL_OVERHEAD);
    if (out == NULL) {
        return ret->failed;
    }
    const struct about joined = join(in, about);
    const struct gcm gcm = { .key = key->bytes, .nonce = in + HEAD, .about = joined.bytes, .about_n = joined.n };
    const enum rc rc = gcm_decrypt(&gcm, in + CIPHER_START, n - SEAL_OVERHEAD, out);
    if (rc == RC_OK) {
        buf_grown(ret, n - SEAL_OVERHEAD);
    }
    return rc;
}
