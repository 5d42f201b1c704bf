/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_REGISTRY_H
#define CORE_SERVICE_REGISTRY_H

#include "core/service/version.h"

/*
 * The versions that are loaded, and which version each label means.
 *
 * A version is loaded when a label is set on it, at start for every label, and
 * when a request names it. A pin keeps it; one that was erased is retired: no
 * request finds it any more, and the last unpin frees it. Loading happens
 * outside the lock that requests take. All together stay under a ceiling: the one
 * that was used longest ago, has no label and no pin makes room; when there is
 * none, a further version is refused.
 *
 * Threads: any. Memory: registry_destroy() when nothing is pinned. Logs: model_loaded.
 */

struct registry;

enum rc registry_create(struct service *service, struct registry **ret) MUST_CHECK;
void registry_destroy(struct registry *registry);

/* Reads all labels and loads what they name; a version that cannot be loaded is logged and left out. */
enum rc registry_recover(struct registry *registry, struct why *why) MUST_CHECK;

/* Pins a version that is loaded; NULL: it is not. */
struct version *registry_find(struct registry *registry, const char *model, int64_t number);

/* Pins it, loading when needed. Disk. RC_UNAVAILABLE: no room under the ceiling; else as version_load(). */
enum rc registry_load(struct registry *registry, const char *model, int64_t number, struct version **ret,
                      struct why *why) MUST_CHECK;
void registry_unpin(struct registry *registry, struct version *version);

/* The version that a label means; 0: none. */
int64_t registry_label(struct registry *registry, const char *model, const char *label);

/* Around a change of labels or versions in the store and the call below that follows it, so that what is
 * here changes in the order in which the store does. Nothing is loaded in between. RC_NO_MEMORY: not begun. */
enum rc registry_begin_change(struct registry *registry) MUST_CHECK;
void registry_end_change(struct registry *registry);

/* Returns when no change is under way: what was read from the store before is followed here by then. */
void registry_settle(struct registry *registry);

/* Follows the store: sets a label; forgets one; forgets a version or (number 0) all of a model with its labels. */
void registry_set_label(struct registry *registry, const char *model, const char *label, int64_t number);
void registry_drop_label(struct registry *registry, const char *model, const char *label);
void registry_retire(struct registry *registry, const char *model, int64_t number);

#endif
