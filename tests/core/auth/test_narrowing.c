/* SPDX-License-Identifier: Apache-2.0 */
#include "core/auth/tokens.h"

#include "core/auth/token.h"
#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/vault/narrow.h"
#include "tests/check.h"

/*
 * Narrowing at random, 100,000 times: what a narrowed token allows, every token
 * on the way to it allows; an oracle that knows the caveats as numbers says the
 * same; and no change of the text by whoever does not hold a secret is taken.
 */

#define NOW         INT64_C(1700000000)
#define TOKENS      8
#define ROUNDS      100000
#define CAVEATS     6 /* of one token at most */
#define CAVEAT_SIZE 80

struct made {
    char text[TOKEN_SIZE];
    struct token_row row;
    unsigned char start[DIGEST_BYTES];
};

struct world {
    struct tokens *tokens;
    struct made made[TOKENS];
    uint64_t drawn; /* numbers so far */
};

static int setup(void **state)
{
    struct world *it = mem_alloc(sizeof(*it));
    wall_set((struct wall){ NOW * 1000 });
    *state = it;
    if (tokens_create(&it->tokens) != RC_OK) {
        return 1;
    }
    for (size_t i = 0; i < TOKENS; i++) {
        struct made *made = &it->made[i];
        made->row = (struct token_row){ .name = "it", .scopes = "*", .created_at = NOW, .expires_at = NOW + 100 };
        id_make("tok", made->row.id);
        if (token_make(made->text) != RC_OK || token_digest(made->text, made->row.sha256) != RC_OK) {
            return 1;
        }
        narrow_start(made->text, made->row.id, made->start);
        if (tokens_insert(it->tokens, &made->row, made->start, NULL) != RC_OK) {
            return 1;
        }
    }
    return 0;
}

static int teardown(void **state)
{
    struct world *it = *state;
    wall_set((struct wall){ -1 });
    tokens_destroy(it->tokens);
    mem_free(it);
    return 0;
}

/* A number below n, the same ones in every run. */
static unsigned draw(struct world *it, unsigned n)
{
    const struct rng rng = { .seed = 20231114, .stream = RNG_TEST };
    return (unsigned)rng_below(&rng, it->drawn++, n);
}

/* --- what is asked, as numbers and as the server sees it --- */

struct ask {
    unsigned model, verb, host; /* model 3 and host 3: not known */
    int64_t now;
    char path[64], name[16];
    struct address address;
};

static const char *const models[] = { "credit", "credit-old", "fraud" };
static const char *const verbs[] = { "", ":predict", "/versions/2" };

static struct ask draw_ask(struct world *it)
{
    struct ask ask = { .model = draw(it, 4), .verb = draw(it, 3), .host = draw(it, 4), .now = NOW + draw(it, 8) };
    if (ask.model < 3) {
        (void)snprintf(ask.name, sizeof(ask.name), "%s", models[ask.model]);
        (void)snprintf(ask.path, sizeof(ask.path), "/v1/models/%s%s", models[ask.model], verbs[ask.verb]);
    } else {
        (void)snprintf(ask.path, sizeof(ask.path), "/v1/jobs%s", verbs[ask.verb]);
    }
    if (ask.host < 3) {
        ask.address = (struct address){ ADDRESS_IPV4, { 10, (unsigned char)ask.host, 0, 1 } };
    }
    return ask;
}

static struct caveat_ask view_of(const struct ask *ask)
{
    return (struct caveat_ask){ .path = ask->path, .model = ask->model < 3 ? ask->name : NULL, .address = &ask->address, .now = ask->now };
}

/* --- caveats, each with what the oracle says of a request --- */

struct caveat {
    char text[CAVEAT_SIZE];
    unsigned kind, number;
    bool prefix;
};

static struct caveat draw_caveat(struct world *it)
{
    struct caveat c = { .kind = draw(it, 40), .number = draw(it, 3), .prefix = draw(it, 4) != 0 };
    const char *star = c.prefix ? "*" : "";
    if (c.kind < 10) {
        (void)snprintf(c.text, sizeof(c.text), "path=/v1/models/%s%s", models[c.number], star);
    } else if (c.kind < 20) {
        (void)snprintf(c.text, sizeof(c.text), "model=%s%s", models[c.number], star);
    } else if (c.kind < 30) {
        (void)snprintf(c.text, sizeof(c.text), "expires=%lld", (long long)(NOW + 4 + 2 * c.number));
    } else if (c.kind < 39) {
        (void)snprintf(c.text, sizeof(c.text), "address=10.%u.0.%s", c.number, c.prefix ? "0/24" : "2");
    } else {
        (void)snprintf(c.text, sizeof(c.text), "%s=%u", c.prefix ? "colour" : "path ", c.number);
    }
    return c;
}

static bool model_fits(const struct caveat *c, unsigned model)
{
    return model == c->number || (c->prefix && c->number == 0 && model == 1); /* "credit*" is "credit-old", too */
}

static bool oracle(const struct caveat *c, const struct ask *ask)
{
    if (c->kind < 10) {
        return ask->model < 3 && (c->prefix ? model_fits(c, ask->model) : model_fits(c, ask->model) && ask->verb == 0);
    }
    if (c->kind < 20) {
        return ask->model < 3 && model_fits(c, ask->model);
    }
    if (c->kind < 30) {
        return ask->now < NOW + 4 + 2 * c->number;
    }
    return c->kind < 39 && ask->host == c->number && c->prefix;
}

/* --- the server's answer --- */

static enum rc ask_server(struct world *it, const char *text, const struct ask *ask)
{
    const struct caveat_ask view = view_of(ask);
    struct grant *grant = NULL;
    const enum rc rc = narrow_is(text) ? tokens_pin_narrowed(it->tokens, text, &view, &grant, NULL)
                                       : tokens_pin(it->tokens, text, &grant, NULL);
    tokens_unpin(grant);
    return rc;
}

struct chain {
    struct made *made;
    struct caveat caveats[CAVEATS];
    size_t count;
    char text[CAVEATS][NARROW_TEXT_MAX + 1]; /* after each caveat, as it is handed on */
};

/* Each holder knows nothing but the text of the one before. */
static void draw_chain(struct world *it, struct chain *chain)
{
    struct narrowed narrowed;
    chain->made = &it->made[draw(it, TOKENS)];
    chain->count = 1 + draw(it, CAVEATS);
    for (size_t i = 0; i < chain->count; i++) {
        chain->caveats[i] = draw_caveat(it);
        check_rc(i == 0 ? narrow_begin(chain->made->text, chain->made->row.id, &narrowed, NULL)
                        : narrow_read(chain->text[i - 1], &narrowed, NULL),
                 RC_OK);
        check_rc(narrow_add(&narrowed, chain->caveats[i].text, NULL), RC_OK);
        check_rc(narrow_write(&narrowed, chain->text[i], NULL), RC_OK);
    }
}

static void test_narrowing_never_widens(void **state)
{
    struct world *it = *state;
    size_t allowed = 0, refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct chain chain;
        draw_chain(it, &chain);
        const struct ask ask = draw_ask(it);
        bool parent = ask_server(it, chain.made->text, &ask) == RC_OK, expected = true;
        check(parent);
        for (size_t i = 0; i < chain.count; i++) {
            const bool allows = ask_server(it, chain.text[i], &ask) == RC_OK;
            expected = expected && oracle(&chain.caveats[i], &ask);
            check(parent || !allows);
            if (allows != expected) {
                fail_msg("round %d: \"%s\" on %s (now %lld, host %u) gave %d", round, chain.caveats[i].text, ask.path, (long long)ask.now, ask.host, allows);
            }
            parent = allows;
            allowed += allows;
            refused += !allows;
        }
    }
    check(allowed > ROUNDS / 5 && refused > ROUNDS); /* both are well visited */
}

/* --- forging --- */

/* "licitn_" id "." the caveats in this order "." mac */
static void write_forged(const char *id, const struct caveat *const *caveats, size_t n, const char *mac, char *ret)
{
    char joined[(CAVEATS + 1) * CAVEAT_SIZE] = "", coded[BASE64_LENGTH(sizeof(joined)) + 1];
    for (size_t i = 0; i < n; i++) {
        (void)strcat(strcat(joined, i == 0 ? "" : "\n"), caveats[i]->text);
    }
    base64_write(joined, strlen(joined), coded);
    (void)snprintf(ret, NARROW_TEXT_MAX + 1, "licitn_%s.%s.%s", id, coded, mac);
}

/* One change of what a thief can change. The text may come out as it was, when two caveats are alike. */
static void forge(struct world *it, const struct chain *chain, char *ret)
{
    const char *whole = chain->text[chain->count - 1];
    const char *id = chain->made->row.id, *mac = strrchr(whole, '.') + 1;
    const size_t length = strlen(whole), at = draw(it, (unsigned)chain->count);
    const struct caveat extra = { .text = "path=*" };
    const struct caveat *list[CAVEATS + 1];
    size_t n = 0;
    for (; n < chain->count; n++) {
        list[n] = &chain->caveats[n];
    }
    unsigned char zero[DIGEST_BYTES] = { 0 };
    char coded[BASE64_LENGTH(DIGEST_BYTES) + 1];
    switch (draw(it, 8)) {
    case 0: /* one left out */
        memmove(&list[at], &list[at + 1], (--n - at) * sizeof(list[0]));
        break;
    case 1: /* two exchanged */
        list[n] = list[at];
        list[at] = list[(at + 1) % n];
        list[(at + 1) % n] = list[n];
        break;
    case 2: /* cut off behind */
        (void)snprintf(ret, length + 1 - draw(it, (unsigned)length), "%s", whole);
        return;
    case 3: /* one bit */
        (void)snprintf(ret, NARROW_TEXT_MAX + 1, "%s", whole);
        ret[draw(it, (unsigned)length)] ^= (char)(1 << draw(it, 8));
        return;
    case 4: /* one put in, where the mac does not know of it */
        list[n++] = list[at];
        list[at] = &extra;
        break;
    case 5: /* under another token's name */
        id = it->made[(size_t)(chain->made - it->made + 1) % TOKENS].row.id;
        break;
    case 6: /* another mac: of nothing, or of a guessed start */
        base64_write(zero, sizeof(zero), coded);
        mac = coded;
        break;
    default: /* an own caveat under a mac that is at hand */
        list[0] = &extra;
        n = 1;
        break;
    }
    write_forged(id, list, n, mac, ret);
}

static void test_narrowing_takes_no_forgery(void **state)
{
    struct world *it = *state;
    size_t changed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct chain chain;
        char text[NARROW_TEXT_MAX + 1];
        draw_chain(it, &chain);
        const struct ask ask = draw_ask(it);
        forge(it, &chain, text);
        if (strcmp(text, chain.text[chain.count - 1]) != 0) {
            check_rc(ask_server(it, text, &ask), RC_UNAUTHENTICATED);
            changed++;
        }
    }
    check(changed > ROUNDS * 9 / 10);
}

/* --- the life of the token that it was narrowed from --- */

static void test_narrowing_ends_with_the_token(void **state)
{
    struct world *it = *state;
    struct why why = { 0 };
    struct made child = { .row = { .name = "child", .scopes = "*", .created_at = NOW, .expires_at = NOW + 100, .parent = it->made[0].row.id } };
    id_make("tok", child.row.id);
    check_rc(token_make(child.text), RC_OK);
    check_rc(token_digest(child.text, child.row.sha256), RC_OK);
    narrow_start(child.text, child.row.id, child.start);
    check_ok(tokens_insert(it->tokens, &child.row, child.start, &why), &why);

    const struct made *const all[] = { &it->made[0], &child, &it->made[1] };
    const struct ask ask = { .path = "/v1/jobs", .now = NOW };
    char text[3][NARROW_TEXT_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct narrowed narrowed;
        check_ok(narrow_begin(all[i]->text, all[i]->row.id, &narrowed, &why), &why);
        check_ok(narrow_add(&narrowed, "path=/v1/*", &why), &why);
        check_ok(narrow_write(&narrowed, text[i], &why), &why);
        check_rc(ask_server(it, text[i], &ask), RC_OK);
    }
    check_rc(tokens_revoke(it->tokens, all[0]->row.id), RC_OK);
    check_rc(ask_server(it, text[0], &ask), RC_UNAUTHENTICATED);
    check_rc(ask_server(it, text[1], &ask), RC_UNAUTHENTICATED);
    check_rc(ask_server(it, text[2], &ask), RC_OK);
    wall_set((struct wall){ (NOW + 100) * 1000 });
    check_rc(ask_server(it, text[2], &ask), RC_UNAUTHENTICATED);
}

static void test_narrowing_wants_a_chain(void **state)
{
    struct world *it = *state;
    struct why why = { 0 };
    struct made old = { .row = { .name = "old", .scopes = "*", .created_at = NOW, .expires_at = NOW + 100 } };
    id_make("tok", old.row.id);
    check_rc(token_make(old.text), RC_OK);
    check_rc(token_digest(old.text, old.row.sha256), RC_OK);
    check_ok(tokens_insert(it->tokens, &old.row, NULL, &why), &why);
    struct narrowed narrowed;
    char text[NARROW_TEXT_MAX + 1];
    check_ok(narrow_begin(old.text, old.row.id, &narrowed, &why), &why);
    check_ok(narrow_add(&narrowed, "path=*", &why), &why);
    check_ok(narrow_write(&narrowed, text, &why), &why);
    const struct ask ask = { .path = "/v1/jobs", .now = NOW };
    const struct caveat_ask view = view_of(&ask);
    struct grant *grant = NULL;
    check_rc(tokens_pin_narrowed(it->tokens, text, &view, &grant, &why), RC_UNAUTHENTICATED);
    check_contains(why.text, "before tokens could be narrowed");

    /* And what a start of zeros would make of it is nothing either. */
    memset(narrowed.mac, 0, sizeof(narrowed.mac));
    check_ok(narrow_write(&narrowed, text, &why), &why);
    check_rc(tokens_pin_narrowed(it->tokens, text, &view, &grant, &why), RC_UNAUTHENTICATED);
}

CHECK_MAIN("core/auth/narrowing",
           CHECK_WITH(test_narrowing_never_widens, setup, teardown),
           CHECK_WITH(test_narrowing_takes_no_forgery, setup, teardown),
           CHECK_WITH(test_narrowing_ends_with_the_token, setup, teardown),
           CHECK_WITH(test_narrowing_wants_a_chain, setup, teardown))
