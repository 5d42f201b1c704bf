/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/vault/random.h"

#define NEW_FILE    ROOT_FILE ".new" /* what a crash in the making leaves; never read */
#define CHECK_LABEL "licit root key check v1"

/* systemd gives the user of the service a right of its own on a credential, which shows as the group's. */
#define OTHERS_OF_STATE      0077
#define OTHERS_OF_CREDENTIAL 0037

struct root {
    unsigned char bytes[SEAL_KEY_BYTES]; /* in a page of its own */
};

/* NULL: no memory. What the kernel refuses of the rest is no reason not to serve. */
static struct root *make_page(void)
{
    struct root *root = mmap(NULL, sizeof(*root), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (root == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(root, sizeof(*root), MADV_DONTDUMP);
    (void)mlock(root, sizeof(*root));
    return root;
}

void root_close(struct root *root)
{
    if (root != NULL) {
        mem_wipe(root, sizeof(*root));
        (void)munmap(root, sizeof(*root)); /* fails on a bad address only */
    }
}

static enum rc fail_errno(struct why *why, const char *what)
{
    const int number = errno;
    const bool is_full = number == ENOSPC || number == EDQUOT;
    return why_fail(why, is_full ? RC_STORAGE_FULL : RC_IO, NULL, "the root key cannot be %s: %s", what, strerror(number));
}

/* Is what was opened a key that nobody else can read? */
static enum rc check_file(int fd, mode_t others, struct why *why)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return fail_errno(why, "read");
    }
    if (!S_ISREG(status.st_mode)) {
        return why_fail(why, RC_CONFLICT, NULL, "the root key must be a plain file");
    }
    if ((status.st_mode & others) != 0) {
        return why_fail(why, RC_CONFLICT, NULL, "the root key can be read or changed by others than its owner (mode %04o); it must be of mode 0600, and a key that others may have read should be replaced", status.st_mode & 07777U);
    }
    if (status.st_size != SEAL_KEY_BYTES) {
        return why_fail(why, RC_CONFLICT, NULL, "the root key must be of %d bytes, got %lld; restore it from a backup", SEAL_KEY_BYTES, (long long)status.st_size);
    }
    return RC_OK;
}

/* RC_NOT_FOUND without words: there is none in this folder. */
static enum rc read_key(int folder, mode_t others, struct root *root, struct why *why)
{
    /* Neither follows a link nor waits for who writes into a pipe. */
    AUTO_CLOSE int fd = openat(folder, ROOT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return RC_NOT_FOUND;
    }
    if (fd < 0 && errno == ELOOP) {
        return why_fail(why, RC_CONFLICT, NULL, "the root key must be a plain file, not a symbolic link");
    }
    if (fd < 0) {
        return fail_errno(why, "read");
    }
    const enum rc rc = check_file(fd, others, why);
    if (rc == RC_OK && read(fd, root->bytes, sizeof(root->bytes)) != (ssize_t)sizeof(root->bytes)) {
        return fail_errno(why, "read");
    }
    return rc;
}

/* A new one, under a name that nobody reads. */
static enum rc write_new(int folder, struct why *why)
{
    unsigned char bytes[SEAL_KEY_BYTES];
    if (unlinkat(folder, NEW_FILE, 0) != 0 && errno != ENOENT) {
        return fail_errno(why, "made");
    }
    AUTO_CLOSE int fd = openat(folder, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail_errno(why, "made");
    }
    enum rc rc = vault_random(bytes, sizeof(bytes));
    if (rc != RC_OK) {
        rc = why_fail(why, rc, NULL, "the root key cannot be made: the system has no entropy");
    } else if (fchmod(fd, 0600) != 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) || fsync(fd) != 0) {
        rc = fail_errno(why, "made");
    }
    mem_wipe(bytes, sizeof(bytes));
    return rc;
}

/* Read back by its name: what is used is what the next start will find. */
static enum rc make_key(int folder, struct root *root, struct why *why)
{
    const enum rc rc = write_new(folder, why);
    if (rc != RC_OK) {
        (void)unlinkat(folder, NEW_FILE, 0); /* of no use */
        return rc;
    }
    if (renameat(folder, NEW_FILE, folder, ROOT_FILE) != 0 || fsync(folder) != 0) {
        return fail_errno(why, "made");
    }
    return read_key(folder, OTHERS_OF_STATE, root, why);
}

/* RC_NOT_FOUND without words, also when there is no such folder. */
static enum rc read_credential(const char *credentials, struct root *root, struct why *why)
{
    if (credentials == NULL) {
        return RC_NOT_FOUND;
    }
    AUTO_CLOSE int folder = open(credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT ? RC_NOT_FOUND : fail_errno(why, "read from the credentials");
    }
    return read_key(folder, OTHERS_OF_CREDENTIAL, root, why);
}

static enum rc find_key(const struct root_places *places, bool may_make, struct root *root, struct why *why)
{
    enum rc rc = read_credential(places->credentials, root, why);
    if (rc != RC_NOT_FOUND) {
        return rc;
    }
    AUTO_CLOSE int folder = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return fail_errno(why, "read");
    }
    rc = read_key(folder, OTHERS_OF_STATE, root, why);
    if (rc == RC_NOT_FOUND && may_make) {
        return make_key(folder, root, why);
    }
    if (rc == RC_NOT_FOUND) {
        return why_fail(why, rc, NULL, "the root key is missing, and this state was sealed with one: put " ROOT_FILE " back into the state directory, or pass it as a credential of this name");
    }
    return rc;
}

enum rc root_open(const struct root_places *places, bool may_make, struct root **ret, struct why *why)
{
    struct root *root = make_page();
    if (root == NULL) {
        return RC_NO_MEMORY;
    }
    const enum rc rc = find_key(places, may_make, root, why);
    if (rc != RC_OK) {
        root_close(root);
        return rc;
    }
    *ret = root;
    return RC_OK;
}

void root_derive(const struct root *root, const char *label, struct seal_key *ret)
{
    seal_derive(root->bytes, label, ret);
}

void root_check_value(const struct root *root, char ret[DIGEST_HEX_SIZE])
{
    struct seal_key key;
    root_derive(root, CHECK_LABEL, &key);
    digest_hex(key.bytes, sizeof(key.bytes), ret);
    mem_wipe(&key, sizeof(key));
}
