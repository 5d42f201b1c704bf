/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NN_TENSORS_H
#define CORE_NN_TENSORS_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/field.h"
#include "core/base/why.h"

/*
 * The safetensors format: eight bytes of header length (little-endian), a JSON
 * header {"name":{"dtype","shape","data_offsets"},...,"__metadata__":{...}},
 * then the numbers, without gaps. Only F32 here.
 *
 * Reading trusts nothing: header length against size, names twice, unknown
 * dtypes, shapes whose product overflows or does not fill its span, spans that
 * overlap, leave gaps or run past the end.
 *
 * Threads: any (pure). Memory: names live in the region, bytes are borrowed. Logs: no.
 */

#define TENSORS_HEADER_MAX 1000000
#define TENSORS_RANK_MAX   8
#define TENSORS_COUNT_MAX  4096
#define TENSORS_NAME_MAX   200

struct tensor {
    const char *name;
    int rank;
    int64_t shape[TENSORS_RANK_MAX];
    size_t count;      /* floats; the product of the shape */
    const void *bytes; /* count floats, little-endian, not aligned: read with tensor_copy() */
};

struct tensors {
    struct tensor *list; /* in the order of their bytes */
    size_t count;
    const struct doc *metadata; /* object of strings; NULL: none. Lives as long as the document below */
    struct doc *_header;
};

/* RC_CORRUPT (not well-formed, in words), RC_UNSUPPORTED (a dtype but F32), RC_TOO_LARGE, RC_NO_MEMORY. */
enum rc tensors_read(const void *bytes, size_t n, struct region *region, struct tensors *out, struct why *why) MUST_CHECK;
void tensors_finish(struct tensors *tensors);
DEFINE_AUTO(tensors)

const struct tensor *tensors_find(const struct tensors *tensors, const char *name); /* NULL: absent */

/* One metadata string; NULL: absent. */
const char *tensors_metadata(const struct tensors *tensors, const char *key);

void tensor_copy(const struct tensor *tensor, float *out);

/* Writing: what is written next to what. */
struct tensor_source {
    const char *name;
    int rank;
    int64_t shape[TENSORS_RANK_MAX];
    const float *data;
};

/* metadata is an object of strings or NULL. RC_TOO_LARGE, RC_NO_MEMORY. The same tensors and
 * metadata give the same bytes. */
enum rc tensors_write(const struct tensor_source *sources, size_t count, const struct doc *metadata, struct buf *out) MUST_CHECK;

#endif
