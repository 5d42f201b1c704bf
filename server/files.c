/* SPDX-License-Identifier: Apache-2.0 */
#include "server/files.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "core/base/log.h"

enum rc files_reserve(int64_t connections, int64_t *ret, struct why *why)
{
    const rlim_t wanted = FILES_OTHER + 2 * (rlim_t)connections;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return why_fail(why, RC_UNAVAILABLE, "http.connections", "the system does not tell its limit of open files");
    }
    if (limit.rlim_cur < wanted) {
        struct rlimit raised = limit;
        raised.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    const int64_t fits = limit.rlim_cur >= wanted ? connections : ((int64_t)limit.rlim_cur - FILES_OTHER) / 2;
    if (fits < connections && fits < FILES_FEWEST) {
        return why_fail(why, RC_UNAVAILABLE, "http.connections", "the limit of open files must be at least %d, got %" PRIu64 ": raise it (ulimit -n, LimitNOFILE=)",
                        FILES_OTHER + 2 * FILES_FEWEST, (uint64_t)limit.rlim_cur);
    }
    if (fits < connections) {
        log_warn("fewer_connections", "connections=%" PRId64 " wanted=%" PRId64 " why=%s", fits, connections,
                 log_quote("each may need two open files, and the limit of open files (ulimit -n, LimitNOFILE=) is lower").text);
    }
    *ret = fits;
    return RC_OK;
}
