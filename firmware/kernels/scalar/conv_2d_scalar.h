/* CONV_2D on cores that multiply one pair of numbers at a time: tiles of four pixels meet all pairs of channels. Weights
 * that have to be decoded are read block after block, for all tiles of the call. */
#ifndef TINYCOMP_CONV_2D_SCALAR_H
#define TINYCOMP_CONV_2D_SCALAR_H

#include "tile.h"
#include "windows.h"

typedef tc_windows_t tc_conv_2d_scalar_t;

#define TC_CONV_2D_PAIRS 4 /* whose sums are kept together */

/* int8 of a channel's sums of `count` pixels; rounds twice. A sum s, the multiplier m and a right shift r become
 * (floor(s m / 2^30) +- 1 + ((2 z + 1) << r)) >> (r + 1), minus where s is negative; z is the output's zero point. */
static inline void tc_conv_2d_scalar_store(const tc_windows_t *op, unsigned c, const int32_t *sums, int8_t *const *outs,
                                           unsigned count)
{
    const int32_t low = op->activation_min, high = op->activation_max;
    const int32_t bias = op->bias[c], multiplier = op->multiplier[c];
    const int shift = op->shift[c];
    const int32_t rounding = 1 + (2 * op->output_zero_point + 1) * ((int32_t)1 << shift);
    for (const int32_t *const end = sums + count; sums != end; sums++) {
        const int32_t sum = *sums + bias;
        const int32_t product = (int32_t)(((int64_t)(sum * 4) * multiplier) >> 32);
        int32_t value = (product + rounding + ((sum >> 30) & ~1)) >> (shift + 1);
        value = value < low ? low : value;
        (*outs++)[c] = (int8_t)(value > high ? high : value);
    }
}

/* Channels [first, last) of `count` pixels. */
static __attribute__((noinline)) void tc_conv_2d_scalar_tile(const tc_windows_t *op, const uint32_t *tile,
                                                             const uint32_t *weights, const uint16_t *flags,
                                                             unsigned first, unsigned last, int8_t *const *outs,
                                                             unsigned count)
{
    const unsigned channels = TC_CONV_2D_PAIRS * TC_TILE_CHANNELS;
    for (unsigned c = first; c < last; weights += channels * (size_t)op->words) {
        int32_t sums[TC_CONV_2D_PAIRS * TC_TILE_SUMS];
        const unsigned end = last - c < channels ? last : c + channels;
        const int32_t *sum = sums;
        flags = tc_tile_pairs(tile, weights, flags, op->words, (end - c + 1) / TC_TILE_CHANNELS, sums);
        for (; c < end; c++, sum += TC_TILE_PIXELS) {
            tc_conv_2d_scalar_store(op, c, sum, outs, count);
        }
    }
}

/* The flags behind those of so many channels. */
static const uint16_t *tc_conv_2d_scalar_skip(const uint16_t *flags, unsigned channels)
{
    for (; channels > 0; channels -= TC_TILE_CHANNELS) {
        while (*flags++ != 0) {
        }
    }
    return flags;
}

/* Output rows [first, last). Scratch: the tile, 32 bytes a word; a window's bytes, where channels are no groups of four;
 * a block of weights, where they are decoded. */
static void tc_conv_2d_scalar(const tc_windows_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                              uint16_t last, int8_t *scratch)
{
    uint32_t *const tile = (uint32_t *)(void *)scratch;
    int8_t *const bytes = (int8_t *)(tile + 2 * TC_TILE_PIXELS * (size_t)op->words);
    int8_t *const buffer = bytes + (op->input_channels % 4 != 0 ? 4 * (size_t)op->words : 0);
    const tc_windows_target_t target = {op, in, bytes, TC_TILE_PIXELS};
    const uint16_t *flags = op->flags;
    int8_t *outs[TC_TILE_PIXELS];
    unsigned held = 0;
    for (unsigned c = 0; c < op->output_channels; c += op->block) {
        const unsigned rest = op->output_channels - c;
        const unsigned channels = rest < op->block ? rest + rest % TC_TILE_CHANNELS : op->block;
        const int8_t *const weights =
            tc_weights_read(op->weights, 4 * (size_t)c * op->words, 4 * (size_t)channels * op->words, buffer);
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            int32_t left = -(int32_t)op->padding_left;
            int8_t *to = tc_output_row(out, y);
            const uint32_t *known = NULL;
            for (unsigned x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
                tc_windows_expand(&target, top, left, known, tile + held);
                known = op->dilation_width == 1 ? tile + held : NULL;
                outs[held++] = to;
                if (held == TC_TILE_PIXELS || (x == 1 && y + 1 == last)) {
                    tc_conv_2d_scalar_tile(op, tile, (const uint32_t *)(const void *)weights, flags, c,
                                           c + (rest < channels ? rest : channels), outs, held);
                    held = 0;
                }
            }
        }
        if (rest > op->block) {
            flags = tc_conv_2d_scalar_skip(flags, channels);
        }
    }
}

#endif
