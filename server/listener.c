/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/str.h"

#define BACKLOG 1024

static enum rc fail(struct why *why, const char *where)
{
    switch (errno) {
    case EADDRINUSE: return why_fail(why, RC_CONFLICT, NULL, "cannot listen on %s: it is in use", where);
    case EACCES:
    case EPERM: return why_fail(why, RC_DENIED, NULL, "cannot listen on %s: it is not allowed", where);
    case EADDRNOTAVAIL: return why_fail(why, RC_INVALID, NULL, "cannot listen on %s: this machine has no such address", where);
    default: return why_fail(why, RC_IO, NULL, "cannot listen on %s: %s", where, strerror(errno));
    }
}

static enum rc bind_to(const struct sockaddr *address, socklen_t size, const char *where, mode_t mode, struct listener *out,
                       struct why *why)
{
    const int one = 1;
    AUTO_CLOSE int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail(why, where);
    }
    if (address->sa_family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* without it a restart only waits longer */
    }
    if (bind(fd, address, size) != 0 ||
        (address->sa_family == AF_UNIX && chmod(where, mode) != 0) || /* before anybody can connect */
        listen(fd, BACKLOG) != 0) {
        return fail(why, where);
    }
    out->fd = fd;
    fd = -1;
    return RC_OK;
}

/* A socket file that nobody answers on is left from a daemon that died. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED) {
        (void)unlink(address->sun_path); /* bind() tells when it is still there */
    }
}

/* Two daemons that start in one moment must not take each other's file for a stale one: the folder is locked. */
static int lock_folder(const char *path)
{
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    (void)str_copy(folder, sizeof(folder), path); /* its length was looked at */
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    const int fd = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)flock(fd, LOCK_EX); /* without it the two would have to meet in a millisecond */
    }
    return fd;
}

static enum rc open_unix(const char *path, mode_t mode, struct listener *out, struct why *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat status;
    if (path[0] == '\0' || !str_copy(address.sun_path, sizeof(address.sun_path), path)) {
        return why_fail(why, RC_INVALID, NULL, "the path of a Unix socket must be 1 to %zu bytes", sizeof(address.sun_path) - 1);
    }
    AUTO_CLOSE int folder = lock_folder(path);
    (void)folder; /* only held, to the end: clang asks */
    remove_stale(&address);
    const enum rc rc = bind_to((const struct sockaddr *)&address, sizeof(address), path, mode, out, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (lstat(path, &status) == 0) {
        out->device = status.st_dev;
        out->inode = status.st_ino;
    }
    out->is_unix = out->is_local = true;
    (void)snprintf(out->name, sizeof(out->name), "unix:%s", path); /* shorter than the name's ceiling */
    (void)str_copy(out->path, sizeof(out->path), path);            /* of the same size as sun_path */
    return RC_OK;
}

/* "host:port" or "[host]:port" cut in two. */
static bool split(const char *where, char *host, size_t size, int64_t *ret_port)
{
    const char *colon = strrchr(where, ':');
    if (colon == NULL || !str_to_int64(colon + 1, ret_port) || *ret_port < 0 || *ret_port > 65535) {
        return false;
    }
    const bool bracket = where[0] == '[';
    const size_t n = (size_t)(colon - where);
    if (n >= size || n < (bracket ? 3u : 1u) || (bracket && where[n - 1] != ']') || (!bracket && memchr(where, ':', n) != NULL)) {
        return false;
    }
    const size_t skip = bracket ? 1 : 0;
    memcpy(host, where + skip, n - 2 * skip);
    host[n - 2 * skip] = '\0';
    return true;
}

/* Where it really listens. */
static void describe(struct listener *out)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    char text[INET6_ADDRSTRLEN] = "";
    if (getsockname(out->fd, (struct sockaddr *)&address, &size) != 0) {
        return;
    }
    if (address.ss_family == AF_UNIX) { /* a passed one: its file is its maker's */
        const struct sockaddr_un *file = (const void *)&address;
        out->is_unix = out->is_local = true;
        (void)snprintf(out->name, sizeof(out->name), "unix:%.*s", (int)sizeof(file->sun_path), file->sun_path);
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)&address;
        (void)inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text)); /* the buffer is large enough */
        (void)snprintf(out->name, sizeof(out->name), "[%s]:%d", text, ntohs(six->sin6_port));
        out->is_local = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    } else {
        const struct sockaddr_in *four = (const void *)&address;
        (void)inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
        (void)snprintf(out->name, sizeof(out->name), "%s:%d", text, ntohs(four->sin_port));
        out->is_local = (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
}

enum rc listener_open(const char *where, mode_t mode, struct listener *ret, struct why *why)
{
    struct listener out = { .fd = -1 };
    char host[128], port[8];
    int64_t number;
    if (strncmp(where, "unix:", 5) == 0) {
        const enum rc rc = open_unix(where + 5, mode, &out, why);
        if (rc == RC_OK) {
            *ret = out;
        }
        return rc;
    }
    if (!split(where, host, sizeof(host), &number)) {
        return why_fail(why, RC_INVALID, NULL, "must be ADDRESS:PORT, [ADDRESS]:PORT, unix:PATH or systemd:NAME, got \"%s\"", where);
    }
    (void)snprintf(port, sizeof(port), "%d", (int)number);
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return why_fail(why, RC_INVALID, NULL, "the address \"%s\" is not known", host);
    }
    const enum rc rc = bind_to(found->ai_addr, found->ai_addrlen, where, 0, &out, why);
    freeaddrinfo(found);
    if (rc == RC_OK) {
        describe(&out);
        *ret = out;
    }
    return rc;
}

void listener_adopt(int fd, struct listener *ret)
{
    *ret = (struct listener){ .fd = fd, .is_passed = true };
    describe(ret);
}

/* From now on the socket drops every segment that would begin a connection; those begun are finished. */
static void drop_beginnings(int fd)
{
    static struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),           /* the flags of the TCP header */
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1), /* SYN */
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = { COUNT_OF(lines), lines };
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)); /* without it the close is only less gentle */
}

static void remove_file(struct listener *listener)
{
    struct stat status;
    if (listener->path[0] != '\0' && lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
        status.st_ino == listener->inode) {
        (void)unlink(listener->path);
    }
    listener->path[0] = '\0';
}

bool listener_shut(struct listener *listener)
{
    if (listener->is_passed || listener->fd < 0) {
        return false;
    }
    if (listener->is_unix) {
        remove_file(listener);
    } else {
        drop_beginnings(listener->fd);
    }
    return true;
}

void listener_close(struct listener *listener)
{
    remove_file(listener);
    if (listener->fd >= 0) {
        (void)close(listener->fd); /* nothing is lost with it */
        listener->fd = -1;
    }
}
