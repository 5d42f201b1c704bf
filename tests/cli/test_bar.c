/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bar.h"

#include "core/base/cleanup.h"
#include "tests/check.h"

/* Draws once on a terminal of so many columns and gives what went out. */
static void draw(struct bar *bar, double fraction, const char *after, char *out, size_t size)
{
    bar->out = tmpfile();
    check(bar->out != NULL);
    bar_draw(bar, "epoch 1/2", fraction, after, false);
    rewind(bar->out);
    const size_t n = fread(out, 1, size - 1, bar->out);
    out[n] = '\0';
    (void)fclose(bar->out);
}

static void test_bar_draws_one_line(void **state)
{
    static const struct {
        double fraction;
        int columns;
        bool blocks;
        const char *line;
    } rows[] = {
        { 0.0, 80, false, "\repoch 1/2 [------------------------]   0 %  loss 1\033[K" },
        { 0.5, 80, false, "\repoch 1/2 [############------------]  50 %  loss 1\033[K" },
        { 2.0, 80, false, "\repoch 1/2 [########################] 100 %  loss 1\033[K" },
        { (double)NAN, 80, false, "\repoch 1/2 [------------------------]   0 %  loss 1\033[K" },
        { 0.5, 50, false, "\repoch 1/2 [############------------]  50 %\033[K" }, /* no half item */
        { 0.5, 51, false, "\repoch 1/2 [############------------]  50 %  loss 1\033[K" },
        { 0.5, 14, false, "\repoch 1/2 [##\033[K" }, /* the last place would wrap */
        { 0.0625, 16, true, "\repoch 1/2 [\u2588\u258c\u00b7\u00b7\033[K" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bar bar = { .terminal = true, .columns = rows[i].columns, .blocks = rows[i].blocks };
        char out[400];
        draw(&bar, rows[i].fraction, "loss 1", out, sizeof(out));
        check_text(out, rows[i].line);
    }
}

static void test_bar_is_silent_where_there_is_no_terminal(void **state)
{
    struct bar bar = { .terminal = false };
    char out[400];
    draw(&bar, 0.5, "loss 1", out, sizeof(out));
    check_text(out, "");
}

static void test_bar_draws_at_most_so_often(void **state)
{
    struct bar bar = { .terminal = true, .columns = 80 };
    char out[400];
    draw(&bar, 0.5, "loss 1", out, sizeof(out));
    draw(&bar, 0.6, "loss 1", out, sizeof(out));
    check_text(out, ""); /* a moment after the first */
}

CHECK_MAIN("cli/bar",
           CHECK(test_bar_draws_one_line),
           CHECK(test_bar_is_silent_where_there_is_no_terminal),
           CHECK(test_bar_draws_at_most_so_often))
