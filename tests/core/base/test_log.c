/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/str.h"
#include "tests/check.h"

static int kept_stderr;
static off_t seen;
static char written[2 * LOG_LINE_MAX];

/* From here on stderr goes to a file in memory. */
static int catch_stderr(void **state)
{
    AUTO_CLOSE int file = memfd_create("stderr", 0);
    kept_stderr = dup(STDERR_FILENO);
    (void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    seen = 0;
    return dup2(file, STDERR_FILENO) < 0;
}

static int release_stderr(void **state)
{
    (void)dup2(kept_stderr, STDERR_FILENO); /* a failing test says why on it */
    return close(kept_stderr);
}

/* What was written since the last call. */
static const char *lines(void)
{
    const ssize_t n = pread(STDERR_FILENO, written, sizeof(written) - 1, seen);
    written[n < 0 ? 0 : n] = '\0';
    seen += n < 0 ? 0 : n;
    return written;
}

static void test_log_line_writes_fields_and_obeys_the_level(void **state)
{
    log_info("started", "port=%d", 8443);
    check_text(lines(), "level=info event=started port=8443\n");
    log_warn("plain");
    check_text(lines(), "level=warn event=plain\n");
    log_debug("hidden", "a=%d", 1);
    check_text(lines(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("shown", "a=%d", 1);
    check_text(lines(), "level=debug event=shown a=1\n");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("hidden");
    check_text(lines(), "");
    log_set_level(LOG_LEVEL_INFO);
}

static void test_log_line_keeps_a_line_one_line(void **state)
{
    log_info("x", "path=%s", "a\nlevel=error event=forged\x1b[2J");
    check_text(lines(), "level=info event=x path=a?level=error event=forged?[2J\n");
    char wide[2 * LOG_LINE_MAX];
    memset(wide, 'w', sizeof(wide));
    wide[sizeof(wide) - 1] = '\0';
    log_info("wide", "text=%s", wide);
    const size_t n = strlen(lines());
    check(n > LOG_LINE_MAX / 2 && n <= LOG_LINE_MAX);
    check_int(written[n - 1], '\n');
    check(memchr(written, '\n', n) == written + n - 1);
}

static void test_log_line_keeps_errno(void **state)
{
    errno = ENOSPC;
    log_info("x", "a=%s", "b");
    check_int(errno, ENOSPC);
    errno = EIO;
    log_info("x", "why=%m");
    check_contains(lines(), "why=Input/output error");
}

/* A reader that has stopped costs lines, which are counted, and nobody's time. */
static void test_log_line_never_waits_for_the_reader(void **state)
{
    int ends[2];
    char page[4096];
    check_int(pipe(ends), 0);
    check(dup2(ends[1], STDERR_FILENO) >= 0);
    (void)close(ends[1]);
    memset(page, 'w', sizeof(page));
    page[sizeof(page) - 1] = '\n';
    while (log_write(page, sizeof(page)) == RC_OK) {
    }
    check_rc(log_write(page, sizeof(page)), RC_BUSY);
    log_info("first", "");
    log_info("second", "");
    check_int(read(ends[0], page, sizeof(page)), sizeof(page));
    log_info("third", "");
    while (page[0] == 'w') {
        const ssize_t n = read(ends[0], page, sizeof(page));
        check(n > 0);
        page[(size_t)n < sizeof(page) ? n : 0] = (size_t)n < sizeof(page) ? '\0' : 'w';
    }
    check_text(page, "level=warn event=log_lines_lost lines=2\nlevel=info event=third\n");
    (void)close(ends[0]);
    check_rc(log_write("x\n", 2), RC_IO); /* nobody will ever read */
}

static void test_log_quote(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { NULL, "\"\"" },
        { "", "\"\"" },
        { "a b", "\"a b\"" },
        { "a\"b\\c", "\"a\\\"b\\\\c\"" },
        { "a\n\x7f\xc2\x9b", "\"a????\"" },
        { "\xff\xc3\xa4", "\"?\xc3\xa4\"" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_text(log_quote(rows[i].text).text, rows[i].want);
    }
}

/* The longest output: every byte escaped, and the mark of a cut. */
static void test_log_quote_cuts(void **state)
{
    char text[LOG_QUOTE_MAX + 2];
    memset(text, '"', sizeof(text));
    text[LOG_QUOTE_MAX] = '\0';
    const struct log_quoted whole = log_quote(text);
    check_int(strlen(whole.text), 2 * LOG_QUOTE_MAX + 2);
    text[LOG_QUOTE_MAX] = 'x';
    text[LOG_QUOTE_MAX + 1] = '\0';
    const struct log_quoted cut = log_quote(text);
    check_int(strlen(cut.text), 2 * LOG_QUOTE_MAX + 5);
    check_text(cut.text + 2 * LOG_QUOTE_MAX, "\"...\"");
    memset(text, 'x', LOG_QUOTE_MAX - 1);
    memcpy(text + LOG_QUOTE_MAX - 1, "\xc3\xa4", 3);
    const struct log_quoted split = log_quote(text);
    check(str_is_utf8(split.text, strlen(split.text)));
}

CHECK_MAIN("core/base/log",
           CHECK_WITH(test_log_line_writes_fields_and_obeys_the_level, catch_stderr, release_stderr),
           CHECK_WITH(test_log_line_keeps_a_line_one_line, catch_stderr, release_stderr),
           CHECK_WITH(test_log_line_keeps_errno, catch_stderr, release_stderr),
           CHECK_WITH(test_log_line_never_waits_for_the_reader, catch_stderr, release_stderr),
           CHECK(test_log_quote),
           CHECK(test_log_quote_cuts))
