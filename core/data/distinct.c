/* SPDX-License-Identifier: Apache-2.0 */
#include "core/data/distinct.h"

#include <string.h>

#include "core/base/mem.h"

#define ROOM_FIRST 64
#define ROOM_MAX   (1u << 21) /* half of them in use: a million values */

/* The finaliser of MurmurHash3 (Appleby, public domain). The address of the set, which nobody outside
 * knows, keeps a hostile file from choosing values that all meet in one place; it changes no count. */
static size_t place(const struct distinct *distinct, uint32_t bits)
{
    uint64_t h = bits ^ (uint64_t)(uintptr_t)distinct * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return (size_t)(h ^ h >> 33) & (distinct->room - 1);
}

/* Where the value is, or would be. */
static uint32_t *find(const struct distinct *distinct, uint32_t bits)
{
    size_t i = place(distinct, bits);
    while (distinct->slots[i] != 0 && distinct->slots[i] != bits) {
        i = (i + 1) & (distinct->room - 1);
    }
    return &distinct->slots[i];
}

void distinct_finish(struct distinct *distinct, size_t *budget)
{
    *budget += distinct->room * sizeof(*distinct->slots);
    mem_free(distinct->slots);
    *distinct = (struct distinct){ .given_up = true };
}

static bool grow(struct distinct *distinct, size_t *budget)
{
    const size_t room = distinct->room == 0 ? ROOM_FIRST : distinct->room * 2;
    const size_t bytes = room * sizeof(*distinct->slots);
    uint32_t *slots = room > ROOM_MAX || bytes > *budget ? NULL : mem_array(room, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    const struct distinct old = *distinct;
    distinct->slots = slots;
    distinct->room = room;
    for (size_t i = 0; i < old.room; i++) {
        if (old.slots[i] != 0) {
            *find(distinct, old.slots[i]) = old.slots[i];
        }
    }
    *budget -= bytes;
    *budget += old.room * sizeof(*old.slots);
    mem_free(old.slots);
    return true;
}

void distinct_add(struct distinct *distinct, float value, size_t *budget)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (bits == 0 || bits == 0x80000000u) {
        distinct->zero = true;
        return;
    }
    if (distinct->given_up) {
        return;
    }
    if (distinct->used * 2 >= distinct->room && !grow(distinct, budget)) {
        distinct_finish(distinct, budget);
        return;
    }
    uint32_t *slot = find(distinct, bits);
    distinct->used += *slot == 0;
    *slot = bits;
}

int64_t distinct_count(const struct distinct *distinct)
{
    return distinct->given_up ? -1 : (int64_t)(distinct->used + distinct->zero);
}
