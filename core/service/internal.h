/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_INTERNAL_H
#define CORE_SERVICE_INTERNAL_H

#include "core/auth/tokens.h"
#include "core/service/service.h"
#include "core/store/store.h"

/*
 * What the use cases share: the service's parts. Included by core/service alone.
 * Every member is set by service_open() and constant after that.
 */

struct chores;
struct registry;
struct root;
struct trainer;

struct service {
    struct service_config config;
    char *state; /* config.state points here */
    struct store *store;
    struct root *root;
    struct tokens *tokens;
    struct registry *registry;
    struct trainer *trainer;
    struct chores *chores;
};

/* The caller's token, pinned for as long as the caller is. */
struct grant *caller_grant(const struct caller *caller);

/* The ceiling of what one reply or one stored document takes while it is made. */
#define SERVICE_REGION_MAX ((size_t)64 << 20)

/* The text of a document in canonical form, in the region. RC_NO_MEMORY. */
enum rc service_text(const struct doc *doc, struct region *region, const char **ret) MUST_CHECK;

/* A stored JSON text as a document. RC_CORRUPT: it is not JSON. NULL text gives NULL. */
enum rc service_stored(const char *text, struct doc **ret, struct why *why) MUST_CHECK;

/* Drops a file whose row could not be written for this reason. After RC_IO nobody knows whether it was, so the
 * file stays; what no row names is moved to lost/ by the next start. */
struct blob_ref;
void service_drop_unnamed(struct service *service, const struct blob_ref *blob, enum rc reason);

/* A list reply: {"object":"list","data":[...],"has_more":...}. data is handed over. */
struct doc *service_list(struct doc *data, bool has_more);

/* The one way in which a job's state changes: the table of states must allow it, and the store compares and moves. */
struct job_move;
enum rc service_move_job(struct service *service, const char *id, const struct job_move *move, struct why *why) MUST_CHECK;

/* A struct page as the store wants it. */
struct store_page service_page(const struct page *page);

#endif
