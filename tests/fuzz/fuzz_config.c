/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config.h"
#include "tests/fuzz/fuzz.h"

/*
 * Configuration: the first byte chooses between a file and lines of "key=value", as --set has them.
 *
 * What must hold: what was read is printed as a file that is read again and
 * printed the same; every number is within its bounds. A refusal has words and
 * names the line.
 */

static enum rc read_text(struct config *config, char *text, size_t n, struct why *why)
{
    FILE *file = fmemopen(text, n, "r");
    MUST(file != NULL);
    const enum rc rc = config_read(config, file, "f", why);
    (void)fclose(file); /* it was only read */
    return rc;
}

static void print_text(const struct config *config, char **ret, size_t *ret_n)
{
    FILE *file = open_memstream(ret, ret_n);
    MUST(file != NULL);
    config_print(config, file);
    MUST(fclose(file) == 0);
}

static void set_lines(struct config *config, struct fuzz_input *input)
{
    for (char *line = fuzz_line(input); line != NULL; line = fuzz_line(input)) {
        char *value = strchr(line, '=');
        struct why why = { 0 };
        if (value != NULL) {
            *value = '\0';
            MUST(config_set(config, line, value + 1, &why) == RC_OK || why.text[0] != '\0');
        }
        mem_free(line);
    }
}

/* Of the sections but [listener], whose rows are of another struct. */
static void check_bounds(const struct config *config)
{
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        if (strcmp(key->section, CONFIG_LISTENER) == 0) {
            continue;
        }
        if (key->kind == CONFIG_COUNT || key->kind == CONFIG_BYTES || key->kind == CONFIG_TIME) {
            const int64_t n = *(const int64_t *)(const void *)((const char *)config + key->offset);
            MUST(n >= key->min && n <= key->max);
        }
    }
}

static void check_printed(const struct config *config)
{
    char *first = NULL, *second = NULL;
    size_t n = 0, second_n = 0;
    print_text(config, &first, &n);
    AUTO(config) struct config again;
    struct why why = { 0 };
    MUST(config_init(&again) == RC_OK);
    MUST(read_text(&again, first, n, &why) == RC_OK);
    print_text(&again, &second, &second_n);
    MUST(n == second_n && memcmp(first, second, n) == 0);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const bool lines = (fuzz_byte(&input) & 1) != 0;
    AUTO(config) struct config config;
    struct why why = { 0 };
    MUST(config_init(&config) == RC_OK);
    if (lines) {
        set_lines(&config, &input);
    } else if (input.size > 0) { /* fmemopen() refuses an empty text on some systems */
        AUTO_FREE char *text = fuzz_bytes(&input);
        if (read_text(&config, text, input.size, &why) != RC_OK) {
            MUST(why.text[0] != '\0' && strncmp(why.path, "f:", 2) == 0);
            return 0;
        }
    }
    check_bounds(&config);
    check_printed(&config);
    return 0;
}
