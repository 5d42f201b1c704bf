/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->data++;
}

static char *copy(const void *bytes, size_t n, size_t more)
{
    char *out = mem_alloc(n + more);
    MUST(out != NULL);
    if (n > 0) {
        memcpy(out, bytes, n);
    }
    return out;
}

char *fuzz_bytes(const struct fuzz_input *input)
{
    return copy(input->data, input->size, input->size == 0);
}

char *fuzz_text(const struct fuzz_input *input)
{
    return copy(input->data, input->size, 1);
}

char *fuzz_line(struct fuzz_input *input)
{
    if (input->size == 0) {
        return NULL;
    }
    const uint8_t *end = memchr(input->data, '\n', input->size);
    const size_t n = end == NULL ? input->size : (size_t)(end - input->data);
    char *out = copy(input->data, n, 1);
    const size_t used = n + (end != NULL);
    input->data += used;
    input->size -= used;
    return out;
}

size_t fuzz_cut(uint32_t *seed, size_t left)
{
    if (*seed == 0 || left == 0) {
        return left;
    }
    *seed = *seed * 1664525u + 1013904223u;
    const uint32_t draw = *seed >> 8;
    const size_t most = (draw & 3) == 0 ? 1 : (draw & 3) == 1 ? 7
                                                              : 200; /* single bytes as often as long runs */
    const size_t n = 1 + (draw >> 2) % most;
    return n < left ? n : left;
}
