/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/handlers.h"
#include "api/openapi.h"

/* Prints the OpenAPI document without a server: what docs/api.md is made from. */
int main(void)
{
    AUTO_PTR(doc) struct doc *doc = NULL;
    AUTO(buf) struct buf out;
    buf_init(&out, 16 << 20);
    if (openapi_make(api_routes, "0", "", &doc) != RC_OK || doc_write(doc, DOC_PRETTY, &out) != RC_OK) {
        return 1;
    }
    return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}
