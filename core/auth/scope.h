/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_AUTH_SCOPE_H
#define CORE_AUTH_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/rc.h"
#include "core/base/region.h"
#include "core/base/why.h"

/*
 * Scopes: what a token may ask for.
 *
 *     scope   = "*" | ["-"] kind ":" [pattern ":"] verb
 *     pattern = "*" | name | prefix "*"           absent: "*"
 *
 * Kinds and verbs are a closed list. A leading "-" denies, and a denial wins
 * over every permission. Names are compared byte by byte.
 *
 * Threads: any (a parsed list is constant). Memory: patterns live in the
 * region given to scope_parse(). Logs: no.
 */

#define SCOPE_LIST_MAX    64  /* scopes of one token */
#define SCOPE_PATTERN_MAX 64  /* characters of a pattern */
#define SCOPE_TEXT_MAX    100 /* characters of one scope */

#define SCOPE_TABLE(X)                   \
    X(DATASET_READ, "dataset", "read")   \
    X(DATASET_WRITE, "dataset", "write") \
    X(DATASET_TRAIN, "dataset", "train") \
    X(DATASET_ERASE, "dataset", "erase") \
    X(JOB_READ, "job", "read")           \
    X(JOB_WRITE, "job", "write")         \
    X(MODEL_READ, "model", "read")       \
    X(MODEL_PREDICT, "model", "predict") \
    X(MODEL_DEPLOY, "model", "deploy")   \
    X(MODEL_ERASE, "model", "erase")     \
    X(MODEL_EXPORT, "model", "export")   \
    X(TOKEN_READ, "token", "read")       \
    X(TOKEN_WRITE, "token", "write")     \
    X(AUDIT_READ, "audit", "read")       \
    X(SUBJECT_READ, "subject", "read")   \
    X(SUBJECT_ERASE, "subject", "erase") \
    X(KEY_WRITE, "key", "write")         \
    X(METRICS_READ, "metrics", "read")   \
    X(ADMIN_WRITE, "admin", "write")

/* A kind and a verb. */
enum scope_right {
#define X(name, kind, verb) SCOPE_##name,
    SCOPE_TABLE(X)
#undef X
    SCOPE_RIGHT_COUNT
};

struct scope_rule {
    uint32_t rights; /* a bit for each enum scope_right */
    bool denies;
    bool is_prefix;      /* what stood before a "*" */
    const char *pattern; /* a name or the prefix; "" with is_prefix: every name */
    size_t length;       /* of pattern */
};

struct scope_list {
    const struct scope_rule *rules;
    size_t count;
};

/* One list from n texts. RC_INVALID: the grammar, with the place ("[2]") and what would be right; RC_NO_MEMORY. */
enum rc scope_parse(const char *const *texts, size_t n, struct region *region, struct scope_list *ret,
                    struct why *why) MUST_CHECK;

/* The same from one text with a space between scopes, as a row keeps them. */
enum rc scope_parse_line(const char *line, struct region *region, struct scope_list *ret,
                         struct why *why) MUST_CHECK;

/* May it, on this name? name NULL: is there any name on which it may, as far as one rule can tell? */
bool scope_allows(const struct scope_list *list, enum scope_right right, const char *name);

/* Is one of them "*"? */
bool scope_is_all(const struct scope_list *list);

/* Does the child allow nothing that the parent does not? May say no where a cleverer look would say yes. */
bool scope_is_subset(const struct scope_list *child, const struct scope_list *parent);

/* "model:predict"; for words and the contract. */
const char *scope_right_name(enum scope_right right);

#endif
