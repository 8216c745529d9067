/* CONV_2D on cores without SIMD: tiles of four pixels are multiplied with all pairs of output channels. Weights that
 * must be decoded are read block by block, each for all tiles of the call. */
#ifndef TINYCOMP_CONV_2D_SCALAR_H
#define TINYCOMP_CONV_2D_SCALAR_H

#include "windows.h"

#define TC_CONV_2D_LEAST 3 /* fewer pixels are faster one by one */

typedef tc_windows_t tc_conv_2d_scalar_t;

/* The pairs of channels of a block, for `count` pixels. Returns the flags after theirs. */
static const uint16_t *tc_conv_2d_scalar_pairs(const tc_tile_t *pairs, const uint32_t *tile, int8_t *const *outs,
                                               unsigned count)
{
    const uint16_t *flags = pairs->flags;
    if (count >= TC_CONV_2D_LEAST) {
        return tc_tile_all(pairs, tile, outs);
    }
    for (unsigned p = 0; p < count; p++) {
        flags = tc_tile_one(pairs, tile + p, outs[p]);
    }
    return flags;
}

/* All channels of a block, for `count` pixels. Returns the next block's flags. */
static const uint16_t *tc_conv_2d_scalar_block(const tc_tile_t *block, unsigned channels, const uint32_t *tile,
                                               int8_t **outs, unsigned count)
{
    const uint16_t *flags = block->flags;
    for (unsigned p = count; p < TC_TILE_PIXELS; p++) {
        outs[p] = outs[0]; /* padding pixels are written first, then overwritten */
    }
    if (block->pairs != 0) {
        flags = tc_conv_2d_scalar_pairs(block, tile, outs, count);
    }
    if (channels % TC_TILE_CHANNELS != 0) { /* the last channel is computed as a pair, to a buffer */
        TC_COPY_OF(tc_tile_t, last, block);
        int8_t pairs[TC_TILE_PIXELS][TC_TILE_CHANNELS];
        int8_t *to[TC_TILE_PIXELS];
        for (unsigned p = 0; p < TC_TILE_PIXELS; p++) {
            to[p] = pairs[p];
        }
        last.pairs = 1;
        last.weights += TC_TILE_CHANNELS * block->words * block->pairs;
        last.factors += 2 * TC_TILE_CHANNELS * (size_t)block->pairs;
        last.flags = flags;
        flags = tc_conv_2d_scalar_pairs(&last, tile, to, count);
        for (unsigned p = 0; p < count; p++) {
            outs[p][channels - 1] = pairs[p][0];
        }
    }
    return flags;
}

/* Output rows [first, last) of a block of channels from `channel` on. Returns the next block's flags. */
static const uint16_t *tc_conv_2d_scalar_rows(const tc_windows_target_t *target, const tc_tile_t *block,
                                              unsigned channel, const tc_output_t *out, uint16_t first, uint16_t last,
                                              uint32_t *tile)
{
    const tc_windows_t *const op = target->op;
    const unsigned rest = op->output_channels - channel, channels = rest < op->block ? rest : op->block;
    const uint16_t *flags = block->flags;
    int8_t *outs[TC_TILE_PIXELS];
    unsigned held = 0;
    for (uint16_t y = first; y < last; y++) {
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y) + channel;
        const uint32_t *known = NULL;
        tc_windows_rows(target, y);
        for (unsigned x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
            tc_windows_expand(target, left, known, tile + held);
            known = target->shared != 0 ? tile + held : NULL;
            outs[held++] = to;
            if (held == TC_TILE_PIXELS || (x == 1 && y + 1 == last)) {
                flags = tc_conv_2d_scalar_block(block, channels, tile, outs, held);
                held = 0;
            }
        }
    }
    return flags;
}

/* The weights of pairs of channels as words: in flash they are words already; decoded bytes are converted, by extending
 * their signs. */
static const uint32_t *tc_conv_2d_scalar_weights(const tc_windows_t *op, unsigned pair, unsigned pairs, int8_t *buffer)
{
    const size_t words = TC_TILE_CHANNELS * (size_t)op->words;
    const int8_t *const read = tc_weights_read(op->weights, 4 * words * pair, 4 * words * pairs, buffer);
    if (op->coded) {
        uint32_t *const to = (uint32_t *)(void *)(buffer + (read - buffer));
        for (size_t i = 0; i < words * pairs; i++) {
            to[i] = (to[i] ^ 0x80808080u) - 0x80808080u;
        }
    }
    return (const uint32_t *)(const void *)read;
}

/* Output rows [first, last). Scratch: if factors are packed, those of all channels; an offset per window row; the tile,
 * 32 bytes per word; a window's bytes, unless the channels are a multiple of four; a block of weights, if they are
 * decoded. */
static void tc_conv_2d_scalar(const tc_windows_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                              uint16_t last, int8_t *scratch)
{
    const size_t all = (op->output_channels + 1u) & ~1u;
    int32_t *const rows = (int32_t *)(void *)(scratch + tc_factors_room(op->packed, all));
    uint32_t *const tile = (uint32_t *)(void *)(rows + op->kernel_height);
    int8_t *const bytes = (int8_t *)(tile + TC_TILE_WORD * (size_t)op->words);
    int8_t *const buffer = bytes + (op->input_channels % 4 != 0 ? 4 * (size_t)op->words : 0);
    const unsigned shared = op->dilation_width == 1 && op->kernel_width > op->stride_width
                                ? (unsigned)(op->kernel_width - op->stride_width)
                                : 0u;
    const tc_windows_target_t target = {op, in, rows, rows + op->kernel_height, bytes, shared};
    tc_tile_t block = {0,
                       op->words,
                       NULL,
                       op->flags,
                       tc_factors(op->factors, op->packed, 0, all, scratch),
                       2 * op->output_zero_point + 1,
                       op->activation_min,
                       op->activation_max};
    if (op->workspace) {
        tc_weights_read(op->weights, 0, 0, buffer);
    }
    for (unsigned c = 0; c < op->output_channels; c += op->block) {
        const unsigned rest = op->output_channels - c, channels = rest < op->block ? rest : op->block;
        block.pairs = channels / TC_TILE_CHANNELS;
        block.weights = tc_conv_2d_scalar_weights(op, c / TC_TILE_CHANNELS, (channels + 1) / TC_TILE_CHANNELS, buffer);
        block.flags = tc_conv_2d_scalar_rows(&target, &block, c, out, first, last, tile);
        block.factors += 2 * channels;
    }
}

#endif
