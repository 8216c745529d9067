/* Windows of a convolution as expanded pixels (products.h). */
#ifndef TINYCOMP_WINDOWS_H
#define TINYCOMP_WINDOWS_H

#include "products.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint16_t words;              /* of a window: groups of four weights */
    uint16_t block;              /* channels whose weights are read together */
    const tc_weights_t *weights; /* pairs of channels, a word of each in turn */
    const uint16_t *flags;       /* of pairs, see tile.h */
    const int32_t *bias;         /* with the input zero point folded in */
    const int32_t *multiplier;
    const int8_t *shift; /* to the right */
} tc_windows_t;

/* Where pixels are expanded to. `bytes` has room for a window, where channels are no whole groups of four. */
typedef struct {
    const tc_windows_t *op;
    const tc_input_t *in;
    int8_t *bytes;
    size_t between; /* words between X and Z */
} tc_windows_target_t;

/* `cells` cells of a row of the window, the first of which lies in column `left`; row is NULL beyond a border. */
static uint32_t *tc_windows_cells(const tc_windows_target_t *target, const int8_t *row, int32_t left, unsigned cells,
                                  uint32_t *to)
{
    const tc_windows_t *const op = target->op;
    const int32_t channels = op->input_channels;
    const int8_t zero = op->input_zero_point;
    const int8_t border[4] = {zero, zero, zero, zero};
    if (row != NULL && op->dilation_width == 1 && left >= 0 && left + (int32_t)cells <= op->input_width) {
        return tc_scalar_expand(row + left * channels, 4, cells * (size_t)channels / 4, to, target->between);
    }
    for (; cells > 0; cells--, left += op->dilation_width) {
        const int inside = row != NULL && left >= 0 && left < op->input_width;
        const int8_t *const from = inside ? row + left * channels : border;
        to = tc_scalar_expand(from, inside ? 4 : 0, (size_t)channels / 4, to, target->between);
    }
    return to;
}

/* The same for any number of channels, as bytes. */
static int8_t *tc_windows_bytes(const tc_windows_t *op, const int8_t *row, int32_t left, int8_t *to)
{
    const size_t channels = op->input_channels;
    for (unsigned k = op->kernel_width; k > 0; k--, left += op->dilation_width) {
        const int inside = row != NULL && left >= 0 && left < op->input_width;
        const int8_t *from = inside ? row + left * (int32_t)channels : &op->input_zero_point;
        for (const int8_t *const end = to + channels; to != end; from += inside) {
            *to++ = *from;
        }
    }
    return to;
}

/* The window whose upper left cell is (top, left). `known` is the one on its left, expanded, whose columns from the
 * stride on are this one's first; NULL where there is none. */
static void tc_windows_expand(const tc_windows_target_t *target, int32_t top, int32_t left, const uint32_t *known,
                              uint32_t *to)
{
    const tc_windows_t *const op = target->op;
    const int whole = op->input_channels % 4 == 0;
    const size_t step = 2 * target->between;
    const unsigned shared = known != NULL && op->kernel_width > op->stride_width ? (unsigned)(op->kernel_width - op->stride_width) : 0u;
    const size_t groups = shared * (size_t)op->input_channels / 4, skipped = op->stride_width * (size_t)op->input_channels / 4;
    int8_t *byte = target->bytes;
    for (unsigned k = op->kernel_height; k > 0; k--, top += op->dilation_height) {
        const int8_t *const row = top >= 0 && top < op->input_height ? tc_input_row(target->in, (uint16_t)top) : NULL;
        if (!whole) {
            byte = tc_windows_bytes(op, row, left, byte);
            continue;
        }
        if (shared != 0) {
            known += skipped * step;
            for (const uint32_t *const end = known + groups * step; known != end; known += step, to += step) {
                to[0] = known[0];
                to[target->between] = known[target->between];
            }
        }
        to = tc_windows_cells(target, row, left + (int32_t)shared, op->kernel_width - shared, to);
    }
    if (!whole) {
        tc_scalar_expand(target->bytes, 4, op->words, to, target->between);
    }
}

#endif
