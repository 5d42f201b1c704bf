/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_ROWS_TREE_H
#define TESTS_FUZZ_ROWS_TREE_H

#include "api/rows.h"
#include "core/base/doc.h"

/*
 * A second statement of api/rows.h, from the tree of the whole body: slow and
 * plain. Threads: one. Memory: cells are borrowed for the call. Logs: no.
 */

#define ROWS_TREE_INPUTS_MAX 16

/* Gives the rows to reader->row() as rows_read() does; false: not a good body. begin() is not called. */
bool rows_tree_read(const struct rows_reader *reader, const struct doc *doc);

#endif
