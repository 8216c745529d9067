/* MUL of two tensors on Armv8.1-M with MVE, four values at a time; see mul.h. */
#ifndef TINYCOMP_MUL_MVE_H
#define TINYCOMP_MUL_MVE_H

#include "fours.h"
#include "mul.h"

typedef tc_mul_t tc_mul_mve_t;

#if TC_MVE

/* `count` products; single: all with the first value of `repeated`. */
static void tc_mul_mve_row(const tc_mul_mve_t *op, const int8_t *wide, const int8_t *repeated, int8_t *to, size_t count,
                           int single)
{
    const int32x4_t low = __arm_vdupq_n_s32(op->activation_min), high = __arm_vdupq_n_s32(op->activation_max);
    const int32_t zero_point = op->repeated_zero_point;
    int32x4_t y = __arm_vdupq_n_s32(*repeated - zero_point);
    for (size_t i = 0; i < count; i += 4) {
        const mve_pred16_t valid = __arm_vctp32q((uint32_t)(count - i));
        const int32x4_t x = __arm_vsubq_n_s32(tc_fours_load(wide, i, 1, valid), op->wide_zero_point);
        if (!single) {
            y = __arm_vsubq_n_s32(tc_fours_load(repeated, i, 1, valid), zero_point);
        }
        const int32x4_t scaled = tc_fours_requantize(__arm_vmulq_s32(x, y), op->multiplier, op->shift);
        tc_fours_store(to, i, 1, __arm_vaddq_n_s32(scaled, op->output_zero_point), low, high, valid);
    }
}

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static void tc_mul_mve(const tc_mul_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    const int single = op->period == 1;
    const size_t period = single ? op->size : op->period;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *const wide = tc_input_row(in + op->wide, y);
        const int8_t *const repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *const to = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += period) {
            tc_mul_mve_row(op, wide + i, repeated, to + i, period, single);
        }
    }
}

#else

static void tc_mul_mve(const tc_mul_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    tc_mul(op, in, out, first, last, scratch);
}

#endif

#endif
