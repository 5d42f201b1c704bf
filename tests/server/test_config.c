/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <stdlib.h>

#include "tests/check.h"

static const char *manual; /* the path of config/licitd.conf */

static enum rc read_text(struct config *config, const char *text, size_t n, struct why *why)
{
    FILE *file = fmemopen((void *)text, n, "r");
    check(file != NULL);
    const enum rc rc = config_read(config, file, "t.conf", why);
    (void)fclose(file);
    return rc;
}

static void test_config_init_gives_every_default(void **state)
{
    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    check_text(config.http_listen, "127.0.0.1:8443");
    check_int(config.http_threads, 2);
    check_int(config.limit_body, 256 * 1024);
    check_int(config.limit_deadline_ms, 30000);
    check_int(config.limit_token_ms, INT64_C(365) * 86400000);
    check_int(config.log_level, LOG_LEVEL_INFO);
    check(config.tls_enabled);
}

static void test_config_read_says_the_line(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { "\n# a\n[http]\nthreads = 4 ; more\n[log]\nlevel=debug\n", RC_OK, "", "" },
        { "[http]\r\nthreads = 4\r\n", RC_OK, "", "" },
        { "[http]\nlisten =\n", RC_OK, "", "" },
        { "[http]\n[http]\nthreads = 3", RC_OK, "", "" },
        { "\n[htttp]\n", RC_UNKNOWN_KEY, "t.conf:2", "no such section" },
        { "[http\nthreads = 4\n", RC_UNKNOWN_KEY, "t.conf:1", "no such section" },
        { "[http] x\n", RC_UNKNOWN_KEY, "t.conf:1", "no such section" },
        { "threads = 4\n", RC_UNKNOWN_KEY, "t.conf:1", "below its [section]" },
        { "[http]\nthread = 4\n", RC_UNKNOWN_KEY, "t.conf:2: http.thread", "no such key" },
        { "[log]\nthreads = 4\n", RC_UNKNOWN_KEY, "t.conf:2: log.threads", "no such key" },
        { "[http]\nthreads = 4\n\nthreads = 4\n", RC_DUPLICATE_KEY, "t.conf:4: http.threads", "twice" },
        { "[http]\nthreads = 0\n", RC_INVALID, "t.conf:2: http.threads", "1 to 64, got \"0\"" },
        { "[http]\nthreads = 65\n", RC_INVALID, "t.conf:2: http.threads", "1 to 64" },
        { "[http]\nthreads = many\n", RC_INVALID, "t.conf:2: http.threads", "a whole number" },
        { "[http]\nthreads =\n", RC_INVALID, "t.conf:2: http.threads", "a whole number" },
        { "[http]\nidle = 5 parsecs\n", RC_INVALID, "t.conf:2: http.idle", "a time like" },
        { "[limits]\nbody = -1\n", RC_INVALID, "t.conf:2: limits.body", "a size like" },
        { "[limits]\nbody = 17M\n", RC_INVALID, "t.conf:2: limits.body", "bytes" },
        { "[limits]\nbody = 99999999999999999999G\n", RC_INVALID, "t.conf:2: limits.body", "a size like" },
        { "[tls]\nenabled = maybe\n", RC_INVALID, "t.conf:2: tls.enabled", "yes or no" },
        { "[log]\nlevel = loud\n", RC_INVALID, "t.conf:2: log.level", "error, warn" },
        { "[http]\nnonsense\n", RC_SYNTAX, "t.conf:2", "neither" },
        { "[http]\nthreads = 4\n  5\n", RC_SYNTAX, "t.conf:3", "begin with a blank" },
        { "[listener a.b]\nlisten = unix:/x\n[listener main]\nmode = 600\n", RC_OK, "", "" },
        { "[listener]\n", RC_UNKNOWN_KEY, "t.conf:1", "no such section" },
        { "[listener ]\n", RC_INVALID, "t.conf:1", "the name of a listener must be letters" },
        { "[listener a b]\n", RC_INVALID, "t.conf:1", "the name of a listener must be letters" },
        { "[listener aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n", RC_INVALID, "t.conf:1", "at most 32 bytes" },
        { "[listener a]\nlistens = x\n", RC_UNKNOWN_KEY, "t.conf:2: listener a.listens", "no such key" },
        { "[listener a]\ntls = maybe\n", RC_INVALID, "t.conf:2: listener a.tls", "must be empty, no or yes" },
        { "[listener a]\nclient_certificates = always\n", RC_INVALID, "t.conf:2: listener a.client_certificates", "none, request or require" },
        { "[listener a]\nproxies = 10.0.0.1/8\n", RC_INVALID, "t.conf:2: listener a.proxies", "got \"10.0.0.1/8\"" },
        { "[listener a]\ndefault_token = licit_x\n", RC_INVALID, "t.conf:2: listener a.default_token", "not its text" },
        { "[listener a]\nmode = 0999\n", RC_INVALID, "t.conf:2: listener a.mode", "octal" },
        { "[listener a]\nmode = 7777\n", RC_INVALID, "t.conf:2: listener a.mode", "0 to" },
        { "[listener a]\ntls = no\n[listener b]\ntls = no\n[listener a]\ntls = no\n", RC_DUPLICATE_KEY, "t.conf:6: listener a.tls", "twice" },
        { "[http]\nlisten = \xff\n", RC_INVALID, "t.conf:2: http.listen", "UTF-8" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(config) struct config config;
        check_rc(config_init(&config), RC_OK);
        struct why why = { 0 };
        const enum rc rc = read_text(&config, rows[i].text, strlen(rows[i].text), &why);
        if (rc != rows[i].rc || strcmp(why.path, rows[i].path) != 0) {
            fail_msg("row %zu gave %s at %s: %s", i, rc_name(rc), why.path, why.text);
        }
        check_contains(why.text, rows[i].part);
    }
}

static void test_config_read_refuses_long_lines_and_nul(void **state)
{
    char text[400] = "[http]\nprefix = ";
    const size_t start = strlen(text);
    memset(text + start, ' ', sizeof(text) - start);
    text[7 + CONFIG_LINE_MAX - 1] = 'x'; /* the last byte of the longest line */
    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    struct why why = { 0 };
    check_rc(read_text(&config, text, sizeof(text), &why), RC_TOO_LARGE);
    check_text(why.path, "t.conf:2");
    check_rc(read_text(&config, text, 7 + CONFIG_LINE_MAX + 1, &why), RC_TOO_LARGE);
    check_rc(read_text(&config, text, 7 + CONFIG_LINE_MAX, &why), RC_OK);
    check_text(config.http_prefix, "x");
    check_rc(read_text(&config, "[http]\nthr\0eads = 1\n", 20, &why), RC_SYNTAX);
}

static void test_config_set_names_the_key(void **state)
{
    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    struct why why = { 0 };
    check_rc(config_set(&config, "http.threads", "7", &why), RC_OK);
    check_int(config.http_threads, 7);
    check_rc(config_set(&config, "http.threads", "x", &why), RC_INVALID);
    check_text(why.path, "http.threads");
    check_rc(config_set(&config, "http", "x", &why), RC_UNKNOWN_KEY);
    check_rc(config_set(&config, "http.", "x", &why), RC_UNKNOWN_KEY);
    check_rc(config_set(&config, "http.threads.x", "1", &why), RC_UNKNOWN_KEY);
}

static void test_config_keeps_each_listener_apart(void **state)
{
    static const char text[] = "[tls]\nenabled = no\n[listener one]\nlisten = unix:/a\nmode = 600\nproxies = unix 10.0.0.0/8\n"
                               "[listener t.w.o]\ntls = yes\nclient_certificates = require\n";
    struct address_range ranges[CONFIG_PROXIES_MAX];
    size_t count = 0;
    bool is_unix = false;
    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    struct why why = { 0 };
    check_ok(read_text(&config, text, strlen(text), &why), &why);
    check_ok(config_set(&config, "listener.t.w.o.listen", "[::1]:1", &why), &why);
    check_ok(config_set(&config, "listener.main.mode", "0600", &why), &why);
    check_int(config.listener_count, 3);
    check_text(config.listeners[0].name, "main");
    check_int(config.listeners[0].mode, 0600);
    check(!config_is_secure(&config, &config.listeners[0]));
    check_text(config.listeners[1].listen, "unix:/a");
    check_int(config.listeners[1].mode, 0600);
    check_ok(config_read_proxies(config.listeners[1].proxies, ranges, &count, &is_unix, &why), &why);
    check(is_unix && count == 1 && ranges[0].bits == 8);
    check_text(config.listeners[2].listen, "[::1]:1");
    check_int(config.listeners[2].client_certificates, CONFIG_CLIENT_REQUIRE);
    check_int(config.listeners[2].mode, 0660);
    check(config_is_secure(&config, &config.listeners[2]));
    check_rc(config_set(&config, "listener.main.x", "1", &why), RC_UNKNOWN_KEY);
    check_rc(config_set(&config, "listener.mode", "1", &why), RC_UNKNOWN_KEY);
    check_rc(config_set(&config, "listener..mode", "1", &why), RC_UNKNOWN_KEY);
    check_rc(config_set(&config, "listener main.mode", "1", &why), RC_UNKNOWN_KEY);
    check_rc(config_set(&config, "listener.a b.mode", "600", &why), RC_INVALID);
    char name[40];
    for (int i = 3; i < CONFIG_LISTENERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "listener.n%d.tls", i);
        check_ok(config_set(&config, name, "yes", &why), &why);
    }
    check_rc(config_set(&config, "listener.more.tls", "yes", &why), RC_TOO_LARGE);
    check_rc(config_set(&config, "listener.n5.tls", "no", &why), RC_OK);
}

/* A text that config_print() could not write so that it comes back. */
static void test_config_set_refuses_texts_that_no_file_holds(void **state)
{
    static const struct {
        const char *value, *part;
    } rows[] = {
        { "a\nb", "control" },
        { "a\x07", "control" },
        { "\xff", "UTF-8" },
        { " a", "blank" },
        { "a ", "blank" },
        { ";a", "comment" },
        { "a ;b", "comment" },
    };

    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct why why = { 0 };
        check_rc(config_set(&config, "http.prefix", rows[i].value, &why), RC_INVALID);
        check_contains(why.text, rows[i].part);
    }
    char text[CONFIG_TEXT_MAX + 2];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    check_rc(config_set(&config, "http.prefix", text, NULL), RC_INVALID);
    text[CONFIG_TEXT_MAX] = '\0';
    check_rc(config_set(&config, "http.prefix", text, NULL), RC_OK);
}

static void test_config_print_can_be_read(void **state)
{
    AUTO(config) struct config config, again;
    check_rc(config_init(&config), RC_OK);
    check_rc(config_init(&again), RC_OK);
    struct why why = { 0 };
    check_rc(config_set(&config, "limits.body", "3000", &why), RC_OK);
    check_rc(config_set(&config, "limits.deadline", "1500ms", &why), RC_OK);
    check_rc(config_set(&config, "listener.inner.proxies", "unix", &why), RC_OK);
    check_rc(config_set(&config, "listener.inner.mode", "770", &why), RC_OK);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    config_print(&config, out);
    (void)fclose(out);
    check_ok(read_text(&again, text, n, &why), &why);
    check_int(again.limit_body, 3000);
    check_int(again.limit_deadline_ms, 1500);
    check_int(again.limit_upload, config.limit_upload);
    check_int(again.listener_count, 2);
    check_text(again.listeners[1].name, "inner");
    check_text(again.listeners[1].proxies, "unix");
    check_int(again.listeners[1].mode, 0770);
    free(text);
    config_finish(&again);
}

/* Each key stands in the manual below its section as "# key = default" with words above it. */
static void test_manual_explains_every_key(void **state)
{
    char text[20000];
    FILE *file = fopen(manual, "r");
    check(file != NULL);
    const size_t n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    (void)fclose(file);
    AUTO(config) struct config config;
    check_rc(config_init(&config), RC_OK);
    struct why why = { 0 };
    check_ok(read_text(&config, text, n, &why), &why);
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        char head[40], line[120];
        (void)snprintf(head, sizeof(head), "\n[%s%s]\n", key->section, strcmp(key->section, CONFIG_LISTENER) == 0 ? " main" : "");
        (void)snprintf(line, sizeof(line), "\n# %s =%s%s\n", key->name, key->fallback[0] == '\0' ? "" : " ", key->fallback);
        const char *section = strstr(text, head);
        const char *place = section == NULL ? NULL : strstr(section, line);
        const char *next = section == NULL ? NULL : strstr(section + 2, "\n[");
        if (place == NULL || (next != NULL && place > next)) {
            fail_msg("config/licitd.conf does not explain %s.%s = %s", key->section, key->name, key->fallback);
        }
        check(place[-1] != '\n');
    }
}

int main(int argc, char **argv)
{
    manual = argc > 1 ? argv[1] : "config/licitd.conf";
    const struct CMUnitTest tests[] = {
        CHECK(test_config_init_gives_every_default),
        CHECK(test_config_read_says_the_line),
        CHECK(test_config_read_refuses_long_lines_and_nul),
        CHECK(test_config_set_names_the_key),
        CHECK(test_config_keeps_each_listener_apart),
        CHECK(test_config_set_refuses_texts_that_no_file_holds),
        CHECK(test_config_print_can_be_read),
        CHECK(test_manual_explains_every_key),
    };
    return cmocka_run_group_tests_name("server/config", tests, NULL, NULL);
}
