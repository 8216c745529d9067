/* A block of output channels that are computed together on int16: their biases and requantization, unpacked once for
 * all positions. */
#ifndef TINYCOMP_BLOCK_INT16_H
#define TINYCOMP_BLOCK_INT16_H

#include "channels.h"
#include "dot_int16.h"
#include "int16.h"

typedef struct {
    int64_t bias[TC_DOT_INT16_CHANNELS];
    int16_t multiplier[TC_DOT_INT16_CHANNELS];
    int8_t shift[TC_DOT_INT16_CHANNELS];
    int32_t low, high; /* of the output */
} tc_block_int16_t;

/* Unpacks the constants of `channels` channels from the first-th on. upper: the upper words of the biases, or NULL. */
static inline void tc_block_int16_load(tc_block_int16_t *block, const uint8_t *packed, const int32_t *upper,
                                       unsigned first, unsigned channels)
{
    tc_channels_t from = tc_channels_from(packed, first);
    for (unsigned i = 0; i < channels; i++) {
        const tc_channel_t channel = tc_channels_next(&from);
        block->bias[i] = channel.start;
        if (upper != NULL) {
            block->bias[i] += (int64_t)TC_READ_I32(&upper[first + i]) * ((int64_t)1 << 32);
        }
        block->multiplier[i] = (int16_t)channel.multiplier;
        block->shift[i] = (int8_t)channel.low;
    }
}

/* Requantizes sums that started at the biases, and writes the outputs. */
static inline void tc_block_int16_store(const tc_block_int16_t *block, unsigned channels, const int64_t *sums,
                                        int16_t *to)
{
    for (unsigned i = 0; i < channels; i++) {
        const int32_t scaled = tc_requantize_wide(sums[i], block->multiplier[i], block->shift[i]);
        to[i] = tc_clamp_int16(scaled, block->low, block->high);
    }
}

#endif
