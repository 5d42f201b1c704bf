/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/decimal.h"

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/rng.h"
#include "tests/check.h"

/* How many random texts the comparison with the library takes; LICIT_DECIMAL_COUNT asks for a long run. */
#define RANDOM_COUNT 1000000

static uint64_t count_of_random(void)
{
    const char *text = getenv("LICIT_DECIMAL_COUNT");
    return text == NULL ? RANDOM_COUNT : strtoull(text, NULL, 10);
}

/* Both formats against strtod and strtof, which are exact and here run in the "C" locale. */
static void compare(const char *text)
{
    const size_t n = strlen(text);
    const double want = strtod(text, NULL);
    const float want_float = strtof(text, NULL);
    double got = 7;
    float got_float = 7;
    const bool ok = decimal_to_double(text, n, &got);
    const bool ok_float = decimal_to_float(text, n, &got_float);
    if (ok != (bool)isfinite(want) || (ok && memcmp(&got, &want, sizeof(got)) != 0)) {
        fail_msg("\"%s\" gave %a, expected %a", text, got, want);
    }
    if (ok_float != (bool)isfinite(want_float) || (ok_float && memcmp(&got_float, &want_float, sizeof(got_float)) != 0)) {
        fail_msg("\"%s\" gave float %a, expected %a", text, (double)got_float, (double)want_float);
    }
    if (!ok && got != 7.0) {
        fail_msg("\"%s\" was refused, but a value was written", text);
    }
}

static void test_decimal_agrees_with_the_library_on_hard_cases(void **state)
{
    static const char *const rows[] = {
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "1",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.999999999999999999999",
        "9007199254740993.0000000000000000000000000001",
        "16777217",
        "16777217.0000000000000000000000000001",
        "16777219",
        "1e-45",
        "7.006492321624085e-46",
        "7.006492321624086e-46",
        "7.0064923216240853e-46",
        "1.1754943508222875e-38",
        "1.1754942807573643e-38",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "3.4028234663852886e38",
        "1e39",
        "1e309",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "2.225073858507201136057409796709131975934819546351645648023426109724822222021076945516529523908135087914149158913039621106870086438694594645527657207407820621743379988141063267329253552286881372149012981122451451889849057222307285255133155755015914397476397983411801999323962548289017107081850690630666655994938275772572015763062690663332647565300009245888316433037779791869612049497390377829704905051080609940730262937128958950003583799967207254304360284078895771796150945516748243471030702609144621572289880258182545180325707018860872113128079512233426288368622321503775666622503982534335974568884423900265498198385487948292206894721689831099698365846814022854243330660339850886445804001034933970427567186443383770486037861622771738545623065874679014086723327636718751234567890123456789012345678901e-308",
        "1e-400",
        "1e99999999999999999999",
        "-1e99999999999999999999",
        "1e-99999999999999999999",
        "0e99999999999999999999",
        "123456789012345678901234567890",
        "0.1",
        "0.2",
        "0.30000000000000004",
        "123456.789e-3",
        "8388608.5",
        "8388609.5",
        "6.631236871469758276785396630275967242925e-317",
        "9214843084008499",
        "0.500000000000000166533453693773481063544750213623046875",
        "3.518437208883201171875e13",
        "62.5364939768271845828",
        "8.10109172351e-10",
        "1.50000000000011102230246251565",
        "2.2250738585072012e-308",
        "5e-324",
        "2e-46",
        "0.000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        compare(rows[i]);
    }
}

static void test_decimal_agrees_with_the_library_on_random_texts(void **state)
{
    const struct rng rng = { .seed = 20, .stream = RNG_TEST };
    const uint64_t n = count_of_random();
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t bits = rng_bits(&rng, 2 * i), more = rng_bits(&rng, 2 * i + 1);
        char text[128];
        double x;
        float f;
        const uint32_t half = (uint32_t)bits;
        memcpy(&x, &bits, sizeof(x));
        memcpy(&f, &half, sizeof(f));
        switch (more % 8) {
        case 0: (void)snprintf(text, sizeof(text), "%.17g", isfinite(x) ? x : 1.0); break;
        case 1: (void)snprintf(text, sizeof(text), "%.9g", isfinite(f) ? (double)f : 1.0); break;
        case 2: (void)snprintf(text, sizeof(text), "%llue%d", (unsigned long long)bits, (int)(more >> 8) % 700 - 350); break;
        case 3: (void)snprintf(text, sizeof(text), "%lld.%llue%d", (long long)(int64_t)bits, (unsigned long long)(more >> 3), (int)(more >> 8) % 90 - 60); break;
        case 4: (void)snprintf(text, sizeof(text), "%.4f", (double)(int32_t)half / 1e4); break;
        case 5: { /* exactly half-way between two floats, and a little beside it */
            const uint32_t next = (half & 0x7fffffffu) % 0x7f7fffffu;
            float a, b;
            const uint32_t above = next + 1;
            memcpy(&a, &next, sizeof(a));
            memcpy(&b, &above, sizeof(b));
            (void)snprintf(text, sizeof(text), "%.*e", (int)(30 + more / 8 % 60), (double)a / 2 + (double)b / 2);
            break;
        }
        case 6: (void)snprintf(text, sizeof(text), "%llu%llue%d", (unsigned long long)bits, (unsigned long long)more, (int)(more >> 8) % 400 - 360); break;
        default: (void)snprintf(text, sizeof(text), "%llu.5", (unsigned long long)(bits >> (more / 8 % 64))); break;
        }
        compare(text);
    }
}

/* Half-way between two doubles takes up to 767 digits; a last digit above or below must tell. */
static void test_decimal_reads_hundreds_of_digits(void **state)
{
    const struct rng rng = { .seed = 21, .stream = RNG_TEST };
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = rng_bits(&rng, i) & 0x3fffffffffffffff; /* up to 2: the sum below keeps every bit */
        bits %= i % 2 == 0 ? UINT64_MAX : (uint64_t)1 << 53;
        double a, b;
        memcpy(&a, &bits, sizeof(a));
        bits++;
        memcpy(&b, &bits, sizeof(b));
        char text[1300];
        const long double middle = (long double)a / 2 + (long double)b / 2;
        const int n = snprintf(text, sizeof(text), "%.1100Lf", middle);
        compare(text);
        text[n - 1] = '1';
        compare(text);
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "e-%d", (int)(i % 60));
        compare(text);
    }
}

static void test_decimal_scan_takes_json_numbers_only(void **state)
{
    static const struct {
        const char *text;
        size_t used, length;
        double value;
    } rows[] = {
        { "0", 1, 1, 0 },
        { "-0", 2, 2, 0 },
        { "12,", 2, 2, 12 },
        { "1.5]", 3, 3, 1.5 },
        { "1e5 ", 3, 3, 1e5 },
        { "1E+5", 4, 4, 1e5 },
        { "-1.25e-2}", 8, 8, -0.0125 },
        { "01", 1, 1, 0 },
        { "", 0, 0, 0 },
        { "-", 0, 0, 0 },
        { "+1", 0, 0, 0 },
        { "1.", 0, 0, 0 },
        { ".5", 0, 0, 0 },
        { "1e", 0, 0, 0 },
        { "1e+", 0, 0, 0 },
        { "-.5", 0, 0, 0 },
        { " 1", 0, 0, 0 },
        { "NaN", 0, 0, 0 },
        { "Infinity", 0, 0, 0 },
        { "0x10", 1, 1, 0 },
        { "1e309", 0, 5, 0 },
        { "-1e309", 0, 6, 0 },
        { "00", 1, 1, 0 },
        { "0.0", 3, 3, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t n = strlen(rows[i].text);
        double x = 7;
        check_int(decimal_scan_double(rows[i].text, n, &x), rows[i].used);
        check_int(decimal_scan_length(rows[i].text, n), rows[i].length);
        check_close(x, rows[i].used == 0 ? 7 : rows[i].value, 0);
        float f = 7;
        check_int(decimal_scan_float(rows[i].text, n, &f), rows[i].used);
    }
    float f = 7;
    check_int(decimal_scan_float("1e39", 4, &f), 0);
    check_int(decimal_scan_float("12345", 3, &f), 3); /* nothing beyond n is read */
    check_close((double)f, 123, 0);
}

static void test_decimal_cell_takes_more_but_not_everything(void **state)
{
    static const struct {
        const char *text;
        bool number;
        double value;
    } rows[] = {
        { "1", true, 1 },
        { "+1.5", true, 1.5 },
        { " \t2 \t", true, 2 },
        { "1.", true, 1 },
        { ".5", true, 0.5 },
        { "-.5e1", true, -5 },
        { "007", true, 7 },
        { "1e5", true, 1e5 },
        { "", false, 0 },
        { " ", false, 0 },
        { ".", false, 0 },
        { "+", false, 0 },
        { "--1", false, 0 },
        { "+-1", false, 0 },
        { "1 2", false, 0 },
        { "1,5", false, 0 },
        { "1e", false, 0 },
        { ".e5", false, 0 },
        { "0x10", false, 0 },
        { "inf", false, 0 },
        { "nan", false, 0 },
        { "1e5.5", false, 0 },
        { "1_000", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const size_t n = strlen(rows[i].text);
        double x = 7;
        float f = 7;
        check_int(decimal_to_double(rows[i].text, n, &x), rows[i].number);
        check_int(decimal_to_float(rows[i].text, n, &f), rows[i].number);
        check_int(decimal_is_number(rows[i].text, n), rows[i].number);
        check_close(x, rows[i].number ? rows[i].value : 7, 0);
    }
    double x;
    check(decimal_is_number("1e309", 5) && !decimal_to_double("1e309", 5, &x));
}

CHECK_MAIN("core/base/decimal",
           CHECK(test_decimal_agrees_with_the_library_on_hard_cases),
           CHECK(test_decimal_agrees_with_the_library_on_random_texts),
           CHECK(test_decimal_reads_hundreds_of_digits),
           CHECK(test_decimal_scan_takes_json_numbers_only),
           CHECK(test_decimal_cell_takes_more_but_not_everything))
