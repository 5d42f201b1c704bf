/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bar.h"

#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/buf.h"

#define COLUMNS_UNKNOWN 80

static bool environment_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0') { /* the first that is set decides */
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
        }
    }
    return false;
}

void bar_init(struct bar *bar, FILE *out)
{
    *bar = (struct bar){ .out = out, .terminal = isatty(fileno(out)) == 1, .blocks = environment_is_utf8() };
}

static int columns_of(const struct bar *bar)
{
    struct winsize size = { 0 };
    if (bar->columns > 0) {
        return bar->columns;
    }
    return ioctl(fileno(bar->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_UNKNOWN;
}

static void add_cells(struct buf *out, double fraction, bool blocks)
{
    static const char *const eighths[] = { "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589" };
    const int steps = (int)(fraction * BAR_CELLS * 8 + 0.5);
    for (int i = 0; i < BAR_CELLS; i++) {
        const int filled = steps - i * 8;
        if (!blocks) {
            (void)buf_char(out, filled >= 4 ? '#' : '-');
        } else if (filled >= 8) {
            (void)buf_text(out, "\u2588");
        } else {
            (void)buf_text(out, filled > 0 ? eighths[filled] : "\u00b7");
        }
    }
}

/* Where to cut a text that has more characters than that: between two items, which stand two
 * blanks apart, or after any character. */
static size_t cut(const char *text, int columns)
{
    int n = 0;
    size_t gap = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (n > columns) {
            return gap > 0 ? gap : i;
        }
        gap = text[i] == ' ' && text[i + 1] == ' ' ? i : gap;
    }
    return strlen(text);
}

void bar_draw(struct bar *bar, const char *before, double fraction, const char *after, bool now)
{
    if (!bar->terminal || (!now && bar->drawn && mono_since(bar->last) < INT64_C(1000000000) / BAR_PER_SECOND)) {
        return;
    }
    AUTO(buf) struct buf line;
    buf_init(&line, BAR_TEXT_MAX);
    fraction = fraction > 0.0 ? (fraction < 1.0 ? fraction : 1.0) : 0.0; /* NaN draws as nothing done */
    (void)buf_printf(&line, "%s [", before);
    add_cells(&line, fraction, bar->blocks);
    (void)buf_printf(&line, "] %3.0f %%  %s", fraction * 100.0, after);
    if (line.data == NULL) {
        return; /* no memory for a decoration: the work goes on without */
    }
    fputc('\r', bar->out);
    (void)fwrite(line.data, 1, cut(line.data, columns_of(bar) - 1), bar->out); /* the last place would wrap */
    fputs("\033[K", bar->out);
    fflush(bar->out);
    bar->drawn = true;
    bar->last = mono_now();
}

void bar_clear(struct bar *bar)
{
    if (bar->drawn) {
        fputs("\r\033[K", bar->out);
        fflush(bar->out);
        bar->drawn = false;
    }
}

void bar_end(struct bar *bar)
{
    if (bar->drawn) {
        fputc('\n', bar->out);
        fflush(bar->out);
        bar->drawn = false;
    }
}
