/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char options_usage[] =
    "usage: licitd --state DIR [--config FILE] [--listen ADDRESS:PORT|unix:PATH|systemd:NAME] [--plain]\n"
    "              [--set section.key=value]...\n"
    "       licitd --print-config [--config FILE] [--set section.key=value]...\n"
    "       licitd --help | --version\n"
    "\n"
    "Trains, keeps and serves models over HTTPS.\n"
    "\n"
    "  --state DIR      everything that licitd keeps; made when it is not there\n"
    "  --config FILE    see config/licitd.conf for every key\n"
    "  --listen WHERE   as http.listen; port 0 takes any and prints it\n"
    "  --plain          no TLS: for a loopback address, a Unix socket, or behind a proxy\n"
    "  --set KEY=VALUE  one key over the file, as http.threads=4 or listener.NAME.tls=no\n"
    "  --print-config   prints every key with its value and meaning, and ends\n"
    "\n"
    "The first start makes a certificate (DIR/tls) and a token for everything (DIR/first-token).\n"
    "SIGTERM drains and ends; SIGHUP reads the certificate and the log level again.\n";

enum {
    OPTION_STATE = 256,
    OPTION_CONFIG,
    OPTION_LISTEN,
    OPTION_PLAIN,
    OPTION_SET,
    OPTION_PRINT_CONFIG,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option table[] = {
    { "state", required_argument, NULL, OPTION_STATE },
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "listen", required_argument, NULL, OPTION_LISTEN },
    { "plain", no_argument, NULL, OPTION_PLAIN },
    { "set", required_argument, NULL, OPTION_SET },
    { "print-config", no_argument, NULL, OPTION_PRINT_CONFIG },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static enum rc add_set(struct options *out, const char *text, struct why *why)
{
    if (strchr(text, '=') == NULL) {
        return why_fail(why, RC_INVALID, "--set", "must be section.key=value, got \"%s\"", text);
    }
    if (out->set_count == OPTIONS_SETS_MAX) {
        return why_fail(why, RC_TOO_LARGE, "--set", "may be given at most %d times", OPTIONS_SETS_MAX);
    }
    out->sets[out->set_count++] = text;
    return RC_OK;
}

static enum rc take(struct options *out, int option, const char *word, struct why *why)
{
    switch (option) {
    case OPTION_STATE: out->state = optarg; break;
    case OPTION_CONFIG: out->config = optarg; break;
    case OPTION_LISTEN: out->listen = optarg; break;
    case OPTION_PLAIN: out->plain = true; break;
    case OPTION_PRINT_CONFIG: out->action = OPTIONS_PRINT_CONFIG; break;
    case OPTION_HELP: out->action = OPTIONS_HELP; break;
    case OPTION_VERSION: out->action = OPTIONS_VERSION; break;
    case OPTION_SET: return add_set(out, optarg, why);
    case ':': return why_fail(why, RC_INVALID, word, "needs a value");
    default: return why_fail(why, RC_INVALID, word, "is not an option; licitd --help lists them");
    }
    return RC_OK;
}

enum rc options_read(int argc, char **argv, struct options *ret, struct why *why)
{
    struct options out = { 0 };
    optind = 0; /* tests read more than one line */
    for (int option; (option = getopt_long(argc, argv, "+:", table, NULL)) != -1;) {
        const enum rc rc = take(&out, option, argv[optind - 1], why);
        if (rc != RC_OK) {
            return rc;
        }
    }
    if (optind < argc) {
        return why_fail(why, RC_INVALID, argv[optind], "is not understood; licitd --help says what is");
    }
    if (out.action == OPTIONS_SERVE && (out.state == NULL || out.state[0] == '\0')) {
        return why_fail(why, RC_INVALID, "--state", "must name the state directory");
    }
    *ret = out;
    return RC_OK;
}
