/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096

static enum rc check_secret(int fd, const char *path, struct why *why)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return why_fail(why, RC_IO, "tls", "cannot look at %s: %s", path, strerror(errno));
    }
    if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        return why_fail(why, RC_DENIED, "tls", "the file %s holds a key, so others must have no access to it (chmod o-rwx)", path);
    }
    return RC_OK;
}

enum rc tls_file_read(const char *path, bool is_secret, struct buf *out, struct why *why)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return why_fail(why, RC_IO, "tls", "cannot open %s: %s", path, strerror(errno));
    }
    enum rc rc = is_secret ? check_secret(fd, path, why) : RC_OK;
    for (ssize_t n = 1; rc == RC_OK && n > 0;) {
        char *room = buf_room(out, BLOCK);
        if (room == NULL) {
            return why_fail(why, out->failed, "tls", "the file %s is too large", path);
        }
        n = read(fd, room, BLOCK);
        if (n > 0) {
            buf_grown(out, (size_t)n);
        } else if (n < 0) {
            rc = why_fail(why, RC_IO, "tls", "cannot read %s: %s", path, strerror(errno));
        }
    }
    return rc;
}

enum rc tls_file_write(const char *path, const struct buf *bytes, mode_t mode, struct why *why)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len || fsync(fd) != 0) {
        const enum rc rc = why_fail(why, RC_IO, "tls", "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0) {
            (void)unlink(path);
        }
        return rc;
    }
    return RC_OK;
}

enum rc tls_file_sync(const char *folder, struct why *why)
{
    AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? RC_OK : why_fail(why, RC_IO, "tls", "cannot sync %s: %s", folder, strerror(errno));
}

void tls_file_wipe(struct buf *secret)
{
    if (secret->data != NULL) {
        mem_wipe(secret->data, secret->len);
    }
}
