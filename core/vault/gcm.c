/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/gcm.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/mem.h"

/* Key, nonce and associated data of either direction; false: OpenSSL refused, which is memory that was gone. */
static bool begin(EVP_CIPHER_CTX *context, const struct gcm *gcm, int encrypts)
{
    int n = 0;
    return EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, gcm->key, gcm->nonce, encrypts) == 1 &&
           (gcm->about_n == 0 || EVP_CipherUpdate(context, NULL, &n, gcm->about, (int)gcm->about_n) == 1);
}

enum rc gcm_encrypt(const struct gcm *gcm, const void *bytes, size_t n, unsigned char *ret)
{
    MUST(n <= INT_MAX && gcm->about_n <= INT_MAX);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0, rest = 0;
    const bool ok = context != NULL && begin(context, gcm, 1) &&
                    (n == 0 || EVP_EncryptUpdate(context, ret, &done, bytes, (int)n) == 1) &&
                    EVP_EncryptFinal_ex(context, ret + done, &rest) == 1 &&
                    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG_BYTES, ret + n) == 1;
    EVP_CIPHER_CTX_free(context);
    return ok ? RC_OK : RC_NO_MEMORY;
}

/* The tag is not changed; OpenSSL only asks for it without const. */
static bool set_tag(EVP_CIPHER_CTX *context, const unsigned char *tag)
{
    unsigned char copy[GCM_TAG_BYTES];
    memcpy(copy, tag, sizeof(copy));
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, sizeof(copy), copy) == 1;
}

enum rc gcm_decrypt(const struct gcm *gcm, const void *bytes, size_t n, unsigned char *ret)
{
    MUST(n <= INT_MAX && gcm->about_n <= INT_MAX);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0, rest = 0;
    const unsigned char *tag = (const unsigned char *)bytes + n;
    const bool begun = context != NULL && begin(context, gcm, 0) && set_tag(context, tag) &&
                       (n == 0 || EVP_DecryptUpdate(context, ret, &done, bytes, (int)n) == 1);
    const bool genuine = begun && EVP_DecryptFinal_ex(context, ret + done, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!genuine && n > 0) {
        mem_wipe(ret, n);
    }
    if (genuine) {
        return RC_OK;
    }
    return begun ? RC_CORRUPT : RC_NO_MEMORY;
}
