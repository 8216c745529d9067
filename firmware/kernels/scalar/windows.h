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
    const int32_t *factors;      /* of an even number of channels, see tile.h */
} tc_windows_t;

/* Where pixels come from. `rows` are those of the windows, NULL beyond a border; `bytes` has room for a window, where
 * channels are no whole groups of four. */
typedef struct {
    const tc_windows_t *op;
    const tc_input_t *in;
    const int8_t **rows;
    int8_t *bytes;
    size_t between; /* words between X and Z */
} tc_windows_target_t;

/* The rows of the windows of output row y. */
static void tc_windows_rows(const tc_windows_target_t *target, uint16_t y)
{
    const tc_windows_t *const op = target->op;
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (unsigned k = 0; k < op->kernel_height; k++, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        target->rows[k] = inside ? tc_input_row(target->in, (uint16_t)top) : NULL;
    }
}

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

static inline int8_t *tc_windows_copy(const int8_t *from, unsigned step, size_t count, int8_t *to)
{
    for (const int8_t *const end = to + count; to != end; from += step) {
        *to++ = *from;
    }
    return to;
}

/* A row of the window for any number of channels, as bytes. */
static int8_t *tc_windows_bytes(const tc_windows_t *op, const int8_t *row, int32_t left, int8_t *to)
{
    const int32_t channels = op->input_channels;
    unsigned cells = op->kernel_width;
    if (row != NULL && op->dilation_width == 1 && left >= 0 && left + (int32_t)cells <= op->input_width) {
        return tc_windows_copy(row + left * channels, 1, cells * (size_t)channels, to);
    }
    for (; cells > 0; cells--, left += op->dilation_width) {
        const int inside = row != NULL && left >= 0 && left < op->input_width;
        const int8_t *const from = inside ? row + left * channels : &op->input_zero_point;
        to = tc_windows_copy(from, (unsigned)inside, (size_t)channels, to);
    }
    return to;
}

/* The window whose first column is `left`. `known` is the one on its left, expanded, whose columns from the
 * stride on are this one's first; NULL where there is none. */
static void tc_windows_expand(const tc_windows_target_t *target, int32_t left, const uint32_t *known, uint32_t *to)
{
    const tc_windows_t *const op = target->op;
    const int whole = op->input_channels % 4 == 0;
    const size_t step = 2 * target->between;
    const unsigned shared = known != NULL && op->kernel_width > op->stride_width ? (unsigned)(op->kernel_width - op->stride_width) : 0u;
    const size_t groups = shared * (size_t)op->input_channels / 4, skipped = op->stride_width * (size_t)op->input_channels / 4;
    int8_t *byte = target->bytes;
    for (const int8_t *const *at = target->rows, *const *const end = at + op->kernel_height; at != end; at++) {
        const int8_t *const row = *at;
        if (!whole) {
            byte = tc_windows_bytes(op, row, left, byte);
            continue;
        }
        if (shared != 0) {
            known += skipped * step;
            for (const uint32_t *const stop = known + groups * step; known != stop; known += step, to += step) {
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
