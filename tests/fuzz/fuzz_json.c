/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/field.h"
#include "core/service/dataset_body.h"
#include "core/service/job_body.h"
#include "core/service/jobspec.h"
#include "core/service/model_body.h"
#include "core/service/token.h"
#include "tests/fuzz/fuzz.h"

/*
 * JSON bodies: the first byte chooses the body, the rest is its text.
 *
 * What must hold: a document that was read, written and read again is written as
 * the same text, compact and canonical. A body that its field table took is
 * taken again in the form that the table writes, with every default filled in,
 * and then written as the same text. A refusal has words.
 */

#define TEXT_MAX   (16u << 20)
#define REGION_MAX (8u << 20) /* as much as a request has */

static const struct schema *const schemas[] = {
    NULL, /* a job: one of two forms */
    &token_request_schema,
    &label_schema,
    &dataset_metadata_schema,
    &dataset_schema,
    &model_schema,
    &job_schema,
};

static void write_text(const struct doc *doc, enum doc_style style, struct buf *out)
{
    buf_init(out, TEXT_MAX);
    MUST(doc != NULL);
    MUST(doc_write(doc, style, out) == RC_OK);
}

static void check_same(const struct buf *a, const struct buf *b)
{
    MUST(a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

static void check_document(const struct doc *doc)
{
    for (enum doc_style style = DOC_COMPACT; style <= DOC_CANONICAL; style++) {
        AUTO(buf) struct buf first, second;
        AUTO_PTR(doc) struct doc *again = NULL;
        struct why why = { 0 };
        write_text(doc, style, &first);
        MUST(doc_parse(first.data, first.len, &again, &why) == RC_OK);
        write_text(again, style, &second);
        check_same(&first, &second);
    }
}

/* Reads the document by the table and gives what the table writes of it; NULL: refused. */
static struct doc *rewrite(const struct schema *schema, const struct doc *doc)
{
    AUTO(region) struct region region;
    region_init(&region, REGION_MAX);
    AUTO_FREE void *out = mem_alloc(schema == NULL ? sizeof(struct field_variant) : schema->size);
    MUST(out != NULL);
    struct why why = { 0 };
    const enum rc rc = schema == NULL ? field_read(&job_request, doc, &region, out, &why) : schema_read(schema, doc, &region, out, &why);
    if (rc != RC_OK) {
        MUST(why.text[0] != '\0');
        return NULL;
    }
    const struct field_variant *job = out;
    struct doc *written = schema == NULL ? jobspec_write((enum job_kind)job->index, job->value) : schema_write(schema, out);
    MUST(written != NULL);
    return written;
}

static void check_table(const struct schema *schema, const struct doc *doc)
{
    AUTO_PTR(doc) struct doc *first = rewrite(schema, doc);
    if (first == NULL) {
        return;
    }
    AUTO(buf) struct buf text, again_text;
    AUTO_PTR(doc) struct doc *again = NULL;
    write_text(first, DOC_COMPACT, &text);
    MUST(doc_parse(text.data, text.len, &again, NULL) == RC_OK);
    AUTO_PTR(doc) struct doc *second = rewrite(schema, again);
    MUST(second != NULL);
    write_text(second, DOC_COMPACT, &again_text);
    check_same(&text, &again_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const uint8_t choice = fuzz_byte(&input);
    AUTO_FREE char *text = fuzz_bytes(&input);
    AUTO_PTR(doc) struct doc *doc = NULL;
    struct why why = { 0 };
    const enum rc rc = doc_parse(text, input.size, &doc, &why);
    MUST(rc == RC_OK || why.text[0] != '\0');
    if (rc == RC_OK) {
        check_document(doc);
        check_table(schemas[choice % COUNT_OF(schemas)], doc);
    }
    if (schemas[choice % COUNT_OF(schemas)] == &dataset_metadata_schema) {
        AUTO(region) struct region region;
        region_init(&region, REGION_MAX);
        struct dataset_metadata metadata;
        const enum rc whole = dataset_metadata_read(text, input.size, &region, &metadata, &why);
        MUST(rc == RC_OK || whole == rc);
    }
    return 0;
}
