/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/clock.h"
#include "core/base/rc.h"

#define CHARACTERS      20
#define TIME_CHARACTERS 9 /* 45 bits */

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";

void id_make(const char *prefix, char ret[ID_SIZE])
{
    uint64_t random;
    MUST(getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random));
    uint64_t time = (uint64_t)wall_now().ms;
    const size_t n = strlen(prefix);
    MUST(n < ID_SIZE - CHARACTERS - 1);
    memcpy(ret, prefix, n);
    ret[n] = '-';
    char *text = ret + n + 1;
    for (int i = TIME_CHARACTERS - 1; i >= 0; i--, time >>= 5) {
        text[i] = alphabet[time & 31];
    }
    for (int i = TIME_CHARACTERS; i < CHARACTERS; i++, random >>= 5) {
        text[i] = alphabet[random & 31];
    }
    text[CHARACTERS] = '\0';
}

bool id_is(const char *text, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (strncmp(text, prefix, n) != 0 || text[n] != '-') {
        return false;
    }
    return strlen(text + n + 1) == CHARACTERS && strspn(text + n + 1, alphabet) == CHARACTERS;
}
