/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/rc.h"

/*
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput():
 * libFuzzer calls it in build-fuzz, replay.c gives it the kept inputs in every
 * other build. What must hold is said by MUST(), which ends the process; so
 * does every sanitizer. A target keeps nothing between two inputs.
 *
 * Copies of the input have exactly its size, so that AddressSanitizer sees a
 * read behind its end.
 *
 * Threads: one. Memory: copies are the caller's (mem_free()). Logs: no.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

/* The next byte, 0 behind the end: for choices, which come before the text. */
uint8_t fuzz_byte(struct fuzz_input *input);

/* A copy of the rest: exactly its bytes, or closed by a NUL. */
char *fuzz_bytes(const struct fuzz_input *input);
char *fuzz_text(const struct fuzz_input *input);

/* The text up to the next newline, which is consumed; NULL at the end. */
char *fuzz_line(struct fuzz_input *input);

/* The size of the next piece, 1 to left: the same seed cuts in the same places. Seed 0 does not cut. */
size_t fuzz_cut(uint32_t *seed, size_t left);

#endif
