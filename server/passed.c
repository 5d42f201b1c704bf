/* SPDX-License-Identifier: Apache-2.0 */
#include "server/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/str.h"

static enum rc check_socket(int fd, const char *name, struct why *why)
{
    int type = 0, listening = 0;
    socklen_t type_size = sizeof(type), listening_size = sizeof(listening);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_size) != 0 || listening == 0) {
        return why_fail(why, RC_INVALID, "LISTEN_FDS", "descriptor %d (%s) must be a listening stream socket", fd, name);
    }
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return why_fail(why, RC_IO, "LISTEN_FDS", "descriptor %d (%s): %s", fd, name, strerror(errno));
    }
    return RC_OK;
}

/* The names stand with colons between them; without any, all are called "unknown". */
static bool next_name(const char **place, char out[PASSED_NAME_SIZE])
{
    if (*place == NULL) {
        return str_copy(out, PASSED_NAME_SIZE, "unknown");
    }
    const size_t n = strcspn(*place, ":");
    if (n >= PASSED_NAME_SIZE) {
        return false;
    }
    memcpy(out, *place, n);
    out[n] = '\0';
    *place += n + ((*place)[n] == ':' ? 1 : 0);
    return true;
}

static enum rc read_all(const char *count, const char *names, struct passed *out, struct why *why)
{
    int64_t n;
    if (!str_to_int64(count, &n) || n < 0 || n > PASSED_MAX) {
        return why_fail(why, RC_INVALID, "LISTEN_FDS", "must be 0 to %d, got \"%s\"", PASSED_MAX, count);
    }
    for (int i = 0; i < (int)n; i++) {
        if (!next_name(&names, out->items[i].name)) {
            return why_fail(why, RC_INVALID, "LISTEN_FDNAMES", "a name must be at most %d bytes", PASSED_NAME_SIZE - 1);
        }
        const enum rc rc = check_socket(PASSED_FIRST + i, out->items[i].name, why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    out->count = (int)n;
    return RC_OK;
}

enum rc passed_read(struct passed *ret, struct why *why)
{
    struct passed out = { 0 };
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t number;
    enum rc rc = RC_OK;
    if (pid != NULL && count != NULL && str_to_int64(pid, &number) && number == getpid()) {
        rc = read_all(count, getenv("LISTEN_FDNAMES"), &out, why);
    }                             /* else they are meant for another process */
    (void)unsetenv("LISTEN_PID"); /* fails only on a bad name, as the next two */
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (rc == RC_OK) {
        *ret = out;
    }
    return rc;
}

int passed_take(struct passed *passed, const char *name)
{
    for (int i = 0; i < passed->count; i++) {
        if (!passed->items[i].taken && strcmp(passed->items[i].name, name) == 0) {
            passed->items[i].taken = true;
            return PASSED_FIRST + i;
        }
    }
    return -1;
}

enum rc passed_check(const struct passed *passed, struct why *why)
{
    for (int i = 0; i < passed->count; i++) {
        if (!passed->items[i].taken) {
            return why_fail(why, RC_INVALID, "LISTEN_FDS",
                            "systemd passes a socket \"%s\" that no listener names: one must listen on systemd:%s",
                            passed->items[i].name, passed->items[i].name);
        }
    }
    return RC_OK;
}
