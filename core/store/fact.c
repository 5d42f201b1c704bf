/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/fact.h"

#include "core/store/inside.h"

struct fact {
    const char *name;
    const char *value;
    struct region *region;
};

static enum rc get(struct db *db, void *arg)
{
    struct fact *it = arg;
    struct query q;
    query_begin(&q, db, "SELECT value FROM fact WHERE name = ?1");
    query_bind_text(&q, it->name);
    it->value = query_next(&q) ? query_text(&q, 0, it->region) : NULL;
    return query_end(&q);
}

enum rc store_fact_get(struct store *store, const char *name, struct region *region, const char **ret)
{
    struct fact it = { .name = name, .region = region };
    const enum rc rc = store_read(store, get, &it);
    if (rc == RC_OK) {
        *ret = it.value;
    }
    return rc;
}

static enum rc set(struct db *db, void *arg)
{
    const struct fact *it = arg;
    struct query q;
    query_begin(&q, db, "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    query_bind_text(&q, it->name);
    query_bind_text(&q, it->value);
    return query_run(&q);
}

enum rc store_fact_set(struct store *store, const char *name, const char *value)
{
    struct fact it = { .name = name, .value = value };
    return store_write(store, set, &it);
}
