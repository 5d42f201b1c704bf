/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/tensors.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8
#define METADATA     "__metadata__"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's numbers are little-endian, and so is every machine that is supported");

/* What one entry of the header says; the fields are closed: an unknown key is an error. */
struct entry {
    const char *dtype;
    struct field_list shape, span;
};

static const struct field side_item = { .name = "", .kind = FIELD_INTEGER, .min = 0, .max = 0x1p53 };
static const struct field entry_fields[] = {
    { .name = "dtype", .kind = FIELD_STRING, .offset = offsetof(struct entry, dtype), .flags = FIELD_REQUIRED, .max = 16 },
    { .name = "shape", .kind = FIELD_LIST, .offset = offsetof(struct entry, shape), .flags = FIELD_REQUIRED | FIELD_BOUNDED, .max = TENSORS_RANK_MAX, .item = &side_item },
    { .name = "data_offsets", .kind = FIELD_LIST, .offset = offsetof(struct entry, span), .flags = FIELD_REQUIRED, .min = 2, .max = 2, .item = &side_item },
    { .name = NULL },
};
static const struct schema entry_schema = { "Tensor", "One tensor of a safetensors header.", sizeof(struct entry), entry_fields, false };

static enum rc corrupt(struct why *why, const char *words)
{
    return why_fail(why, RC_CORRUPT, NULL, "the weights file is damaged: %s", words);
}

/* Errors of the JSON reader become the file's. */
static enum rc translate(enum rc rc, struct why *why)
{
    if (rc == RC_SYNTAX || rc == RC_DUPLICATE_KEY || rc == RC_INVALID || rc == RC_UNKNOWN_KEY) {
        if (why != NULL) {
            why->path[0] = '\0'; /* the path would be one inside the file, not of what the user sent */
        }
        return corrupt(why, "its header is not the JSON that the format asks for");
    }
    return rc;
}

/* The fields of one tensor; its begin and end are checked against its own shape here, against the others later. */
static enum rc read_entry(const char *name, const struct doc *value, const char *data, size_t data_bytes,
                          struct region *region, struct tensor *out, struct why *why)
{
    struct entry entry;
    enum rc rc = translate(schema_read(&entry_schema, value, region, &entry, why), why);
    if (rc != RC_OK) {
        return rc;
    }
    if (strcmp(entry.dtype, "F32") != 0) {
        return why_fail(why, RC_UNSUPPORTED, NULL, "the weights file holds numbers of a type that is not supported; F32 is");
    }
    const int64_t *shape = entry.shape.items, *span = entry.span.items;
    size_t bytes = sizeof(float);
    for (size_t i = 0; i < entry.shape.count; i++) {
        out->shape[i] = shape[i];
        if (!mem_multiply(bytes, (size_t)shape[i], &bytes)) {
            return corrupt(why, "the shape of a tensor is too large");
        }
    }
    if (span[0] > span[1] || (uint64_t)span[1] > data_bytes) {
        return corrupt(why, "a tensor runs past the end");
    }
    if ((uint64_t)(span[1] - span[0]) != bytes) {
        return corrupt(why, "the bytes of a tensor do not match its shape");
    }
    if (strlen(name) > TENSORS_NAME_MAX) {
        return corrupt(why, "the name of a tensor is too long");
    }
    out->name = region_strdup(region, name);
    out->rank = (int)entry.shape.count;
    out->count = bytes / sizeof(float);
    out->bytes = data + span[0];
    return out->name == NULL ? RC_NO_MEMORY : RC_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;
    if (x->bytes != y->bytes) {
        return (const char *)x->bytes < (const char *)y->bytes ? -1 : 1;
    }
    return (x->count > y->count) - (x->count < y->count); /* an empty tensor lies before what follows it */
}

/* The tensors must fill the data exactly: what nobody names could hide anything. */
static enum rc check_places(const struct tensors *tensors, const char *data, size_t data_bytes, struct why *why)
{
    const char *at = data;
    for (size_t i = 0; i < tensors->count; i++) {
        if (tensors->list[i].bytes != at) {
            return corrupt(why, "its tensors overlap or leave a gap");
        }
        at += tensors->list[i].count * sizeof(float);
    }
    return at == data + data_bytes ? RC_OK : corrupt(why, "there are bytes after the last tensor");
}

static enum rc check_metadata(const struct doc *metadata, struct why *why)
{
    if (doc_kind(metadata) != DOC_OBJECT) {
        return corrupt(why, "its metadata is not an object of strings");
    }
    for (struct doc_pair pair = { 0 }; doc_next(metadata, &pair);) {
        if (doc_string(pair.value) == NULL) {
            return corrupt(why, "its metadata is not an object of strings");
        }
    }
    return RC_OK;
}

static enum rc read_entries(const char *data, size_t data_bytes, struct region *region, struct tensors *out, struct why *why)
{
    const size_t most = doc_count(out->_header);
    if (doc_kind(out->_header) != DOC_OBJECT || most > TENSORS_COUNT_MAX) {
        return corrupt(why, "its header is not an object, or of too many tensors");
    }
    out->list = region_alloc(region, most, sizeof(*out->list));
    if (out->list == NULL) {
        return RC_NO_MEMORY;
    }
    for (struct doc_pair pair = { 0 }; doc_next(out->_header, &pair);) {
        enum rc rc;
        if (strcmp(pair.key, METADATA) == 0) {
            out->metadata = pair.value;
            rc = check_metadata(pair.value, why);
        } else {
            rc = read_entry(pair.key, pair.value, data, data_bytes, region, &out->list[out->count++], why);
        }
        if (rc != RC_OK) {
            return rc;
        }
    }
    qsort(out->list, out->count, sizeof(*out->list), by_place);
    return check_places(out, data, data_bytes, why);
}

enum rc tensors_read(const void *bytes, size_t n, struct region *region, struct tensors *out, struct why *why)
{
    uint64_t header_bytes;
    *out = (struct tensors){ 0 };
    if (n < LENGTH_BYTES) {
        return corrupt(why, "it is too short");
    }
    memcpy(&header_bytes, bytes, sizeof(header_bytes));
    if (header_bytes > n - LENGTH_BYTES) {
        return corrupt(why, "its header runs past the end");
    }
    if (header_bytes > TENSORS_HEADER_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "the header of a weights file may have %d bytes, this one has %llu",
                        TENSORS_HEADER_MAX, (unsigned long long)header_bytes);
    }
    const char *header = (const char *)bytes + LENGTH_BYTES;
    enum rc rc = translate(doc_parse(header, (size_t)header_bytes, &out->_header, why), why);
    if (rc == RC_OK) {
        rc = read_entries(header + header_bytes, n - LENGTH_BYTES - (size_t)header_bytes, region, out, why);
    }
    if (rc != RC_OK) {
        tensors_finish(out);
    }
    return rc;
}

void tensors_finish(struct tensors *tensors)
{
    doc_destroy(tensors->_header);
    *tensors = (struct tensors){ 0 };
}

const struct tensor *tensors_find(const struct tensors *tensors, const char *name)
{
    for (size_t i = 0; i < tensors->count; i++) {
        if (strcmp(tensors->list[i].name, name) == 0) {
            return &tensors->list[i];
        }
    }
    return NULL;
}

const char *tensors_metadata(const struct tensors *tensors, const char *key)
{
    return doc_get_string(tensors->metadata, key, NULL);
}

void tensor_copy(const struct tensor *tensor, float *out)
{
    memcpy(out, tensor->bytes, tensor->count * sizeof(float));
}

static size_t count_of(const struct tensor_source *source)
{
    size_t count = 1;
    for (int i = 0; i < source->rank; i++) {
        count *= (size_t)source->shape[i];
    }
    return count;
}

static enum rc describe(const struct tensor_source *source, size_t from, size_t to, struct doc *header)
{
    AUTO_PTR(doc) struct doc *entry = doc_new_object();
    AUTO_PTR(doc) struct doc *shape = doc_new_list();
    AUTO_PTR(doc) struct doc *span = doc_new_list();
    enum rc rc = doc_put_string(entry, "dtype", "F32");
    for (int i = 0; i < source->rank && rc == RC_OK; i++) {
        rc = doc_add(shape, doc_new_integer(source->shape[i]));
    }
    rc = rc != RC_OK ? rc : doc_add(span, doc_new_integer((int64_t)from));
    rc = rc != RC_OK ? rc : doc_add(span, doc_new_integer((int64_t)to));
    rc = rc != RC_OK ? rc : doc_put(entry, "shape", TAKE(shape));
    rc = rc != RC_OK ? rc : doc_put(entry, "data_offsets", TAKE(span));
    return rc != RC_OK ? rc : doc_put(header, source->name, TAKE(entry));
}

static enum rc make_header(const struct tensor_source *sources, size_t count, const struct doc *metadata, struct buf *out)
{
    AUTO_PTR(doc) struct doc *header = doc_new_object();
    enum rc rc = header == NULL ? RC_NO_MEMORY : RC_OK;
    if (rc == RC_OK && metadata != NULL) {
        rc = doc_put(header, METADATA, doc_copy(metadata));
    }
    size_t at = 0;
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        const size_t bytes = count_of(&sources[i]) * sizeof(float);
        rc = describe(&sources[i], at, at + bytes, header);
        at += bytes;
    }
    if (rc == RC_OK) {
        rc = doc_write(header, DOC_COMPACT, out);
    }
    while (rc == RC_OK && out->len % LENGTH_BYTES != 0) { /* the format wants the numbers aligned */
        rc = buf_char(out, ' ');
    }
    return rc;
}

enum rc tensors_write(const struct tensor_source *sources, size_t count, const struct doc *metadata, struct buf *out)
{
    AUTO(buf) struct buf header;
    buf_init(&header, TENSORS_HEADER_MAX);
    enum rc rc = make_header(sources, count, metadata, &header);
    const uint64_t header_bytes = header.len;
    rc = rc != RC_OK ? rc : buf_append(out, &header_bytes, sizeof(header_bytes));
    rc = rc != RC_OK ? rc : buf_append(out, header.data, header.len);
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        rc = buf_append(out, sources[i].data, count_of(&sources[i]) * sizeof(float));
    }
    return rc;
}
