/* Sums that share one factor, rounded twice to int8 on Armv7E-M; see generic/sums_to_int8.h for the function, and
 * rounding.h for the arithmetic. */
#ifndef TINYCOMP_SUMS_TO_INT8_H
#define TINYCOMP_SUMS_TO_INT8_H

#include "dsp.h"
#include "scale.h"
#include "tinycomp.h"

#define TC_SUMS_FARTHEST (-16) /* with shifts down to this, a zero point is added to the product's high word */

static inline int8_t tc_sum_to_int8(const tc_scale_t *scale, int32_t sum)
{
    if (scale->shift < 0 && scale->shift >= TC_SUMS_FARTHEST) {
        const int right = -scale->shift - 1;
        const int32_t rounding = (2 * scale->zero_point + 1) * ((int32_t)1 << right);
        return (int8_t)tc_halve_to_int8((tc_smmlar(2 * sum, scale->multiplier, rounding) + (sum >> 31)) >> right);
    }
    return tc_clamp(tc_requantize(sum, scale->multiplier, scale->shift) + scale->zero_point, -128, 127);
}

/* The first `count` sums, at most TC_SUMS_TO_INT8. */
static inline void tc_sums_to_int8(const tc_scale_t *scale, const int32_t *sums, unsigned count, int8_t *to)
{
    const int32_t offset = scale->offset;
    if (count == TC_SUMS_TO_INT8) {
        to[0] = tc_sum_to_int8(scale, sums[0] + offset);
        to[1] = tc_sum_to_int8(scale, sums[1] + offset);
        to[2] = tc_sum_to_int8(scale, sums[2] + offset);
        to[3] = tc_sum_to_int8(scale, sums[3] + offset);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        to[i] = tc_sum_to_int8(scale, sums[i] + offset);
    }
}

#endif
