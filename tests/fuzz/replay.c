/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

/*
 * The kept inputs as a regression test, with any compiler: fuzz_NAME FOLDER. One
 * line of TAP a file; an input that breaks its target ends the process, and
 * the line before says which was the last good one.
 */

#define INPUT_MAX (1u << 20)

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t read_file(const char *path, uint8_t *out)
{
    FILE *file = fopen(path, "rb");
    MUST(file != NULL);
    const size_t n = fread(out, 1, INPUT_MAX, file);
    MUST(feof(file) || n < INPUT_MAX);
    (void)fclose(file); /* it was only read */
    return n;
}

int main(int count, char **arguments)
{
    static uint8_t bytes[INPUT_MAX];
    struct dirent **entries;
    MUST(count == 2);
    const int n = scandir(arguments[1], &entries, is_visible, alphasort);
    MUST(n > 0);
    printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", arguments[1], entries[i]->d_name); /* a cut path is not found */
        const size_t size = read_file(path, bytes);
        uint8_t *exact = mem_alloc(size + 1);
        MUST(exact != NULL);
        for (size_t at = 0; at < size; at++) {
            exact[at] = bytes[at];
        }
        (void)LLVMFuzzerTestOneInput(exact, size); /* always 0 */
        mem_free(exact);
        printf("ok %d - %s\n", i + 1, entries[i]->d_name);
        (void)fflush(stdout); /* so that the line is out before the next input ends the process */
        free(entries[i]);
    }
    free(entries);
    return 0;
}
