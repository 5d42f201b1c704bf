/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_CLEANUP_H
#define CORE_BASE_CLEANUP_H

#include <errno.h>
#include <unistd.h>

#include "core/base/mem.h"

/*
 * Scoped temporaries.
 *
 *     AUTO_FREE char *name = mem_strdup(text);       freed on every way out
 *     AUTO_CLOSE int fd = open(...);                 closed when >= 0
 *     AUTO(buf) struct buf b; ...                    buf_finish(&b) on every way out
 *     AUTO_PTR(doc) struct doc *d = NULL;            doc_destroy(d) on every way out
 *     *ret = TAKE(name);                             hands over and leaves NULL
 *
 * DEFINE_AUTO(buf) and DEFINE_AUTO_PTR(doc) stand in the header of the type.
 * Cleanup keeps errno. Threads: any. Logs: no.
 */

static inline void cleanup_free(void *p)
{
    mem_free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
    const int saved = errno;
    if (*fd >= 0) {
        (void)close(*fd); /* nothing is left to say at the end of a scope */
    }
    errno = saved;
}

#define AUTO_FREE      __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE     __attribute__((cleanup(cleanup_close)))
#define AUTO(type)     __attribute__((cleanup(type##_auto_finish)))
#define AUTO_PTR(type) __attribute__((cleanup(type##_auto_destroy)))

#define DEFINE_AUTO(type)                                  \
    static inline void type##_auto_finish(struct type *it) \
    {                                                      \
        type##_finish(it);                                 \
    }

#define DEFINE_AUTO_PTR(type)                                \
    static inline void type##_auto_destroy(struct type **it) \
    {                                                        \
        type##_destroy(*it);                                 \
    }

#define TAKE(p)                     \
    __extension__({                 \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
