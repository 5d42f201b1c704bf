/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/store/fact.h"
#include "core/vault/root.h"

#define CHECK_FACT  "root_key_check"
#define CHAIN_LABEL "licit token chain v1"

/* Holds the root key against what the database knows of it; a database that knows none learns it. */
static enum rc check_value(struct service *service, const char *known, struct why *why)
{
    char value[DIGEST_HEX_SIZE];
    root_check_value(service->root, value);
    if (known != NULL && strcmp(known, value) == 0) {
        return RC_OK;
    }
    if (known != NULL) {
        return why_fail(why, RC_CONFLICT, NULL, "the root key is not the one that this state was sealed with; put that one back");
    }
    const enum rc rc = store_fact_set(service->store, CHECK_FACT, value);
    if (rc != RC_OK) {
        return why_fail(why, rc, NULL, "the check value of the root key could not be kept: %s", rc_text(rc));
    }
    log_info("root_key_learned", "check=%.8s", value);
    return RC_OK;
}

enum rc keys_open(struct service *service, bool has_sealed, struct why *why)
{
    AUTO(region) struct region region;
    region_init(&region, SERVICE_REGION_MAX);
    const char *known = NULL;
    enum rc rc = store_fact_get(service->store, CHECK_FACT, &region, &known);
    if (rc != RC_OK) {
        return why_fail(why, rc, NULL, "the check value of the root key could not be read: %s", rc_text(rc));
    }
    if (known == NULL && has_sealed) {
        return why_fail(why, RC_CORRUPT, NULL, "the database holds sealed things and does not know their root key any more; restore it from a backup");
    }
    const struct root_places places = { .credentials = getenv("CREDENTIALS_DIRECTORY"), .state = service->state };
    rc = root_open(&places, known == NULL, &service->root, why);
    return rc == RC_OK ? check_value(service, known, why) : rc;
}

/* What a sealed start is about: it opens in the row of its own token only. */
struct about {
    char text[ID_SIZE + 16];
};

static struct about about_token(const char *id)
{
    struct about about;
    (void)snprintf(about.text, sizeof(about.text), "token %s", id);
    return about;
}

enum rc keys_seal_start(const struct service *service, const char *id, const unsigned char start[DIGEST_BYTES], struct buf *ret)
{
    struct seal_key key;
    const struct about about = about_token(id);
    root_derive(service->root, CHAIN_LABEL, &key);
    const enum rc rc = seal_close(&key, about.text, start, DIGEST_BYTES, ret);
    mem_wipe(&key, sizeof(key));
    return rc;
}

enum rc keys_open_start(const struct service *service, const struct token_row *row, unsigned char ret[DIGEST_BYTES])
{
    struct seal_key key;
    AUTO(buf) struct buf start;
    const struct about about = about_token(row->id);
    buf_init(&start, DIGEST_BYTES);
    root_derive(service->root, CHAIN_LABEL, &key);
    enum rc rc = seal_open(&key, about.text, row->chain, row->chain_bytes, &start);
    mem_wipe(&key, sizeof(key));
    if (rc == RC_OK && start.len != DIGEST_BYTES) {
        rc = RC_CORRUPT;
    }
    if (rc == RC_OK) {
        memcpy(ret, start.data, DIGEST_BYTES);
        mem_wipe(start.data, start.len);
    }
    return rc == RC_TOO_LARGE ? RC_CORRUPT : rc; /* no start is longer */
}
