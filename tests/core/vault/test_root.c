/* SPDX-License-Identifier: Apache-2.0 */
#include "core/vault/root.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "tests/check.h"

struct place {
    char dir[64];
    struct root_places places;
    struct why why;
};

static int setup(void **state)
{
    struct place *it = mem_alloc(sizeof(*it));
    (void)snprintf(it->dir, sizeof(it->dir), "/tmp/licit-root-XXXXXX");
    it->places.state = it->dir;
    *state = it;
    return mkdtemp(it->dir) == NULL;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

static int teardown(void **state)
{
    struct place *it = *state;
    (void)nftw(it->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(it);
    return 0;
}

struct path {
    char text[128];
};

static struct path path_of(const struct place *it, const char *name)
{
    struct path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s", it->dir, name);
    return path;
}

/* Writes n bytes of this value. */
static void put(const struct place *it, const char *name, char value, size_t n, mode_t mode)
{
    char bytes[100];
    memset(bytes, value, sizeof(bytes));
    const int fd = open(path_of(it, name).text, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    check(fd >= 0 && n <= sizeof(bytes) && write(fd, bytes, n) == (ssize_t)n && fchmod(fd, mode) == 0);
    check_int(close(fd), 0);
}

struct value {
    char text[DIGEST_HEX_SIZE];
};

static struct value open_ok(struct place *it, bool may_make)
{
    struct root *root = NULL;
    struct value value;
    check_ok(root_open(&it->places, may_make, &root, &it->why), &it->why);
    root_check_value(root, value.text);
    root_close(root);
    return value;
}

static void check_refused(struct place *it, bool may_make, enum rc rc, const char *words)
{
    struct root *root = NULL;
    it->why = (struct why){ 0 };
    check_rc(root_open(&it->places, may_make, &root, &it->why), rc);
    check(root == NULL);
    check_contains(it->why.text, words);
    check(strstr(it->why.text, it->dir) == NULL);
}

static void test_root_open_makes_one_and_finds_it_again(void **state)
{
    struct place *it = *state;
    struct stat status;
    check_refused(it, false, RC_NOT_FOUND, "missing");
    put(it, "root-key.new", 'x', 7, 0600); /* of a start that was cut off */
    const struct value first = open_ok(it, true);
    check_text(open_ok(it, true).text, first.text);
    check_text(open_ok(it, false).text, first.text);
    check_int(stat(path_of(it, "root-key").text, &status), 0);
    check_int(status.st_mode & 07777, 0600);
    check_int(status.st_size, 32);
    check(stat(path_of(it, "root-key.new").text, &status) != 0);
    check_int(unlink(path_of(it, "root-key").text), 0);
    check(strcmp(open_ok(it, true).text, first.text) != 0);
}

static void test_root_open_refuses_what_is_no_key(void **state)
{
    struct place *it = *state;
    static const mode_t open_modes[] = { 0640, 0604, 0644, 0620, 0602, 0666, 0610, 0601 };
    for (size_t i = 0; i < COUNT_OF(open_modes); i++) {
        put(it, "root-key", 'x', 32, open_modes[i]);
        check_refused(it, true, RC_CONFLICT, "by others than its owner");
    }
    static const size_t sizes[] = { 0, 1, 31, 33, 64 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        put(it, "root-key", 'x', sizes[i], 0600);
        check_refused(it, true, RC_CONFLICT, "must be of 32 bytes");
    }
    put(it, "root-key", 'x', 32, 0400);
    (void)open_ok(it, false);
    check_int(rename(path_of(it, "root-key").text, path_of(it, "elsewhere").text), 0);
    check_int(symlink("elsewhere", path_of(it, "root-key").text), 0);
    check_refused(it, true, RC_CONFLICT, "symbolic link");
    check_int(unlink(path_of(it, "root-key").text), 0);
    check_int(mkfifo(path_of(it, "root-key").text, 0600), 0);
    check_refused(it, true, RC_CONFLICT, "plain file");
    check_int(unlink(path_of(it, "root-key").text), 0);
    check_int(mkdir(path_of(it, "root-key").text, 0700), 0);
    check_refused(it, true, RC_CONFLICT, "plain file");
    check_int(rmdir(path_of(it, "root-key").text), 0);
    check_int(symlink("nowhere", path_of(it, "root-key").text), 0);
    check_refused(it, true, RC_CONFLICT, "symbolic link");
    it->places.state = "/nonexistent";
    check_refused(it, true, RC_IO, "cannot be read");
}

/* As systemd passes them; a credential goes before the file of the state directory. */
static void test_root_open_takes_a_credential(void **state)
{
    struct place *it = *state;
    const struct path folder = path_of(it, "credentials");
    const struct value own = open_ok(it, true);
    it->places.credentials = folder.text;
    check_text(open_ok(it, false).text, own.text); /* no such folder */
    check_int(mkdir(folder.text, 0700), 0);
    check_text(open_ok(it, false).text, own.text); /* nothing of this name in it */
    put(it, "credentials/root-key", 'c', 32, 0440);
    const struct value passed = open_ok(it, false);
    check(strcmp(passed.text, own.text) != 0);
    put(it, "credentials/root-key", 'c', 31, 0400);
    check_refused(it, true, RC_CONFLICT, "must be of 32 bytes");
    put(it, "credentials/root-key", 'c', 32, 0444);
    check_refused(it, true, RC_CONFLICT, "by others than its owner");
}

static void test_root_derive_gives_a_key_for_each_purpose(void **state)
{
    struct place *it = *state;
    struct root *root = NULL;
    struct seal_key one, two, again;
    char value[DIGEST_HEX_SIZE], hex[DIGEST_HEX_SIZE];
    check_ok(root_open(&it->places, true, &root, &it->why), &it->why);
    root_derive(root, "one v1", &one);
    root_derive(root, "two v1", &two);
    root_derive(root, "one v1", &again);
    root_check_value(root, value);
    root_close(root);
    check_bytes(one.bytes, again.bytes, sizeof(one.bytes));
    check(memcmp(one.bytes, two.bytes, sizeof(one.bytes)) != 0);
    digest_hex(one.bytes, sizeof(one.bytes), hex);
    check(strcmp(hex, value) != 0);
    root_close(NULL);
}

/* The kernel's own word: "dd" is do not dump. */
static void test_root_is_left_out_of_core_dumps(void **state)
{
    struct place *it = *state;
    struct root *root = NULL;
    char line[512];
    bool inside = false, left_out = false;
    check_ok(root_open(&it->places, true, &root, &it->why), &it->why);
    FILE *maps = fopen("/proc/self/smaps", "r");
    check(maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            inside = from <= (uintptr_t)root && (uintptr_t)root < to;
        }
        left_out = left_out || (inside && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dd") != NULL);
    }
    (void)fclose(maps);
    root_close(root);
    check(left_out);
}

CHECK_MAIN("core/vault/root",
           CHECK_WITH(test_root_open_makes_one_and_finds_it_again, setup, teardown),
           CHECK_WITH(test_root_open_refuses_what_is_no_key, setup, teardown),
           CHECK_WITH(test_root_open_takes_a_credential, setup, teardown),
           CHECK_WITH(test_root_is_left_out_of_core_dumps, setup, teardown),
           CHECK_WITH(test_root_derive_gives_a_key_for_each_purpose, setup, teardown))
