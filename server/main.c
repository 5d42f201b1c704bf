/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "core/base/log.h"
#include "server/config.h"
#include "server/options.h"
#include "server/server.h"

/* Exit status: 0 an orderly end, 1 it could not serve, 2 the command line or the configuration is wrong. */
enum {
    EXIT_SERVED = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2
};

static int complain(enum rc rc, const struct why *why)
{
    const bool usage = rc == RC_INVALID || rc == RC_UNKNOWN_KEY || rc == RC_DUPLICATE_KEY || rc == RC_SYNTAX;
    fprintf(stderr, "licitd: %s%s%s\n", why->path, why->path[0] == '\0' ? "" : ": ", why->text[0] == '\0' ? rc_text(rc) : why->text);
    return usage ? EXIT_USAGE : EXIT_FAILED;
}

static int print_config(const struct options *options)
{
    AUTO(config) struct config config;
    struct why why = { 0 };
    enum rc rc = config_init(&config);
    rc = rc != RC_OK ? rc : server_configure(options, &config, &why);
    if (rc != RC_OK) {
        return complain(rc, &why);
    }
    config_print(&config, stdout);
    return EXIT_SERVED;
}

int main(int argc, char **argv)
{
    struct options options;
    struct why why = { 0 };
    enum rc rc = options_read(argc, argv, &options, &why);
    if (rc != RC_OK) {
        return complain(rc, &why);
    }
    switch (options.action) {
    case OPTIONS_HELP: fputs(options_usage, stdout); return EXIT_SERVED;
    case OPTIONS_VERSION: printf("licitd %s\n", LICIT_VERSION); return EXIT_SERVED;
    case OPTIONS_PRINT_CONFIG: return print_config(&options);
    case OPTIONS_SERVE: break;
    }
    rc = server_run(&options, &why);
    return rc == RC_OK ? EXIT_SERVED : complain(rc, &why);
}
