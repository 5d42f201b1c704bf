/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/body.h"

#include "tests/check.h"

static void check_doc(const struct doc *doc, const char *want)
{
    AUTO(buf) struct buf out;
    buf_init(&out, 10000);
    check_rc(doc_write(doc, DOC_COMPACT, &out), RC_OK);
    check_text(out.data, want);
}

static void test_body_set_puts_at_paths(void **state)
{
    static const struct {
        const char *assignment;
        enum rc rc;
        const char *body;
    } rows[] = {
        { "epochs=5", RC_OK, "{\"loss\":\"mae\",\"epochs\":5}" },
        { "loss=mse", RC_OK, "{\"loss\":\"mse\"}" },
        { "loss=\"5\"", RC_OK, "{\"loss\":\"5\"}" },
        { "a.b.c=[1]", RC_OK, "{\"loss\":\"mae\",\"a\":{\"b\":{\"c\":[1]}}}" },
        { "loss.x=1", RC_INVALID, "{\"loss\":\"mae\"}" },
        { "a..b=1", RC_INVALID, "{\"loss\":\"mae\"}" },
        { "=1", RC_INVALID, "{\"loss\":\"mae\"}" },
        { "a=", RC_OK, "{\"loss\":\"mae\",\"a\":\"\"}" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(doc) struct doc *body = doc_new_object();
        check_rc(doc_put_string(body, "loss", "mae"), RC_OK);
        check_rc(body_set(body, rows[i].assignment, NULL), rows[i].rc);
        check_doc(body, rows[i].body);
    }
}

static void test_body_layers_reads_units_and_activations(void **state)
{
    static const struct {
        const char *text;
        const char *network; /* NULL: refused */
    } rows[] = {
        { "8:relu,1", "{\"layers\":[{\"type\":\"dense\",\"units\":8,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":1}]}" },
        { "", NULL },
        { "8,,1", NULL },
        { "relu", NULL },
        { "8.5:relu", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_PTR(doc) struct doc *network = NULL;
        check_rc(body_layers(rows[i].text, &network, NULL), rows[i].network == NULL ? RC_INVALID : RC_OK);
        if (rows[i].network != NULL) {
            check_doc(network, rows[i].network);
        }
    }
}

static void test_body_set_survives_each_failing_allocation(void **state)
{
    for (long n = 1;; n++) {
        AUTO_PTR(doc) struct doc *body = doc_new_object();
        mem_fail_at(n);
        const enum rc rc = body_set(body, "a.b=[1,2]", NULL);
        mem_fail_at(0);
        if (rc == RC_OK) {
            check(n > 1);
            return;
        }
    }
}

CHECK_MAIN("cli/body",
           CHECK(test_body_set_puts_at_paths),
           CHECK(test_body_layers_reads_units_and_activations),
           CHECK(test_body_set_survives_each_failing_allocation))
