/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_MODEL_H
#define CORE_SERVICE_MODEL_H

#include "core/service/model_body.h"
#include "core/service/service.h"

/*
 * Models, their versions and labels: describe, list, label, erase.
 * Threads: any; all calls: disk.
 */

enum rc service_model_get(struct service *service, const char *model, struct doc **ret, struct why *why) MUST_CHECK;
enum rc service_model_list(struct service *service, const struct page *page, struct doc **ret,
                           struct why *why) MUST_CHECK;
enum rc service_version_get(struct service *service, const char *model, int64_t version, struct doc **ret,
                            struct why *why) MUST_CHECK;

/* Points the label at one version, which is loaded first, so that no request waits. The reply is the model. */
enum rc service_label_set(struct service *service, const char *model, const char *label, const struct doc *body,
                          struct doc **ret, struct why *why) MUST_CHECK;

/* The label names nothing any more; its versions stay. RC_NOT_FOUND. */
enum rc service_label_remove(struct service *service, const char *model, const char *label, struct why *why) MUST_CHECK;

/* A version that a label names is refused (RC_CONFLICT). */
enum rc service_version_erase(struct service *service, const char *model, int64_t version, struct why *why) MUST_CHECK;

/* The model with all its versions and labels; RC_CONFLICT while a label names a version or a job trains it. */
enum rc service_model_erase(struct service *service, const char *model, struct why *why) MUST_CHECK;

#endif
