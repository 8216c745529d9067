/* Requantization by a line: a sum is clamped to bounds beyond which the output does not change; then the output is
 *     (floor(sum m / 2^11) + b) >> 23
 * The generator found a multiplier and an offset that give the right output for all possible sums. If negative sums
 * round differently (ties away from zero), there are two offsets. Within its bounds a sum has 20 bits and a sign, so
 * that the parts of the product fit a word; the offset compensates any overflow of 32 bits. */
#ifndef TINYCOMP_LINE_H
#define TINYCOMP_LINE_H

#include "mac16.h"

#define TC_LINE_FINE 11
#define TC_LINE_SHIFT 23

/* Constants of a channel; only the first four words if it has one offset. */
typedef struct {
    int32_t low, high; /* bounds of sums */
    uint32_t multiplier;
    uint32_t offset; /* offset of sums from `zero` on */
    uint32_t below;  /* offset of smaller sums */
    int32_t zero;
} tc_line_t;

#define TC_LINE_WORDS 4
#define TC_LINE_WORDS_TWO_SIDED 6

/* Reads the constants of a channel, `words` words. */
static inline const int32_t *tc_line_factors(const int32_t *factors, unsigned channel, int two_sided)
{
    return factors + (size_t)channel * (two_sided ? TC_LINE_WORDS_TWO_SIDED : TC_LINE_WORDS);
}

static inline tc_line_t tc_line(const int32_t *factors, int two_sided)
{
    tc_line_t line;
    line.low = factors[0];
    line.high = factors[1];
    line.multiplier = (uint32_t)factors[2];
    line.offset = (uint32_t)factors[3];
    line.below = (uint32_t)factors[two_sided ? 4 : 3];
    line.zero = two_sided ? factors[5] : INT32_MIN;
    return line;
}

static inline int8_t tc_line_output(const tc_line_t *line, int32_t sum)
{
    uint32_t offset = line->offset;
    int32_t fine;
    if (sum < line->low) {
        sum = line->low;
    }
    if (sum > line->high) {
        sum = line->high;
    }
    if (sum < line->zero) {
        offset = line->below;
    }
    fine = (sum * (int32_t)(line->multiplier & ((1u << TC_LINE_FINE) - 1))) >> TC_LINE_FINE;
    return (int8_t)((int32_t)((uint32_t)sum * (line->multiplier >> TC_LINE_FINE) + (uint32_t)fine + offset) >>
                    TC_LINE_SHIFT);
}

#if TC_MAC16

/* Registers: the sum, which becomes the output, and one more; low, high; the multiplier's parts; the offset. With MULSH
 * the multiplier is a single part, and SAR is 11. */
#define TC_LINE_BOUNDS(sum, low, high) TC_MAX(sum, sum, low) TC_MIN(sum, sum, high)
#if TC_MULSH
#define TC_LINE_SAR "ssai 11\n\t"
#define TC_LINE_PARTS(fine, coarse) ""
#define TC_LINE_PRODUCT(sum, other, fine, coarse) \
    "mull " other ", " sum ", " fine "\n\t" TC_MULSH_HIGH(sum, sum, fine) "src " sum ", " sum ", " other "\n\t"
#else
#define TC_LINE_SAR ""
/* Of the multiplier in `fine`. */
#define TC_LINE_PARTS(fine, coarse) "srli " coarse ", " fine ", 11\n\textui " fine ", " fine ", 0, 11\n\t"
#define TC_LINE_PRODUCT(sum, other, fine, coarse)                                                          \
    "mull " other ", " sum ", " fine "\n\tsrai " other ", " other ", 11\n\tmull " sum ", " sum ", " coarse \
    "\n\tadd " sum ", " sum ", " other "\n\t"
#endif
#define TC_LINE_END(sum, offset) "add " sum ", " sum ", " offset "\n\tsrai " sum ", " sum ", 23\n\t"

#endif

#endif
