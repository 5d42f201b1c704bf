/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

static void test_options_read_takes_the_documented_line(void **state)
{
    const char *argv[] = { "licitd", "--state", "/s", "--config=/c", "--listen", "unix:/x", "--plain", "--set", "a.b=c", "--set", "d.e=f=g", NULL };
    struct options it;
    struct why why = { 0 };
    check_ok(options_read(11, (char **)argv, &it, &why), &why);
    check_int(it.action, OPTIONS_SERVE);
    check_text(it.state, "/s");
    check_text(it.config, "/c");
    check_text(it.listen, "unix:/x");
    check(it.plain);
    check_int(it.set_count, 2);
    check_text(it.sets[1], "d.e=f=g");
}

static void test_options_read_refuses(void **state)
{
    static const struct {
        const char *argv[5];
        enum rc rc;
        int action;
        const char *path;
    } rows[] = {
        { { "licitd", "--help" }, RC_OK, OPTIONS_HELP, "" },
        { { "licitd", "--version" }, RC_OK, OPTIONS_VERSION, "" },
        { { "licitd", "--print-config" }, RC_OK, OPTIONS_PRINT_CONFIG, "" },
        { { "licitd" }, RC_INVALID, 0, "--state" },
        { { "licitd", "--state" }, RC_INVALID, 0, "--state" },
        { { "licitd", "--state", "" }, RC_INVALID, 0, "--state" },
        { { "licitd", "--nothing" }, RC_INVALID, 0, "--nothing" },
        { { "licitd", "-x" }, RC_INVALID, 0, "-x" },
        { { "licitd", "serve" }, RC_INVALID, 0, "serve" },
        { { "licitd", "--plain=yes" }, RC_INVALID, 0, "--plain=yes" },
        { { "licitd", "--state", "/s", "--set", "a" }, RC_INVALID, 0, "--set" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *argv[6] = { NULL };
        int argc = 0;
        while (argc < 5 && rows[i].argv[argc] != NULL) {
            argv[argc] = (char *)rows[i].argv[argc];
            argc++;
        }
        struct options it = { 0 };
        struct why why = { 0 };
        const enum rc rc = options_read(argc, argv, &it, &why);
        if (rc != rows[i].rc || strcmp(why.path, rows[i].path) != 0) {
            fail_msg("row %zu gave %s at %s: %s", i, rc_name(rc), why.path, why.text);
        }
        check_int(it.action, rc == RC_OK ? rows[i].action : 0);
    }
}

CHECK_MAIN("server/options",
           CHECK(test_options_read_takes_the_documented_line),
           CHECK(test_options_read_refuses))
