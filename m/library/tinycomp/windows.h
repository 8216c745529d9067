/* Expands windows of a convolution to the pixels of a tile (tile_4x2.h). */
#ifndef TINYCOMP_WINDOWS_H
#define TINYCOMP_WINDOWS_H

#include "factors.h"
#include "tile_4x2.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint8_t coded, workspace;    /* 1: weights are decoded; 1: by a codec with a workspace */
    uint8_t packed;              /* see factors.h */
    uint16_t words;              /* per window: groups of four weights */
    uint16_t block;              /* channels per read of weights */
    const tc_weights_t *weights; /* by pairs of channels, a word of each in turn */
    const uint16_t *flags;       /* of pairs, see tile_4x2.h */
    const void *factors;         /* for an even number of channels, see tile_4x2.h */
} tc_windows_t;

/* A window row's offset from the input's base if the row is beyond a border. */
#define TC_WINDOWS_BEYOND INT32_MIN

/* Sources of pixels. */
typedef struct {
    const tc_windows_t *op;
    const tc_input_t *in;
    int32_t *rows, *rows_end; /* offsets of the window rows */
    int8_t *bytes;            /* room for a window, unless the channels are a multiple of four */
    unsigned shared;          /* columns that a window shares with its left neighbour */
} tc_windows_target_t;

/* Finds the window rows of output row y. */
static void tc_windows_rows(const tc_windows_target_t *target, uint16_t y)
{
    const tc_windows_t *const op = target->op;
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (int32_t *row = target->rows; row != target->rows_end; row++, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        *row = inside ? (int32_t)(tc_input_row(target->in, (uint16_t)top) - target->in->base) : TC_WINDOWS_BEYOND;
    }
}

/* Expands `count` groups of four activations; with a step of 0 the same four each time. */
static inline uint32_t *tc_windows_fours(const int8_t *from, size_t step, size_t count, uint32_t *to)
{
    for (uint32_t *const end = to + TC_TILE_WORD * count; to != end; from += step, to += TC_TILE_WORD) {
        tc_scalar_four(from, to, TC_TILE_PIXELS);
    }
    return to;
}

/* Cells of a window row from column `left` on; some may be beyond a border. */
static __attribute__((noinline)) uint32_t *tc_windows_cells(const tc_windows_target_t *target, int32_t row,
                                                            int32_t left, unsigned cells, uint32_t *to)
{
    const tc_windows_t *const op = target->op;
    const int8_t zero = op->input_zero_point;
    const int8_t border[4] = {zero, zero, zero, zero};
    for (; cells > 0; cells--, left += op->dilation_width) {
        const int inside = row != TC_WINDOWS_BEYOND && left >= 0 && left < op->input_width;
        const int8_t *const from = inside ? target->in->base + (row + left * op->input_channels) : border;
        to = tc_windows_fours(from, inside ? 4 : 0, op->input_channels / 4u, to);
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

/* A window with any number of channels: gathered as bytes, then expanded. */
static __attribute__((noinline)) void tc_windows_gather(const tc_windows_target_t *target, int32_t left, uint32_t *to)
{
    const tc_windows_t *const op = target->op;
    const int32_t channels = op->input_channels;
    const int inside = op->dilation_width == 1 && left >= 0 && left + op->kernel_width <= op->input_width;
    const int8_t *const base = target->in->base;
    int8_t *byte = target->bytes;
    for (const int32_t *row = target->rows; row != target->rows_end; row++) {
        int32_t x = left;
        if (*row != TC_WINDOWS_BEYOND && inside) {
            byte = tc_windows_copy(base + (*row + left * channels), 1, op->kernel_width * (size_t)channels, byte);
            continue;
        }
        for (unsigned cells = op->kernel_width; cells > 0; cells--, x += op->dilation_width) {
            const int known = *row != TC_WINDOWS_BEYOND && x >= 0 && x < op->input_width;
            const int8_t *const from = known ? base + (*row + x * channels) : &op->input_zero_point;
            byte = tc_windows_copy(from, (unsigned)known, (size_t)channels, byte);
        }
    }
    tc_windows_fours(target->bytes, 4, op->words, to);
}

/* The window from column `left` on. known: its left neighbour, expanded, or NULL. */
static __attribute__((noinline)) void tc_windows_expand(const tc_windows_target_t *target, int32_t left,
                                                        const uint32_t *known, uint32_t *to)
{
    const tc_windows_t *const op = target->op;
    const size_t channels = op->input_channels;
    const unsigned shared = known != NULL ? target->shared : 0, fresh = op->kernel_width - shared;
    const int32_t first = left + (int32_t)shared;
    const int inside = op->dilation_width == 1 && first >= 0 && first + (int32_t)fresh <= op->input_width;
    const size_t length = TC_TILE_WORD * (shared * channels / 4),
                 step = TC_TILE_WORD * (op->stride_width * channels / 4);
    if (channels % 4 != 0) {
        tc_windows_gather(target, left, to);
        return;
    }
    for (const int32_t *row = target->rows; row != target->rows_end; row++) {
        if (length != 0) {
            known += step;
            for (const uint32_t *const end = known + length; known != end; known += TC_TILE_WORD, to += TC_TILE_WORD) {
                const uint32_t x = known[0], z = known[TC_TILE_PIXELS];
                to[0] = x;
                to[TC_TILE_PIXELS] = z;
            }
        }
        if (*row != TC_WINDOWS_BEYOND && inside) {
            to = tc_windows_fours(target->in->base + (*row + first * (int32_t)channels), 4, fresh * channels / 4, to);
        } else {
            to = tc_windows_cells(target, *row, first, fresh, to);
        }
    }
}

#endif
