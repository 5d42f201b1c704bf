/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/field.h"

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
    { .name = NULL },
};
static const struct schema car = { "Car", "A car.", sizeof(struct car), car_fields, false };

static enum rc read_car(const char *text, struct region *region, struct car *out, struct why *why)
{
    AUTO_PTR(doc)
    struct doc *doc = NULL;
    check_rc(doc_parse(text, strlen(text), &doc, why), RC_OK);
    return schema_read(&car, doc, region, out, why);
}

static void test_schema_read_fills_and_writes_back(void **state)
{
    AUTO(region)
    struct region region;
    region_init(&region, 10000);
    struct car it;
    struct why why = { 0 };
    check_ok(read_car("{\"name\":\"a\",\"colour\":\"blue\",\"wheels\":[{\"size\":1.5}],\"prices\":{\"de\":2},\"engine\":{\"type\":\"disc\",\"size\":2}}", &region, &it, &why), &why);
    check_int(it.doors, 3);
    check_int(it.colour, 1);
    check_close(((struct wheel **)it.wheels.items)[0]->size, 1.5, 0);
    AUTO_PTR(doc)
    struct doc *doc = schema_write(&car, &it);
    AUTO(buf)
    struct buf out;
    buf_init(&out, 1000);
    check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
    check_text(out.data, "{\"name\":\"a\",\"doors\":3,\"colour\":\"blue\",\"open\":false,\"wheels\":[{\"size\":1.5}],\"prices\":{\"de\":2.0},\"engine\":{\"type\":\"disc\",\"size\":2.0}}");
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
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(region)
        struct region region;
        region_init(&region, 10000);
        struct car it;
        struct why why = { 0 };
        check_rc(read_car(rows[i].text, &region, &it, &why), rows[i].rc);
        check_text(why.path, rows[i].path);
        check_contains(why.text, rows[i].part);
    }
}

static void test_schema_read_survives_each_failing_allocation(void **state)
{
    for (long n = 1;; n++) {
        AUTO(region)
        struct region region;
        region_init(&region, 10000);
        AUTO_PTR(doc)
        struct doc *doc = NULL;
        static const char text[] = "{\"name\":\"a\",\"wheels\":[{\"size\":1}],\"prices\":{\"x\":1}}";
        check_rc(doc_parse(text, strlen(text), &doc, NULL), RC_OK);
        struct car it;
        mem_fail_at(n);
        const enum rc rc = schema_read(&car, doc, &region, &it, NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 1);
            return;
        }
        check_rc(rc, RC_NO_MEMORY);
    }
}

static void test_schema_describe_names_bounds_and_options(void **state)
{
    AUTO_PTR(doc)
    struct doc *schemas = doc_new_object();
    check_rc(schema_describe(&car, schemas), RC_OK);
    AUTO(buf)
    struct buf out;
    buf_init(&out, 10000);
    check_rc(doc_write(schemas, DOC_COMPACT, &out), RC_OK);
    check_contains(out.data, "\"doors\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5,\"default\":3}");
    check_contains(out.data, "\"oneOf\":[{\"$ref\":\"#/components/schemas/Wheel\"}]");
    check_contains(out.data, "\"exclusiveMinimum\":0.0");
    check_contains(out.data, "\"required\":[\"name\"]");
}

CHECK_MAIN("core/base/field",
           CHECK(test_schema_read_fills_and_writes_back),
           CHECK(test_schema_read_says_where),
           CHECK(test_schema_read_survives_each_failing_allocation),
           CHECK(test_schema_describe_names_bounds_and_options))
