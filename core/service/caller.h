/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_CALLER_H
#define CORE_SERVICE_CALLER_H

#include "core/base/address.h"
#include "core/service/service.h"

/*
 * Who is asking, and what it may: one request's hold on the token behind it.
 *
 * Threads: any; nothing here touches the disk. Memory: caller_release() frees,
 * and lets the token go. Logs: no.
 */

struct caller;
struct quota;

/* What a request says of itself. All borrowed for the call. */
struct caller_ask {
    const char *token; /* the text that it brings; NULL: the connection stands for the token `id` */
    const char *id;
    const char *path;       /* decoded, without query and prefix */
    const char *model;      /* that the path names; NULL: none */
    struct address address; /* of the client; ADDRESS_NONE: not known */
    bool needs_scopes;      /* RC_DENIED when the token may do everything ("*") */
};

/* RC_UNAUTHENTICATED: malformed, unknown, expired or revoked (the words do not tell the last three apart);
 * RC_DENIED: a caveat of a narrowed token; RC_NO_MEMORY. */
enum rc caller_find(struct service *service, const struct caller_ask *ask, struct caller **ret, struct why *why) MUST_CHECK;
void caller_release(struct caller *caller);

/* Has the caller a narrowed token? Its caveats have let this request through; whatever outlives the request is not
 * bound by them, so it must not be able to make or end tokens. */
bool caller_is_narrowed(const struct caller *caller);
const char *caller_token_id(const struct caller *caller);

/* Its limits and those of the tokens that made it, alive until caller_release(); NULL: it has none. */
struct quota *caller_quota(const struct caller *caller);

/* May the caller do this to this object (name NULL: to any)? "model", "credit", "predict" */
bool caller_may(const struct caller *caller, const char *kind, const char *name, const char *verb);

/* May the caller serve this purpose (NULL: none is named)? RC_DENIED: its token is limited to purposes, and this
 * is none of them. path is the place that names it. Must not touch the disk. */
enum rc caller_check_purpose(const struct caller *caller, const char *purpose, const char *path, struct why *why) MUST_CHECK;

#endif
