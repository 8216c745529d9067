/* A block of output channels that are computed together: their biases and requantization, unpacked once for all
 * positions. */
#ifndef TINYCOMP_BLOCK_H
#define TINYCOMP_BLOCK_H

#include "channels.h"
#include "dot.h"
#include "tinycomp.h"

typedef struct {
    int32_t bias[TC_DOT_CHANNELS];
    int32_t multiplier[TC_DOT_CHANNELS];
    int8_t shift[TC_DOT_CHANNELS];
    int32_t zero_point, low, high; /* of the output */
} tc_block_t;

/* Unpacks the constants of `channels` channels from the first-th on. */
static inline void tc_block_load(tc_block_t *block, const uint8_t *packed, unsigned first, unsigned channels)
{
    tc_channels_t from = tc_channels_from(packed, first);
    for (unsigned i = 0; i < channels; i++) {
        const tc_channel_t channel = tc_channels_next(&from);
        block->bias[i] = channel.start;
        block->multiplier[i] = channel.multiplier;
        block->shift[i] = (int8_t)channel.low;
    }
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
