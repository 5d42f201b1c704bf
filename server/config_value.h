/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_VALUE_H
#define SERVER_CONFIG_VALUE_H

#include "server/config.h"

/*
 * One value of the configuration, from its text and back, as its row in the
 * table of keys says. Threads: one. Memory: texts live in the region. Logs: no.
 */

/* base is the struct that the key's offset counts in. RC_INVALID with words; RC_NO_MEMORY. */
enum rc config_value_set(struct region *region, void *base, const struct config_key *key, const char *value, struct why *why) MUST_CHECK;

/* As it would be written, with the end of the line. */
void config_value_print(const void *base, const struct config_key *key, FILE *out);

#endif
