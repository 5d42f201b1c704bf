/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/fact.h"

#include "tests/core/store/place.h"

static void test_store_fact_keeps_the_last_value(void **state)
{
    struct place *it = *state;
    const char *value = "not touched";
    check_rc(store_fact_get(it->store, "one", &it->region, &value), RC_OK);
    check(value == NULL);
    check_rc(store_fact_set(it->store, "one", "first"), RC_OK);
    check_rc(store_fact_set(it->store, "two", ""), RC_OK);
    check_rc(store_fact_set(it->store, "one", "second"), RC_OK);
    place_reopen(it);
    check_rc(store_fact_get(it->store, "one", &it->region, &value), RC_OK);
    check_text(value, "second");
    check_rc(store_fact_get(it->store, "two", &it->region, &value), RC_OK);
    check_text(value, "");
}

CHECK_MAIN("core/store/fact",
           PLACE_CHECK(test_store_fact_keeps_the_last_value))
