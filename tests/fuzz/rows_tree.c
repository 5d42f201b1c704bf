/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/rows_tree.h"

/* False: not a cell. */
static bool tree_cell(const struct doc *value, struct cell *ret)
{
    bool yes;
    *ret = (struct cell){ .kind = CELL_MISSING };
    if (doc_kind(value) == DOC_STRING) {
        *ret = (struct cell){ .kind = CELL_TEXT, .text = doc_string(value) };
    } else if (doc_boolean(value, &yes)) {
        *ret = (struct cell){ .kind = CELL_BOOLEAN, .number = yes };
    } else if (doc_number(value, &ret->number)) {
        ret->kind = CELL_NUMBER;
    }
    return doc_kind(value) != DOC_LIST && doc_kind(value) != DOC_OBJECT;
}

/* Every key is an input's, with a cell each. */
static bool tree_record(const struct rows_reader *reader, const struct doc *object, struct cell *cells)
{
    bool ok = true;
    for (struct doc_pair pair = { 0 }; ok && doc_next(object, &pair);) {
        size_t index;
        ok = transform_input(reader->transform, pair.key, &index) != NULL && tree_cell(pair.value, &cells[index]);
    }
    return ok;
}

static bool tree_list(const struct rows_reader *reader, const struct doc *list, struct cell *cells)
{
    bool ok = doc_count(list) == reader->input_count;
    for (size_t i = 0; ok && i < reader->input_count; i++) {
        ok = tree_cell(doc_at(list, i), &cells[i]);
    }
    return ok;
}

static bool tree_row(const struct rows_reader *reader, const struct doc *item)
{
    struct cell cells[ROWS_TREE_INPUTS_MAX] = { { .kind = CELL_MISSING } };
    const enum doc_kind kind = doc_kind(item);
    bool ok;
    if (kind == DOC_OBJECT) {
        ok = tree_record(reader, item, cells);
    } else if (kind == DOC_LIST) {
        ok = tree_list(reader, item, cells);
    } else {
        ok = reader->input_count == 1 && tree_cell(item, &cells[0]);
    }
    return ok && reader->row(reader->arg, kind == DOC_OBJECT ? ROWS_RECORD : ROWS_TENSOR, cells, NULL) == RC_OK;
}

static bool tree_columns(const struct rows_reader *reader, const struct doc *columns)
{
    struct doc_pair first = { 0 };
    const size_t rows = doc_next(columns, &first) ? doc_count(first.value) : 0;
    bool ok = rows > 0 && rows <= reader->rows_max;
    for (struct doc_pair pair = { 0 }; ok && doc_next(columns, &pair);) {
        ok = doc_kind(pair.value) == DOC_LIST && doc_count(pair.value) == rows;
    }
    for (size_t row = 0; ok && row < rows; row++) {
        struct cell cells[ROWS_TREE_INPUTS_MAX] = { { .kind = CELL_MISSING } };
        for (struct doc_pair pair = { 0 }; ok && doc_next(columns, &pair);) {
            size_t index;
            ok = transform_input(reader->transform, pair.key, &index) != NULL && tree_cell(doc_at(pair.value, row), &cells[index]);
        }
        ok = ok && reader->row(reader->arg, ROWS_RECORD, cells, NULL) == RC_OK;
    }
    return ok;
}

bool rows_tree_read(const struct rows_reader *reader, const struct doc *doc)
{
    const struct doc *instances = doc_get(doc, "instances"), *inputs = doc_get(doc, "inputs");
    const struct doc *rows = instances != NULL ? instances : inputs;
    if (doc_kind(doc) != DOC_OBJECT || (instances == NULL) == (inputs == NULL)) {
        return false;
    }
    if (rows == inputs && doc_kind(rows) == DOC_OBJECT) {
        return tree_columns(reader, rows);
    }
    bool ok = doc_kind(rows) == DOC_LIST && doc_count(rows) > 0 && doc_count(rows) <= reader->rows_max;
    for (size_t i = 0; ok && i < doc_count(rows); i++) {
        ok = tree_row(reader, doc_at(rows, i));
    }
    return ok;
}
