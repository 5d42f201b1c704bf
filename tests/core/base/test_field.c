/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/field.h"

#include "core/base/str.h"
#include "tests/check.h"

struct wheel {
    double size;
};

struct car {
    const char *name;
    int64_t doors;
    int colour;
    bool open;
    struct field_list wheels;
    struct field_map prices;
    struct field_variant engine;
    int64_t mass;
    const char *note;
    struct wheel *spare;
};

static const struct field wheel_fields[] = {
    { .name = "size", .kind = FIELD_NUMBER, .offset = offsetof(struct wheel, size), .flags = FIELD_REQUIRED | FIELD_ABOVE_MIN, .max = 30, .about = "Inches." },
    { .name = NULL },
};
static const struct schema wheel = { "Wheel", "A wheel.", sizeof(struct wheel), wheel_fields, false };
static const struct field wheel_item = { .name = "", .kind = FIELD_OBJECT, .schema = &wheel };
static const struct field price_item = { .name = "", .kind = FIELD_NUMBER };
static const char *const colours[] = { "red", "blue", NULL };
static const struct field_option engines[] = { { "disc", &wheel }, { NULL, NULL } };
static const struct field car_fields[] = {
    { .name = "name", .kind = FIELD_STRING, .offset = offsetof(struct car, name), .flags = FIELD_REQUIRED, .min = 1, .max = 8 },
    { .name = "doors", .kind = FIELD_INTEGER, .offset = offsetof(struct car, doors), .min = 1, .max = 5, .fallback = "3" },
    { .name = "colour", .kind = FIELD_CHOICE, .offset = offsetof(struct car, colour), .choices = colours },
    { .name = "open", .kind = FIELD_BOOLEAN, .offset = offsetof(struct car, open) },
    { .name = "wheels", .kind = FIELD_LIST, .offset = offsetof(struct car, wheels), .max = 4, .item = &wheel_item },
    { .name = "prices", .kind = FIELD_MAP, .offset = offsetof(struct car, prices), .item = &price_item },
    { .name = "engine", .kind = FIELD_VARIANT, .offset = offsetof(struct car, engine), .options = engines },
    { .name = "mass", .kind = FIELD_INTEGER, .offset = offsetof(struct car, mass) },
    { .name = "note", .kind = FIELD_STRING, .offset = offsetof(struct car, note), .flags = FIELD_NULLABLE, .fallback = "\"new\"" },
    { .name = "spare", .kind = FIELD_OBJECT, .offset = offsetof(struct car, spare), .flags = FIELD_NULLABLE, .schema = &wheel },
    { .name = NULL },
};
static const struct schema car = { "Car", "A car.", sizeof(struct car), car_fields, false };

static enum rc read_car(const char *text, struct region *region, struct car *out, struct why *why)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, why), RC_OK);
    return schema_read(&car, doc, region, out, why);
}

static void test_schema_read_fills_and_writes_back(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 10000);
    struct car it;
    struct why why = { 0 };
    check_ok(read_car("{\"name\":\"a\",\"colour\":\"blue\",\"wheels\":[{\"size\":1.5}],\"prices\":{\"de\":2},\"engine\":{\"type\":\"disc\",\"size\":2}}", &region, &it, &why), &why);
    check_int(it.doors, 3);
    check_int(it.colour, 1);
    check_close(((struct wheel **)it.wheels.items)[0]->size, 1.5, 0);
    AUTO_PTR(doc) struct doc *doc = schema_write(&car, &it);
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
    check_text(out.data, "{\"name\":\"a\",\"doors\":3,\"colour\":\"blue\",\"open\":false,\"wheels\":[{\"size\":1.5}],\"prices\":{\"de\":2.0},\"engine\":{\"type\":\"disc\",\"size\":2.0},\"note\":\"new\"}");
}

/* null is the absent value where it is allowed, also where absence has a default. */
static void test_schema_read_of_null(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 10000);
    struct car it;
    struct why why = { 0 };
    check_ok(read_car("{\"name\":\"a\",\"note\":null,\"spare\":null}", &region, &it, &why), &why);
    check(it.note == NULL && it.spare == NULL);
    check_ok(read_car("{\"name\":\"a\"}", &region, &it, &why), &why);
    check_text(it.note, "new");
    check(it.spare == NULL && it.mass == FIELD_ABSENT && it.colour == -1 && it.engine.index == -1);
}

/* Bytes of a character are not torn apart in what is shown, so that it can be written as JSON. */
static void test_schema_read_quotes_long_text_as_utf8(void **state)
{
    AUTO(region) struct region region;
    region_init(&region, 10000);
    AUTO(buf) struct buf text;
    buf_init(&text, 1000);
    (void)buf_text(&text, "{\"name\":\"a\",\"colour\":\"x");
    for (int i = 0; i < 100; i++) {
        (void)buf_text(&text, "\xe2\x82\xac");
    }
    (void)buf_text(&text, "\"}");
    struct car it;
    struct why why = { 0 };
    check_rc(read_car(text.data, &region, &it, &why), RC_INVALID);
    check(str_is_utf8(why.text, strlen(why.text)));
}

static void test_schema_read_says_where(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *path, *part;
    } rows[] = {
        { "[]", RC_INVALID, "", "an object, got a list" },
        { "{}", RC_INVALID, "name", "is required" },
        { "{\"name\":\"\"}", RC_INVALID, "name", "length" },
        { "{\"name\":\"a\",\"doors\":6}", RC_INVALID, "doors", "must be 1 to 5, got 6" },
        { "{\"name\":\"a\",\"doors\":1.5}", RC_INVALID, "doors", "an integer, got a number" },
        { "{\"name\":\"a\",\"colour\":\"green\"}", RC_INVALID, "colour", "must be one of red, blue; got \"green\"" },
        { "{\"name\":\"a\",\"doorz\":2}", RC_UNKNOWN_KEY, "doorz", "known keys: name, doors" },
        { "{\"name\":\"a\",\"wheels\":[{\"size\":1},{\"size\":0}]}", RC_INVALID, "wheels[1].size", "above 0" },
        { "{\"name\":\"a\",\"wheels\":[{\"sice\":1}]}", RC_UNKNOWN_KEY, "wheels[0].sice", "known keys: size" },
        { "{\"name\":\"a\",\"wheels\":[1,2,3,4,5]}", RC_INVALID, "wheels", "number of items" },
        { "{\"name\":\"a\",\"prices\":{\"de\":\"x\"}}", RC_INVALID, "prices.de", "a number, got a string" },
        { "{\"name\":\"a\",\"engine\":{\"type\":\"x\"}}", RC_INVALID, "engine.type", "one of disc" },
        { "{\"name\":\"a\",\"engine\":{\"size\":2}}", RC_INVALID, "engine.type", "required" },
        { "{\"name\":null}", RC_INVALID, "name", "a string, got null" },
        { "{\"name\":\"a\",\"doors\":null}", RC_INVALID, "doors", "an integer, got null" },
        { "{\"name\":\"a\",\"prices\":{\"a\\nb\":[]}}", RC_INVALID, "prices.a?b", "a number, got a list" },
        { "{\"name\":\"a\",\"colour\":\"\\u001b[2J\"}", RC_INVALID, "colour", "got \"?[2J\"" },
        { "{\"name\":\"a\",\"mass\":-9223372036854775808}", RC_INVALID, "mass", "must be above" },
        { "{\"name\":\"a\",\"note\":\"123456789\"}", RC_TOO_LARGE, "note", "more memory" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region) struct region region;
        region_init(&region, rows[i].rc == RC_TOO_LARGE ? 16 : 10000);
        struct car it;
        struct why why = { 0 };
        check_rc(read_car(rows[i].text, &region, &it, &why), rows[i].rc);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
    }
}

/* Reading, writing back and describing, with the reason kept in uninitialised memory as callers do. */
static enum rc do_all(const struct doc *doc)
{
    AUTO(region) struct region region;
    region_init(&region, 10000);
    struct car it;
    struct why why;
    memset(&why, 0x55, sizeof(why));
    const enum rc rc = schema_read(&car, doc, &region, &it, &why);
    if (rc != RC_OK) {
        check(memchr(why.path, '\0', sizeof(why.path)) != NULL);
        check(memchr(why.text, '\0', sizeof(why.text)) != NULL);
        return rc;
    }
    AUTO_PTR(doc) struct doc *written = schema_write(&car, &it);
    AUTO_PTR(doc) struct doc *schemas = doc_new_object();
    return written == NULL || schemas == NULL ? RC_NO_MEMORY : schema_describe(&car, schemas);
}

static void test_schema_survives_each_failing_allocation(void **state)
{
    static const char text[] = "{\"name\":\"a\",\"wheels\":[{\"size\":1}],\"prices\":{\"x\":1},\"engine\":{\"type\":\"disc\",\"size\":1},\"spare\":{\"size\":2}}";
    AUTO_PTR(doc) struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, NULL), RC_OK);
    for (long n = 1;; n++) {
        mem_fail_at(n);
        const enum rc rc = do_all(doc);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 50);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

static void test_schema_describe_names_bounds_and_options(void **state)
{
    AUTO_PTR(doc) struct doc *schemas = doc_new_object();
    check_rc(schema_describe(&car, schemas), RC_OK);
    AUTO(buf) struct buf out;
    buf_init(&out, 10000);
    check_rc(doc_write(schemas, DOC_COMPACT, &out), RC_OK);
    check_contains(out.data, "\"doors\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5,\"default\":3}");
    check_contains(out.data, "\"oneOf\":[{\"$ref\":\"#/components/schemas/Wheel\"}]");
    check_contains(out.data, "\"exclusiveMinimum\":0.0");
    check_contains(out.data, "\"required\":[\"name\"]");
    check_contains(out.data, "\"note\":{\"type\":[\"string\",\"null\"]");
    check_contains(out.data, "\"spare\":{\"anyOf\":[{\"$ref\":\"#/components/schemas/Wheel\"},{\"type\":\"null\"}]");
}

CHECK_MAIN("core/base/field",
           CHECK(test_schema_read_fills_and_writes_back),
           CHECK(test_schema_read_says_where),
           CHECK(test_schema_read_of_null),
           CHECK(test_schema_read_quotes_long_text_as_utf8),
           CHECK(test_schema_survives_each_failing_allocation),
           CHECK(test_schema_describe_names_bounds_and_options))
