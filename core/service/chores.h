/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_CHORES_H
#define CORE_SERVICE_CHORES_H

#include "core/base/id.h"
#include "core/service/internal.h"

/*
 * Small work that touches the disk and that no request may wait for: noting
 * that a token was used, and removing the file of the first token once another
 * one with all rights has been used.
 *
 * Threads: one of its own (licit-chores); chores_note() from any and never
 * blocks on the disk. What does not fit into the queue is left out: a use is
 * noted again ten minutes later. Logs: first_token_removed.
 */

#define CHORES_QUEUE_MAX 256

struct chores;

enum rc chores_create(struct service *service, struct chores **ret) MUST_CHECK;

/* Finishes what is queued, joins the thread and frees. NULL is fine. */
void chores_destroy(struct chores *chores);

/* The token was used. */
void chores_note(struct chores *chores, const char *token);

#endif
