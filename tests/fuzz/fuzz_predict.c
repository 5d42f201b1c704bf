/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "api/rows.h"
#include "core/base/doc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/rows_tree.h"

/*
 * Bodies of predictions: the first byte chooses the model's inputs.
 *
 * What must hold: where the body is JSON, the reader that makes no tree (rows.c,
 * scan.c) takes what the tree (doc.h) says is a good body, no other, and gives
 * the same cells. Where it is not JSON, it is taken only for a NaN or
 * an Infinity, a key given twice or a number too large in a part that nobody reads. Features are finite.
 */

#define ROWS_MAX     50
#define FEATURES_MAX 16
#define SEEN_MAX     (4u << 20)

#define NUMBER(name) \
    "{\"name\":\"" name "\",\"type\":\"number\",\"min\":0,\"max\":1,\"mean\":0.5,\"std\":0.5"

static const char *const models[] = {
    "{\"version\":1,\"missing\":[\"NA\"],\"columns\":[" NUMBER("x") "}]}",
    "{\"version\":1,\"missing\":[],\"columns\":[" NUMBER("age") ",\"fill\":0.25},"
                                                                "{\"name\":\"ho\",\"type\":\"category\",\"categories\":[\"own\",\"rent\"],\"fill_category\":\"own\"},"
                                                                "{\"name\":\"k\",\"type\":\"boolean\"}]}",
};

struct seen {
    struct buf text;
    const struct transform *transform;
    size_t inputs;
};

/* A tree reads -0 as the integer 0, so zeros lose their sign here. */
static void note_cell(struct buf *out, const struct cell *cell)
{
    const double number = cell->kind == CELL_NUMBER || cell->kind == CELL_BOOLEAN ? cell->number + 0.0 : 0;
    MUST(buf_printf(out, "%d:%a:%s,", (int)cell->kind, number, cell->kind == CELL_TEXT ? cell->text : "") == RC_OK);
}

static enum rc on_begin(void *arg, bool columns, struct why *why)
{
    return RC_OK;
}

static enum rc on_row(void *arg, enum rows_form form, const struct cell *cells, struct why *why)
{
    struct seen *seen = arg;
    float x[FEATURES_MAX];
    unsigned flags = 0;
    MUST(buf_printf(&seen->text, "\n%d ", (int)form) == RC_OK);
    for (size_t i = 0; i < seen->inputs; i++) {
        note_cell(&seen->text, &cells[i]);
    }
    if (transform_record(seen->transform, cells, x, &flags, NULL) == RC_OK) {
        for (size_t f = 0; f < transform_features(seen->transform); f++) {
            MUST(isfinite(x[f]));
        }
    }
    return RC_OK;
}

static void compare(struct seen *seen, struct fuzz_input *input)
{
    AUTO_FREE char *text = fuzz_bytes(input);
    AUTO_PTR(doc) struct doc *doc = NULL;
    struct why why = { 0 };
    size_t rows = 0;
    struct seen tree = *seen;
    buf_init(&tree.text, SEEN_MAX);
    const enum rc parsed = doc_parse(text, input->size, &doc, NULL);
    const struct rows_reader second = { seen->transform, seen->inputs, ROWS_MAX, &tree, on_begin, on_row };
    const bool good = parsed == RC_OK && rows_tree_read(&second, doc);
    const bool spelled = memmem(text, input->size, "NaN", 3) != NULL || memmem(text, input->size, "Infinity", 8) != NULL;
    const struct rows_reader reader = { seen->transform, seen->inputs, ROWS_MAX, seen, on_begin, on_row };
    const enum rc rc = rows_read(&reader, text, input->size, &rows, &why); /* uses the text up */
    MUST(rc == RC_OK ? rows > 0 : why.text[0] != '\0');
    MUST(parsed != RC_OK || (rc == RC_OK) == good);
    MUST(parsed != RC_SYNTAX || rc != RC_OK || spelled);
    MUST(!good || (tree.text.len == seen->text.len && memcmp(tree.text.data, seen->text.data, tree.text.len) == 0));
    buf_finish(&tree.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const char *model = models[fuzz_byte(&input) % COUNT_OF(models)];
    AUTO_PTR(doc) struct doc *doc = NULL;
    AUTO_PTR(transform) struct transform *transform = NULL;
    MUST(doc_parse(model, strlen(model), &doc, NULL) == RC_OK);
    MUST(transform_read(doc, &transform, NULL) == RC_OK);
    struct seen seen = { .transform = transform };
    (void)transform_inputs(transform, &seen.inputs); /* the count is wanted */
    buf_init(&seen.text, SEEN_MAX);
    compare(&seen, &input);
    buf_finish(&seen.text);
    return 0;
}
