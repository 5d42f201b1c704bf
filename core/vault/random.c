/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/random.h"

#include <limits.h>

#include <openssl/rand.h>

#include "core/base/mem.h"
#include "core/vault/digest.h"

enum rc vault_random(void *ret_bytes, size_t n)
{
    MUST(n <= INT_MAX);
    return RAND_bytes(ret_bytes, (int)n) == 1 ? RC_OK : RC_INTERNAL;
}

enum rc vault_random_hex(char *ret_text, size_t n)
{
    unsigned char bytes[VAULT_RANDOM_HEX_MAX];
    MUST(n <= sizeof(bytes));
    const enum rc rc = vault_random(bytes, n);
    if (rc == RC_OK) {
        digest_hex(bytes, n, ret_text);
    }
    mem_wipe(bytes, sizeof(bytes));
    return rc;
}
