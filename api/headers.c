/* SPDX-License-Identifier: Apache-2.0 */
#include "api/headers.h"

#include "api/api.h"
#include "api/cors.h"
#include "api/trace.h"

static const struct api_header always[] = {
    { "X-Content-Type-Options", "nosniff" },
    { "Cache-Control", "no-store" },
    { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
};

void headers_add_common(struct api_request *request)
{
    (void)api_add_constant(request, "X-Request-Id", request->id); /* the first headers always fit, here and below */
    for (size_t i = 0; i < COUNT_OF(always); i++) {
        (void)api_add_constant(request, always[i].name, always[i].value);
    }
    if (request->client_id != NULL) {
        (void)api_add_constant(request, "X-Client-Request-Id", request->client_id);
    }
    trace_add_headers(request);
    if (request->client_is_secure && api_get_settings(request->api)->hsts) {
        (void)api_add_constant(request, "Strict-Transport-Security", "max-age=31536000");
    }
    (void)cors_add_headers(request, api_get_cors(request->api)); /* without them the page does not see the reply */
}
