/* Sums that share one factor, rounded twice to int8 in portable C: the reference that sums_to_int8.h of every other
 * instruction set must match. */
#ifndef TINYCOMP_SUMS_TO_INT8_H
#define TINYCOMP_SUMS_TO_INT8_H

#include "scale.h"
#include "tinycomp.h"

/* The first `count` sums, at most TC_SUMS_TO_INT8. */
static inline void tc_sums_to_int8(const tc_scale_t *scale, const int32_t *sums, unsigned count, int8_t *to)
{
    for (unsigned i = 0; i < count; i++) {
        const int32_t scaled = tc_requantize(sums[i] + scale->offset, scale->multiplier, scale->shift);
        to[i] = tc_clamp(scaled + scale->zero_point, -128, 127);
    }
}

#endif
