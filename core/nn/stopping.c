/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nn/stopping.h"

#include <math.h>
#include <string.h>

static const struct field stopping_fields[] = {
    { .name = "monitor", .kind = FIELD_STRING, .offset = offsetof(struct stopping_spec, monitor), .min = 1, .max = 40, .fallback = "\"val_loss\"", .about = "What is watched: loss, a metric, or either of the validation rows with val_ in front." },
    { .name = "patience", .kind = FIELD_INTEGER, .offset = offsetof(struct stopping_spec, patience), .flags = FIELD_BOUNDED, .max = 1e6, .fallback = "0", .about = "Epochs without an improvement that are waited for." },
    { .name = "min_delta", .kind = FIELD_NUMBER, .offset = offsetof(struct stopping_spec, min_delta), .flags = FIELD_BOUNDED, .max = 1e9, .fallback = "0", .about = "How much better counts as an improvement." },
    { .name = NULL },
};
const struct schema stopping_schema = { "EarlyStopping", "Ends the training when nothing improves, and keeps the best weights.", sizeof(struct stopping_spec), stopping_fields, false };

void stopping_init(struct stopping *stopping)
{
    *stopping = (struct stopping){ .best = (double)NAN };
}

bool stopping_falls(const char *monitor)
{
    static const char *const falling[] = { "loss", "log_loss", "mse", "mae" };
    const char *name = strncmp(monitor, "val_", 4) == 0 ? monitor + 4 : monitor;
    for (size_t i = 0; i < COUNT_OF(falling); i++) {
        if (strcmp(name, falling[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool stopping_observe(struct stopping *stopping, const struct stopping_spec *spec, int64_t epoch, double value)
{
    const double gain = stopping_falls(spec->monitor) ? stopping->best - value : value - stopping->best;
    const bool better = !isnan(value) && (isnan(stopping->best) || gain > spec->min_delta);
    stopping->wait = better ? 0 : stopping->wait + 1;
    if (better) {
        stopping->best = value;
        stopping->best_epoch = epoch;
    }
    return better;
}

bool stopping_is_over(const struct stopping *stopping, const struct stopping_spec *spec)
{
    return stopping->wait > 0 && stopping->wait >= spec->patience;
}
