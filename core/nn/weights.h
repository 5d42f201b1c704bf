/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_WEIGHTS_H
#define CORE_NN_WEIGHTS_H

#include "core/base/buf.h"
#include "core/nn/network.h"

/*
 * The weights of a network as a safetensors file: one tensor per range, by its
 * name, and nothing that is not the network's. The same parameters give the
 * same bytes, so their digest says whether two versions are the same.
 *
 * Threads: any (pure). Memory: the caller's. Logs: no.
 */

/* The bytes that weights_encode() makes are at most this many: the ceiling for its buf. */
size_t weights_bytes_max(const struct network *network);

/* Appends the file. RC_TOO_LARGE (the buf's ceiling), RC_NO_MEMORY. */
enum rc weights_encode(const struct network *network, const float *parameters, struct buf *out) MUST_CHECK;

/* Fills parameters[network_parameter_count()], which are written only on success. RC_CORRUPT, RC_UNSUPPORTED,
 * RC_TOO_LARGE, RC_NO_MEMORY as tensors_read(); RC_INVALID: well-formed, but not this network's (a name or
 * shape is missing, wrong or too many, or a number is not finite). */
enum rc weights_decode(const struct network *network, const void *bytes, size_t n, float *parameters, struct why *why) MUST_CHECK;

#endif
