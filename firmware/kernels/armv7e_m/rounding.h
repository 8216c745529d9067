/* From sums to int8 on Armv7E-M, for layers whose factors are per channel: sums lie 256-fold in their registers.
 *
 * Twice: a sum is multiplied and rounded, shifted and rounded, as LiteRT does it. The low seven bits of what sums start at
 * are the right shift minus one, and dropped first.
 *
 * Once: where the output's zero point is -128 negative values saturate, and of the others build time has proven that
 *     (256 sum + e) * multiplier / 2^44
 * rounded down, with e in what sums start at, is the same for every sum that can be. All layers then share one shift. */
#ifndef TINYCOMP_ROUNDING_H
#define TINYCOMP_ROUNDING_H

#include "dsp.h"
#include "tinycomp.h"

/* What is added to a product's high word before the shift by 12: the zero point, and a half. Where sums are rounded twice
 * it is twice the zero point and one, before the channel's shift. */
#define TC_ONCE (-255 * (1 << 11))

#if TC_DSP

/* Branches to `label` where sums are rounded twice; `rounding` is a register. */
#define TC_TO_TWICE(rounding, label) "cmn " rounding ", #0x7F800\n\tbne " label "\n\t"
#define TC_ROUND_ONCE(sum, multiplier, rounding) \
    "smmla " sum ", " sum ", " multiplier ", " rounding "\n\tssat " sum ", #8, " sum ", asr #12\n\t"
/* What a channel starts at becomes its shift, and `rounding` is shifted. */
#define TC_TWICE_FACTOR(start, rounding) \
    "and " start ", " start ", #127\n\tlsl " rounding ", " rounding ", " start "\n\t"
/* The sum's sign may stand for the rounded product's: they differ only where that is 0, and then it does not matter. */
#define TC_ROUND_TWICE(sum, temporary, multiplier, rounding, shift)                                           \
    "asr " temporary ", " sum ", #7\n\tsmmlar " temporary ", " temporary ", " multiplier ", " rounding "\n\t" \
    "add " temporary ", " temporary ", " sum ", asr #31\n\tasr " temporary ", " temporary ", " shift "\n\t"   \
    "ssat " sum ", #8, " temporary ", asr #1\n\t"

#endif

/* The same in C; factor: what the channel's sums start at, and its multiplier. */
static inline int8_t tc_round_once(const int32_t *factor, uint32_t sum)
{
    return (int8_t)tc_shift_to_int8(tc_smmla((int32_t)sum, factor[1], TC_ONCE));
}

static inline int8_t tc_round_twice(const int32_t *factor, int32_t rounding, uint32_t sum)
{
    const int shift = factor[0] & 127;
    const int32_t offset = (int32_t)((uint32_t)rounding << shift);
    const int32_t high = tc_smmlar((int32_t)sum >> 7, factor[1], offset) + ((int32_t)sum >> 31);
    return (int8_t)tc_halve_to_int8(high >> shift);
}

#endif
