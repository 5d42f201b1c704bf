/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/doc_memory.h"

#include <setjmp.h>
#include <stdalign.h>

#include "core/base/mem.h"

/* Stands before every piece. */
struct piece {
    alignas(max_align_t) struct piece **place; /* what points to it in the list of the parse; NULL: in none */
    struct piece *next;
};

/* A parse under way on this thread. */
struct parse {
    struct piece *pieces;
    jmp_buf escape;
};

static _Thread_local struct parse *under_way;

static void link_piece(struct parse *parse, struct piece *piece)
{
    piece->place = &parse->pieces;
    piece->next = parse->pieces;
    if (piece->next != NULL) {
        piece->next->place = &piece->next;
    }
    parse->pieces = piece;
}

static void unlink_piece(struct piece *piece)
{
    if (piece->place != NULL) {
        *piece->place = piece->next;
    }
    if (piece->place != NULL && piece->next != NULL) {
        piece->next->place = piece->place;
    }
    piece->place = NULL;
    piece->next = NULL;
}

void *doc_memory_allocate(size_t size)
{
    size_t bytes;
    struct piece *piece = mem_add(size, sizeof(*piece), &bytes) ? mem_resize(NULL, 1, bytes) : NULL;
    if (piece == NULL && under_way != NULL) {
        longjmp(under_way->escape, 1);
    }
    if (piece == NULL) {
        return NULL;
    }
    piece->place = NULL;
    piece->next = NULL;
    if (under_way != NULL) {
        link_piece(under_way, piece);
    }
    return piece + 1;
}

void doc_memory_free(void *p)
{
    struct piece *piece = p == NULL ? NULL : (struct piece *)p - 1;
    if (piece != NULL) {
        unlink_piece(piece);
        mem_free(piece);
    }
}

/* Takes every piece off the list; the list may not be walked any more once another thread frees. */
static void end_parse(struct parse *parse, bool keep)
{
    under_way = NULL;
    while (parse->pieces != NULL) {
        struct piece *piece = parse->pieces;
        unlink_piece(piece);
        if (!keep) {
            mem_free(piece);
        }
    }
}

bool doc_memory_guard(void (*run)(void *arg), void *arg)
{
    struct parse parse = { .pieces = NULL };
    if (setjmp(parse.escape) != 0) {
        end_parse(&parse, false);
        return false;
    }
    under_way = &parse;
    run(arg);
    end_parse(&parse, true);
    return true;
}
