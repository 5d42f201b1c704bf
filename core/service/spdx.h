/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_SPDX_H
#define CORE_SERVICE_SPDX_H

#include <stdbool.h>

/*
 * Licence expressions: the grammar of SPDX specification 2.3, annex D.
 *
 * Checks the form, not the list of known licences: that list grows, and an
 * unlisted licence is written LicenseRef-<name>.
 *
 * Threads: any. Memory: none. Logs: no.
 */

#define SPDX_DEPTH_MAX 16 /* nested parentheses */

/* "CC-BY-4.0", "Apache-2.0 OR (MIT AND LicenseRef-Ours)", "GPL-2.0-only WITH Classpath-exception-2.0" */
bool spdx_is_expression(const char *text);

#endif
