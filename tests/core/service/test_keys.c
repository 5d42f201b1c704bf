/* SPDX-License-Identifier: Apache-2.0 */
#include "core/service/keys.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auth/token.h"
#include "core/service/caller.h"
#include "core/vault/narrow.h"
#include "core/vault/root.h"
#include "tests/core/service/house.h"

struct path {
    char text[128];
};

static struct path path_of(const struct house *it, const char *name)
{
    struct path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s", it->dir, name);
    return path;
}

static void issue(struct house *it, const struct caller *creator, const char *scopes, struct doc **ret)
{
    char json[200];
    AUTO_PTR(doc) struct doc *body = NULL;
    (void)snprintf(json, sizeof(json), "{\"name\":\"n\",\"scopes\":[%s],\"expires_in\":60}", scopes);
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    check_ok(service_token_create(it->service, creator, body, ret, &it->why), &it->why);
}

struct text {
    char text[NARROW_TEXT_MAX + 1];
};

/* A token, or a narrowed one (id NULL), narrowed by one caveat. */
static struct text narrow(const char *token, const char *id, const char *caveat)
{
    struct narrowed narrowed;
    struct text ret;
    struct why why = { 0 };
    check_ok(id == NULL ? narrow_read(token, &narrowed, &why) : narrow_begin(token, id, &narrowed, &why), &why);
    check_ok(narrow_add(&narrowed, caveat, &why), &why);
    check_ok(narrow_write(&narrowed, ret.text, &why), &why);
    return ret;
}

static enum rc find(struct house *it, const char *token, const char *path, const char *model, struct caller **ret)
{
    struct caller_ask ask = { .token = token, .path = path, .model = model };
    check(address_read("192.0.2.7", 9, &ask.address));
    struct caller *caller = NULL;
    const enum rc rc = caller_find(it->service, &ask, &caller, &it->why);
    if (ret != NULL) {
        *ret = caller;
    } else {
        caller_release(caller);
    }
    return rc;
}

static void test_narrowed_token_is_its_token_and_less(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *parent = NULL;
    AUTO_PTR(doc) struct doc *body = NULL;
    struct doc *made = NULL;
    issue(it, it->caller, "\"*\"", &parent);
    const char *id = doc_get_string(parent, "id", "");
    const struct text one = narrow(doc_get_string(parent, "token", ""), id, "model=credit*");
    const struct text two = narrow(one.text, NULL, "address=192.0.2.0/24");
    const struct text three = narrow(two.text, NULL, "path=/v1/models/credit:predict");
    check_ok(find(it, one.text, "/v1/models/credit-old", "credit-old", NULL), &it->why);
    check_rc(find(it, one.text, "/v1/models/fraud", "fraud", NULL), RC_DENIED);
    check_rc(find(it, one.text, "/v1/jobs", NULL, NULL), RC_DENIED);
    check_rc(find(it, three.text, "/v1/models/credit", "credit", NULL), RC_DENIED);
    const struct text elsewhere = narrow(two.text, NULL, "address=198.51.100.0/24");
    check_rc(find(it, elsewhere.text, "/v1/models/credit", "credit", NULL), RC_DENIED);

    struct caller *caller = NULL;
    check_ok(find(it, three.text, "/v1/models/credit:predict", "credit", &caller), &it->why);
    check_text(caller_token_id(caller), id);
    check(caller_is_narrowed(caller) && !caller_is_narrowed(it->caller));
    check(caller_may(caller, "token", NULL, "write"));
    static const char json[] = "{\"name\":\"n\",\"scopes\":[\"*\"],\"expires_in\":60}";
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    check_rc(service_token_create(it->service, caller, body, &made, &it->why), RC_DENIED);
    check_contains(it->why.text, "a narrowed token makes no tokens");
    check_rc(service_token_revoke(it->service, caller, id, &it->why), RC_DENIED);
    check_contains(it->why.text, "a narrowed token ends no tokens");
    caller_release(caller);
}

static void test_narrowed_token_outlives_a_restart_and_ends_with_its_token(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *parent = NULL;
    AUTO_PTR(doc) struct doc *child = NULL;
    struct caller *caller = NULL;
    issue(it, it->caller, "\"model:read\",\"token:write\"", &parent);
    check_ok(find(it, doc_get_string(parent, "token", ""), "/", NULL, &caller), &it->why);
    issue(it, caller, "\"model:read\"", &child);
    caller_release(caller);
    const struct text of_parent = narrow(doc_get_string(parent, "token", ""), doc_get_string(parent, "id", ""), "path=/v1/*");
    const struct text of_child = narrow(doc_get_string(child, "token", ""), doc_get_string(child, "id", ""), "path=/v1/*");
    for (int i = 0; i < 2; i++) {
        check_ok(find(it, of_parent.text, "/v1/models", NULL, NULL), &it->why);
        check_ok(find(it, of_child.text, "/v1/models", NULL, NULL), &it->why);
        house_close(it);
        house_open(it);
    }
    check_ok(service_token_revoke(it->service, it->caller, doc_get_string(parent, "id", ""), &it->why), &it->why);
    check_rc(find(it, of_parent.text, "/v1/models", NULL, NULL), RC_UNAUTHENTICATED);
    check_rc(find(it, of_child.text, "/v1/models", NULL, NULL), RC_UNAUTHENTICATED);
    check_rc(find(it, doc_get_string(child, "token", ""), "/v1/models", NULL, NULL), RC_UNAUTHENTICATED);
}

static void check_unknown(struct house *it, const char *token)
{
    it->why = (struct why){ 0 };
    check_rc(find(it, token, "/v1/models", NULL, NULL), RC_UNAUTHENTICATED);
    check(it->why.text[0] != '\0');
}

/* Texts from the catalogue of bad inputs; what the head of a request cannot carry is refused before (api/gate.h). */
static void test_caller_find_refuses_bad_texts(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *token = NULL;
    issue(it, it->caller, "\"model:read\"", &token);
    const char *plain = doc_get_string(token, "token", ""), *id = doc_get_string(token, "id", "");
    const struct text narrowed = narrow(plain, id, "path=*");
    char with_end[80], with_id[80], stranger[NARROW_TEXT_MAX + 1];
    (void)snprintf(with_end, sizeof(with_end), "%sx", plain);
    (void)snprintf(with_id, sizeof(with_id), "licit_%s", id);
    (void)snprintf(stranger, sizeof(stranger), "%s", narrowed.text);
    stranger[strlen("licitn_tok-")] ^= 1; /* the id of nobody */
    static const char *const bad[] = {
        "",
        " ",
        "licit",
        "licit_",
        "licitn",
        "licitn_",
        "licitn_.",
        "licitn_..",
        "Bearer x",
        "tok-",
        "null",
        "*",
        "' OR 1=1 --",
        "licit_0000000000000000000000000000000000000000000_3Llial",
        "licit_0000000000000000000000000000000000000000000_000000",
        "licitn_tok-00000000000000000000.cGF0aD0q.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "\xff\xfe",
        "licit_\n",
        "LICIT_x",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check_unknown(it, bad[i]);
    }
    const char *const made[] = { with_end, with_id, id, stranger, plain + 1, narrowed.text + 1 };
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        check_unknown(it, made[i]);
    }

    enum {
        LENGTH = 1 << 20
    };

    AUTO_FREE char *large = mem_alloc(LENGTH + 1);
    memset(large, '.', LENGTH);
    check_unknown(it, large);
    memcpy(large, "licit_", 6);
    check_unknown(it, large);
    memcpy(large, narrowed.text, strlen(narrowed.text));
    check_unknown(it, large);
    check_ok(find(it, narrowed.text, "/v1/models", NULL, NULL), &it->why);
}

/* --- the root key and its state --- */

static void check_refused(struct house *it, enum rc rc, const char *words)
{
    check_rc(service_open(&it->config, &it->service, &it->why), rc);
    check(it->service == NULL);
    check_contains(it->why.text, words);
}

static void test_start_refuses_a_root_key_that_is_lost_or_another(void **state)
{
    struct house *it = *state;
    const struct path key = path_of(it, "root-key"), away = path_of(it, "away");
    house_close(it);
    check_int(rename(key.text, away.text), 0);
    check_refused(it, RC_NOT_FOUND, "the root key is missing");
    check_int(access(key.text, F_OK), -1); /* and none was made in its place */
    const int fd = open(key.text, O_WRONLY | O_CREAT, 0600);
    check(fd >= 0 && write(fd, "01234567890123456789012345678901", 32) == 32 && close(fd) == 0);
    check_refused(it, RC_CONFLICT, "not the one that this state was sealed with");
    check_int(chmod(key.text, 0640), 0);
    check_refused(it, RC_CONFLICT, "by others than its owner");
    check_int(rename(away.text, key.text), 0);
    house_open(it);
}

static void test_start_takes_the_root_key_as_a_credential(void **state)
{
    struct house *it = *state;
    const struct path folder = path_of(it, "credentials"), key = path_of(it, "root-key"), passed = path_of(it, "credentials/root-key");
    house_close(it);
    check_int(mkdir(folder.text, 0700), 0);
    check_int(rename(key.text, passed.text), 0);
    check_int(setenv("CREDENTIALS_DIRECTORY", folder.text, 1), 0);
    const enum rc rc = service_open(&it->config, &it->service, &it->why);
    check_int(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    check_ok(rc, &it->why);
    check_int(access(key.text, F_OK), -1);
}

static int keep_number(void *arg, int columns, char **values, char **names)
{
    *(int *)arg = atoi(values[0]);
    return 0;
}

static void run_sql(const struct house *it, const char *sql, int *ret)
{
    sqlite3 *db = NULL;
    check_int(sqlite3_open(path_of(it, "licit.db").text, &db), SQLITE_OK);
    check_int(sqlite3_exec(db, sql, keep_number, ret, NULL), SQLITE_OK);
    check_int(sqlite3_close(db), SQLITE_OK);
}

static void test_start_refuses_sealed_things_without_a_check_value(void **state)
{
    struct house *it = *state;
    int n = 0;
    house_close(it);
    run_sql(it, "SELECT count(*) FROM fact WHERE name = 'root_key_check'", &n);
    check_int(n, 1);
    run_sql(it, "DELETE FROM fact", &n);
    check_refused(it, RC_CORRUPT, "does not know their root key");
}

/* A start that somebody changed, or moved from another row, narrows nothing; the token itself is good. */
static void test_start_lets_no_changed_chain_in(void **state)
{
    struct house *it = *state;
    AUTO_PTR(doc) struct doc *one = NULL;
    AUTO_PTR(doc) struct doc *two = NULL;
    int n = 0;
    issue(it, it->caller, "\"*\"", &one);
    issue(it, it->caller, "\"*\"", &two);
    const char *id_of_one = doc_get_string(one, "id", ""), *id_of_two = doc_get_string(two, "id", "");
    house_close(it);
    char sql[300];
    (void)snprintf(sql, sizeof(sql), "UPDATE token SET chain = (SELECT chain FROM token WHERE id = '%s') WHERE id = '%s'", id_of_one, id_of_two);
    run_sql(it, sql, &n);
    house_open(it);
    check_ok(find(it, narrow(doc_get_string(one, "token", ""), id_of_one, "path=*").text, "/", NULL, NULL), &it->why);
    check_ok(find(it, doc_get_string(two, "token", ""), "/", NULL, NULL), &it->why);
    check_rc(find(it, narrow(doc_get_string(two, "token", ""), id_of_two, "path=*").text, "/", NULL, NULL), RC_UNAUTHENTICATED);
    check_rc(find(it, narrow(doc_get_string(one, "token", ""), id_of_two, "path=*").text, "/", NULL, NULL), RC_UNAUTHENTICATED);
}

/* Every allocation on the way fails once: no token that nobody knows of, no start that half opens. */
static void test_tokens_and_starts_give_up_without_memory(void **state)
{
    struct house *it = *state;
    static const char json[] = "{\"name\":\"n\",\"scopes\":[\"model:read\"],\"expires_in\":60}";
    AUTO_PTR(doc) struct doc *body = NULL;
    AUTO_PTR(doc) struct doc *reply = NULL;
    check_ok(doc_parse(json, strlen(json), &body, &it->why), &it->why);
    enum rc rc = RC_NO_MEMORY;
    int good = 0; /* in a row: one alone may be another thread's failure */
    for (long n = 1; good < 3; n++) {
        doc_destroy(TAKE(reply));
        mem_fail_at(n);
        rc = service_token_create(it->service, it->caller, body, &reply, &it->why);
        mem_fail_at(0);
        check(rc == RC_NO_MEMORY || rc == RC_OK);
        good = rc == RC_OK ? good + 1 : 0;
    }
    const struct text text = narrow(doc_get_string(reply, "token", ""), doc_get_string(reply, "id", ""), "path=*");
    house_close(it);
    rc = RC_NO_MEMORY;
    for (long n = 1; rc != RC_OK; n++) {
        mem_fail_at(n);
        rc = service_open(&it->config, &it->service, &it->why);
        mem_fail_at(0);
        check(rc == RC_OK || it->service == NULL);
        check(rc == RC_OK || rc == RC_NO_MEMORY || rc == RC_UNAVAILABLE);
    }
    check_ok(find(it, text.text, "/", NULL, NULL), &it->why);
}

/* --- a stolen copy of the database --- */

#define LOOT_MAX  4096
#define LOOT_SIZE 256

/* Everything that stands in it: each value as its bytes, each text of hex digits also decoded, and each 32 bytes of each. */
struct loot {
    struct {
        unsigned char bytes[LOOT_SIZE];
        size_t n;
    } items[LOOT_MAX];

    size_t count;
};

static void take(struct loot *loot, const void *bytes, size_t n)
{
    if (n > 0 && n <= LOOT_SIZE - 1 && loot->count < LOOT_MAX) {
        memcpy(loot->items[loot->count].bytes, bytes, n);
        loot->items[loot->count++].n = n;
    }
}

static void take_value(struct loot *loot, const void *bytes, size_t n)
{
    unsigned char decoded[LOOT_SIZE / 2];
    char text[LOOT_SIZE];
    take(loot, bytes, n);
    if (n > 0 && n < LOOT_SIZE) {
        memcpy(text, bytes, n);
        text[n] = '\0';
        if (digest_from_hex(text, n / 2, decoded)) {
            take(loot, decoded, n / 2);
        }
    }
    for (size_t i = 0; n > DIGEST_BYTES && i + DIGEST_BYTES <= n && n < LOOT_SIZE; i++) {
        take(loot, (const char *)bytes + i, DIGEST_BYTES);
    }
}

static void take_table(struct loot *loot, sqlite3 *db, const char *name)
{
    char sql[100];
    sqlite3_stmt *rows = NULL;
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", name);
    check_int(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            take_value(loot, sqlite3_column_blob(rows, i), (size_t)sqlite3_column_bytes(rows, i));
        }
    }
    (void)sqlite3_finalize(rows);
}

static void steal(const struct house *it, struct loot *loot)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *tables = NULL;
    check_int(sqlite3_open_v2(path_of(it, "licit.db").text, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    check_int(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", -1, &tables, NULL), SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        take_table(loot, db, (const char *)sqlite3_column_text(tables, 0));
    }
    (void)sqlite3_finalize(tables);
    check_int(sqlite3_close(db), SQLITE_OK);
}

/* A narrowed token from what a thief takes for its start. */
static bool is_taken(struct house *it, const char *id, const unsigned char start[DIGEST_BYTES])
{
    struct narrowed narrowed;
    struct why why = { 0 };
    char text[NARROW_TEXT_MAX + 1];
    check_ok(narrow_begin("licit_", id, &narrowed, &why), &why);
    memcpy(narrowed.mac, start, sizeof(narrowed.mac));
    check_ok(narrow_add(&narrowed, "path=*", &why), &why);
    check_ok(narrow_write(&narrowed, text, &why), &why);
    return find(it, text, "/v1/models", NULL, NULL) == RC_OK;
}

/* Does this, taken as any of the secrets that lead to a narrowed token, lead to one? */
static bool opens(struct house *it, const char *id, const struct loot *loot, size_t i)
{
    unsigned char start[DIGEST_BYTES];
    char text[LOOT_SIZE] = { 0 };
    const size_t n = loot->items[i].n;
    memcpy(text, loot->items[i].bytes, n);
    bool taken = find(it, text, "/v1/models", NULL, NULL) == RC_OK; /* the token itself */
    narrow_start(text, id, start);                                  /* its text */
    taken = taken || is_taken(it, id, start);
    digest_hmac(text, n, id, strlen(id), start); /* its chain key */
    taken = taken || is_taken(it, id, start);
    if (n == DIGEST_BYTES) { /* its start */
        taken = taken || is_taken(it, id, loot->items[i].bytes);
    }
    return taken;
}

/* Does this, taken as the root key or as the key that follows from it, open the sealed start? */
static bool unseals(struct house *it, const struct token_row *row, const unsigned char *root)
{
    struct seal_key keys[2] = { { .number = 0 } };
    char about[64];
    bool taken = false;
    (void)snprintf(about, sizeof(about), "token %s", row->id);
    memcpy(keys[0].bytes, root, SEAL_KEY_BYTES);
    seal_derive(root, "licit token chain v1", &keys[1]);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        AUTO(buf) struct buf start;
        buf_init(&start, DIGEST_BYTES);
        if (seal_open(&keys[i], about, row->chain, row->chain_bytes, &start) == RC_OK) {
            taken = taken || is_taken(it, row->id, (const unsigned char *)start.data);
        }
    }
    return taken;
}

static void test_stolen_database_mints_nothing(void **state)
{
    struct house *it = *state;
    AUTO_FREE struct loot *loot = mem_alloc(sizeof(*loot));
    AUTO_PTR(doc) struct doc *token = NULL;
    issue(it, it->caller, "\"*\"", &token);
    const char *id = doc_get_string(token, "id", "");
    house_close(it);
    steal(it, loot);
    check(loot->count > 100 && loot->count < LOOT_MAX);
    house_open(it);

    AUTO(region) struct region region;
    region_init(&region, 1 << 20);
    struct token_row row;
    check_ok(store_token_get(it->service->store, id, &region, &row, &it->why), &it->why);
    check_int(row.chain_bytes, DIGEST_BYTES + SEAL_OVERHEAD);
    for (size_t i = 0; i < loot->count; i++) {
        check(!opens(it, id, loot, i));
        check(loot->items[i].n != DIGEST_BYTES || !unseals(it, &row, loot->items[i].bytes));
    }

    /* The same thief with the root key, or with the token's text, gets in: the test would have seen it. */
    unsigned char root[SEAL_KEY_BYTES];
    FILE *file = fopen(path_of(it, "root-key").text, "r");
    check(file != NULL && fread(root, 1, sizeof(root), file) == sizeof(root));
    (void)fclose(file);
    check(unseals(it, &row, root));
    loot->count = 0;
    take(loot, doc_get_string(token, "token", ""), TOKEN_SIZE - 1);
    check(opens(it, id, loot, 0));
}

#define HOUSE_CHECK(function) CHECK_WITH(function, house_setup, house_teardown)

CHECK_MAIN("core/service/keys",
           HOUSE_CHECK(test_narrowed_token_is_its_token_and_less),
           HOUSE_CHECK(test_narrowed_token_outlives_a_restart_and_ends_with_its_token),
           HOUSE_CHECK(test_caller_find_refuses_bad_texts),
           HOUSE_CHECK(test_start_refuses_a_root_key_that_is_lost_or_another),
           HOUSE_CHECK(test_start_takes_the_root_key_as_a_credential),
           HOUSE_CHECK(test_start_refuses_sealed_things_without_a_check_value),
           HOUSE_CHECK(test_start_lets_no_changed_chain_in),
           HOUSE_CHECK(test_tokens_and_starts_give_up_without_memory),
           HOUSE_CHECK(test_stolen_database_mints_nothing))
