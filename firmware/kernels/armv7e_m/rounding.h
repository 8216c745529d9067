/* Requantization on Armv7E-M for layers with factors per channel. Sums are scaled by 256.
 *
 * Rounding twice: a sum is multiplied and rounded, shifted and rounded, as in LiteRT. The low seven bits of the sums'
 * initial value are the right shift minus one, and are dropped first.
 *
 * Rounding once: with an output zero point of -128 negative values saturate, and for the others the generator has
 * proven that
 *     (256 sum + e) * multiplier / 2^44
 * rounded down, with e part of the initial value, gives the same for every possible sum. All layers then share one
 * shift. */
#ifndef TINYCOMP_ROUNDING_H
#define TINYCOMP_ROUNDING_H

#include "dsp.h"
#include "tinycomp.h"

/* Added to a product's high word before the shift by 12: the zero point and one half. When rounding twice: twice the
 * zero point plus one, before the channel's shift. */
#define TC_ONCE (-255 * (1 << 11))

#if TC_DSP

/* Branches to `label` if the layer rounds twice; `rounding` is a register. */
#define TC_TO_TWICE(rounding, label) "cmn " rounding ", #0x7F800\n\tbne " label "\n\t"
#define TC_ROUND_ONCE(sum, multiplier, rounding) \
    "smmla " sum ", " sum ", " multiplier ", " rounding "\n\tssat " sum ", #8, " sum ", asr #12\n\t"
/* Extracts the channel's shift from the initial value, and shifts `rounding` by it. */
#define TC_TWICE_FACTOR(start, rounding) \
    "and " start ", " start ", #127\n\tlsl " rounding ", " rounding ", " start "\n\t"
/* The sign of the sum is used instead of the rounded product's: they differ only if that is 0, where it makes no
 * difference. */
#define TC_ROUND_TWICE(sum, temporary, multiplier, rounding, shift)                                           \
    "asr " temporary ", " sum ", #7\n\tsmmlar " temporary ", " temporary ", " multiplier ", " rounding "\n\t" \
    "add " temporary ", " temporary ", " sum ", asr #31\n\tasr " temporary ", " temporary ", " shift "\n\t"   \
    "ssat " sum ", #8, " temporary ", asr #1\n\t"

#endif

/* The same in C; factor: the initial value of the channel's sums, and its multiplier. */
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
