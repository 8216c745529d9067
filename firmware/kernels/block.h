/* A block of output channels that are computed together: their biases and requantization, copied from the constants
 * once for all positions. */
#ifndef TINYCOMP_BLOCK_H
#define TINYCOMP_BLOCK_H

#include "dot.h"
#include "tinycomp.h"

typedef struct {
    int32_t bias[TC_DOT_CHANNELS];
    int32_t multiplier[TC_DOT_CHANNELS];
    int8_t shift[TC_DOT_CHANNELS];
    int32_t zero_point, low, high; /* of the output */
} tc_block_t;

/* Copies the per-channel constants from arrays that start at the block's first channel. */
static inline void tc_block_load(tc_block_t *block, unsigned channels, const int32_t *bias, const int32_t *multiplier,
                                 const int8_t *shift)
{
    TC_COPY(block->bias, bias, channels * sizeof(int32_t));
    TC_COPY(block->multiplier, multiplier, channels * sizeof(int32_t));
    TC_COPY(block->shift, shift, channels);
}

/* Requantizes sums that started at the biases, and writes the int8 outputs. */
static inline void tc_block_store(const tc_block_t *block, unsigned channels, const int32_t *sums, int8_t *to)
{
    const int32_t zero_point = block->zero_point, low = block->low, high = block->high;
    for (unsigned i = 0; i < channels; i++) {
        to[i] = tc_clamp(tc_requantize(sums[i], block->multiplier[i], block->shift[i]) + zero_point, low, high);
    }
}

#endif
