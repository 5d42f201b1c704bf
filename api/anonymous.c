/* SPDX-License-Identifier: Apache-2.0 */
#include "api/anonymous.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rate.h"
#include "core/vault/random.h"

#define WAYS      4  /* addresses of a set */
#define LOCKS     64 /* a lock guards every 64th set */
#define SECOND_NS INT64_C(1000000000)

/* An address as far as it tells clients apart. */
struct client {
    uint64_t network;
    uint64_t family;
};

struct place {
    struct client client;
    int64_t state; /* of the rate */
};

struct anonymous {
    struct rate rate; /* constant after create, as the next */
    uint64_t secret[2];
    pthread_mutex_t locks[LOCKS];
    struct place places[ANONYMOUS_SETS][WAYS]; /* a set is guarded by its lock */
};

enum rc anonymous_create(int64_t per_second, struct anonymous **ret)
{
    struct anonymous *anonymous = mem_alloc(sizeof(*anonymous));
    if (anonymous == NULL) {
        return RC_NO_MEMORY;
    }
    const enum rc rc = vault_random(anonymous->secret, sizeof(anonymous->secret));
    if (rc != RC_OK) {
        mem_free(anonymous);
        return rc;
    }
    anonymous->rate = rate_make(per_second, 2 * per_second);
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_init(&anonymous->locks[i], NULL); /* cannot fail on Linux with default attributes */
    }
    *ret = anonymous;
    return RC_OK;
}

void anonymous_destroy(struct anonymous *anonymous)
{
    if (anonymous == NULL) {
        return;
    }
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_destroy(&anonymous->locks[i]); /* nobody holds it */
    }
    mem_free(anonymous);
}

static struct client client_of(const struct address *address)
{
    struct client client = { 0, address->family };
    memcpy(&client.network, address->bytes, address->family == ADDRESS_IPV4 ? 4 : 8);
    return client;
}

/* Two rounds of multiply and shift between two secrets: enough that nobody can choose addresses to meet in a set. */
static size_t set_of(const struct anonymous *anonymous, struct client client)
{
    uint64_t hash = (client.network ^ anonymous->secret[0]) + client.family;
    for (int i = 0; i < 2; i++) {
        hash = (hash ^ hash >> 31) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= anonymous->secret[1];
    }
    return (size_t)(hash >> 32) % ANONYMOUS_SETS;
}

/* Under the set's lock: the client's place, or the one that it takes over. */
static struct place *find_place(struct place set[WAYS], struct client client)
{
    struct place *fullest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].client.network == client.network && set[i].client.family == client.family) {
            return &set[i];
        }
        fullest = set[i].state < fullest->state ? &set[i] : fullest;
    }
    fullest->client = client;
    return fullest;
}

bool anonymous_take(struct anonymous *anonymous, const struct address *address, struct mono now, int64_t *ret_seconds)
{
    if (address->family == ADDRESS_NONE) {
        return true;
    }
    const struct client client = client_of(address);
    const size_t set = set_of(anonymous, client);
    pthread_mutex_t *lock = &anonymous->locks[set % LOCKS];
    int64_t wait_ns = 0;
    (void)pthread_mutex_lock(lock); /* fails only on a broken mutex, here and below */
    const bool taken = rate_take(&anonymous->rate, &find_place(anonymous->places[set], client)->state, now, &wait_ns);
    (void)pthread_mutex_unlock(lock);
    if (!taken) {
        *ret_seconds = (wait_ns + SECOND_NS - 1) / SECOND_NS;
    }
    return taken;
}
