/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_DOC_MEMORY_H
#define CORE_BASE_DOC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The memory of the JSON library, for core/base/doc.c alone; it comes from
 * core/base/mem.c. While jansson collects a token it overlooks a failed
 * allocation and later reads behind the shorter token, so a parse is left at
 * once by a jump, and all that it has allocated is freed.
 *
 * Threads: any; a piece may be freed by another thread than allocated it. Logs: no.
 */

void *doc_memory_allocate(size_t size);
void doc_memory_free(void *p);

/* Calls run(arg), which allocates with the above and holds nothing else; false: memory ended on the way. */
bool doc_memory_guard(void (*run)(void *arg), void *arg);

#endif
