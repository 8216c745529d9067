/* SOFTMAX on Armv8.1-M with MVE, four values at a time; see softmax.h. */
#ifndef TINYCOMP_SOFTMAX_MVE_H
#define TINYCOMP_SOFTMAX_MVE_H

#include "softmax.h"
#include "vectors.h"

typedef tc_softmax_t tc_softmax_mve_t;

#if TC_MVE

/* x / 2^bits, rounded, halves away from zero. */
static inline int32x4_t tc_softmax_shift_fours(int32x4_t x, int32_t bits)
{
    return __arm_vrshlq_n_s32(__arm_vaddq_s32(x, __arm_vshrq_n_s32(x, 31)), -bits);
}

/* tc_softmax_exp of four values. */
static inline int32x4_t tc_softmax_exp_fours(int32x4_t x)
{
    const int32_t quarter = 0x1000000, centre = 1895147668, third = 715827883;
    const int32x4_t part = __arm_vsubq_n_s32(__arm_vandq_s32(x, __arm_vdupq_n_s32(quarter - 1)), quarter);
    const int32x4_t rest = __arm_vsubq_s32(part, x);
    const int32x4_t t = __arm_vaddq_n_s32(__arm_vshlq_n_s32(part, 5), 0x10000000);
    const int32x4_t square = __arm_vqrdmulhq_s32(t, t);
    const int32x4_t cube = __arm_vqrdmulhq_s32(square, t);
    const int32x4_t fourth = tc_softmax_shift_fours(__arm_vqrdmulhq_s32(square, square), 2);
    const int32x4_t tail = __arm_vaddq_s32(__arm_vqrdmulhq_n_s32(__arm_vaddq_s32(fourth, cube), third), square);
    const int32x4_t series = __arm_vaddq_s32(t, tc_softmax_shift_fours(tail, 1));
    int32x4_t result = __arm_vaddq_n_s32(__arm_vqrdmulhq_n_s32(series, centre), centre);
    for (int i = 0; i < 7; i++) { /* bit 24 + i becomes the sign */
        const mve_pred16_t there = __arm_vcmpltq_n_s32(__arm_vshlq_r_s32(rest, 7 - i), 0);
        result = __arm_vqrdmulhq_m_n_s32(result, result, tc_softmax_factors[i], there);
    }
    return __arm_vpselq_s32(__arm_vdupq_n_s32(INT32_MAX), result, __arm_vcmpeqq_n_s32(x, 0));
}

/* e^(difference to the largest value) of the next four values; 0 for those that count as minus infinity. */
static inline int32x4_t tc_softmax_next_fours(const tc_softmax_t *op, const int8_t *from, int32_t largest,
                                              mve_pred16_t valid)
{
    const int32x4_t difference = __arm_vsubq_n_s32(__arm_vldrbq_z_s32(from, valid), largest);
    const int32x4_t shifted = __arm_vshlq_r_s32(difference, op->shift);
    const int32x4_t exps = tc_softmax_exp_fours(__arm_vqrdmulhq_n_s32(shifted, op->multiplier));
    const mve_pred16_t counts = __arm_vcmpgeq_m_n_s32(difference, op->smallest_difference, valid);
    return __arm_vpselq_s32(exps, __arm_vdupq_n_s32(0), counts);
}

static void tc_softmax_mve_vector(const tc_softmax_t *op, const int8_t *from, int8_t *to)
{
    const size_t channels = op->channels;
    int8_t largest = -128;
    uint32_t total = 0; /* once it is TC_SOFTMAX_MOST, all outputs are 0 */
    int32_t headroom = 0, scale;
    for (size_t c = 0; c < channels; c += 16) {
        const mve_pred16_t valid = __arm_vctp8q((uint32_t)(channels - c));
        largest = __arm_vmaxvq_p_s8(largest, __arm_vldrbq_z_s8(from + c, valid), valid);
    }
    for (size_t c = 0; c < channels && total < TC_SOFTMAX_MOST; c += 4) {
        const mve_pred16_t valid = __arm_vctp32q((uint32_t)(channels - c));
        const int32x4_t exps = tc_softmax_next_fours(op, from + c, largest, valid);
        total += (uint32_t)__arm_vaddvq_s32(tc_softmax_shift_fours(exps, 12));
    }
    for (; !(total & 0x80000000u); headroom++) {
        total <<= 1;
    }
    scale = headroom > 3 ? tc_softmax_reciprocal((int32_t)(total - 0x80000000u)) : 0;
    for (size_t c = 0; c < channels; c += 4) {
        const mve_pred16_t valid = __arm_vctp32q((uint32_t)(channels - c));
        const int32x4_t exps = tc_softmax_next_fours(op, from + c, largest, valid);
        const int32x4_t share = tc_softmax_shift_fours(__arm_vqrdmulhq_n_s32(exps, scale), 35 - headroom);
        const int32x4_t value = __arm_vminq_s32(share, __arm_vdupq_n_s32(255));
        __arm_vstrbq_p_s32(to + c, __arm_vsubq_n_s32(value, 128), valid);
    }
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_softmax_mve(const tc_softmax_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                           uint16_t last, int8_t *scratch)
{
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->channels, to += op->channels) {
            tc_softmax_mve_vector(op, from, to);
        }
    }
}

#else

static void tc_softmax_mve(const tc_softmax_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                           uint16_t last, int8_t *scratch)
{
    tc_softmax(op, in, out, first, last, scratch);
}

#endif

#endif
