/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VAULT_RANDOM_H
#define CORE_VAULT_RANDOM_H

#include <stddef.h>

#include "core/base/rc.h"

/*
 * Random bytes for secrets, from OpenSSL's generator that the kernel seeds.
 * Training takes its numbers from core/base/rng.h.
 *
 * Threads: any. Memory: none. Logs: no.
 */

/* RC_INTERNAL when the system has no entropy; the bytes are then not defined. */
enum rc vault_random(void *ret_bytes, size_t n) MUST_CHECK;

/* The same bytes for a name: n bytes as 2n hex digits and a NUL. At most VAULT_RANDOM_HEX_MAX bytes. */
#define VAULT_RANDOM_HEX_MAX 64
enum rc vault_random_hex(char *ret_text, size_t n) MUST_CHECK;

#endif
