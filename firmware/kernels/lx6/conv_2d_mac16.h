/* CONV_2D with MAC16: a tile of pixels is expanded, then multiplied with all output channels; weights are converted to
 * words in blocks (gemm_mac16.h). */
#ifndef TINYCOMP_CONV_2D_MAC16_H
#define TINYCOMP_CONV_2D_MAC16_H

#include "gemm_mac16.h"
#include "words_mac16.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    uint8_t two_sided;           /* see line.h */
    uint8_t plain, workspace;    /* 1: weights are uncompressed; 1: the codec has a workspace */
    uint16_t fours;              /* per window */
    uint16_t tile;               /* maximum of pixels expanded together */
    uint16_t block;              /* channels per read of weights */
    const tc_weights_t *weights; /* one row per channel */
    const int32_t *factors;      /* see line.h */
} tc_conv_2d_mac16_t;

/* A window row's offset from the input's base if the row is beyond a border. */
#define TC_CONV_2D_MAC16_BEYOND INT32_MIN

/* Sources and destinations of pixels. */
typedef struct {
    const tc_conv_2d_mac16_t *op;
    const int8_t *base;
    int32_t *rows, *rows_end; /* offsets of the window rows */
    uint32_t *pixels, *full;  /* the tile */
    uint32_t *weights;        /* of a block */
    int8_t *bytes;            /* room for a gathered window */
    int8_t *buffer;           /* for decoded weights */
    int aligned;              /* 1: windows are expanded in place: all cells are whole words */
    int8_t *out;              /* of the tile's first pixel */
    uint32_t *to;             /* address of the next pixel */
    unsigned known;           /* the block whose weights are words: its first channel plus 1 */
} tc_conv_2d_mac16_tile_t;

/* A row of a window that overlaps a border or is dilated: cells from column `left` on. */
static __attribute__((noinline)) uint32_t *tc_conv_2d_mac16_cells(const tc_conv_2d_mac16_tile_t *tile, int32_t row,
                                                                  int32_t left, uint32_t *to)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    const size_t fours = op->input_channels / 4u;
    for (unsigned cells = op->kernel_width; cells > 0; cells--, left += op->dilation_width) {
        if (row != TC_CONV_2D_MAC16_BEYOND && left >= 0 && left < op->input_width) {
            to = tc_mac16_activations(tile->base + (row + left * op->input_channels), fours, to);
        } else {
            to = tc_mac16_repeat(op->input_zero_point, fours, to);
        }
    }
    return to;
}

/* A step of 0 copies the same byte each time. */
static inline int8_t *tc_conv_2d_mac16_copy(const int8_t *from, unsigned step, size_t count, int8_t *to)
{
    for (const int8_t *const end = to + count; to != end; from += step) {
        *to++ = *from;
    }
    return to;
}

/* The same as bytes: cells before, inside and after the input. */
static __attribute__((noinline)) int8_t *tc_conv_2d_mac16_bytes(const tc_conv_2d_mac16_tile_t *tile, int32_t row,
                                                                int32_t left, int8_t *to)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    const size_t channels = op->input_channels;
    const int32_t cells = op->dilation_width == 1 ? op->kernel_width : 1;
    for (unsigned run = op->dilation_width == 1 ? 1 : op->kernel_width; run > 0; run--, left += op->dilation_width) {
        const int32_t beyond = left + cells - op->input_width;
        const int32_t before = left < 0 ? -left : 0, behind = beyond > 0 ? beyond : 0;
        if (row == TC_CONV_2D_MAC16_BEYOND || before + behind >= cells) {
            to = tc_conv_2d_mac16_copy(&op->input_zero_point, 0, (size_t)cells * channels, to);
            continue;
        }
        to = tc_conv_2d_mac16_copy(&op->input_zero_point, 0, (size_t)before * channels, to);
        to = tc_conv_2d_mac16_copy(tile->base + (row + (left + before) * op->input_channels), 1,
                                   (size_t)(cells - before - behind) * channels, to);
        to = tc_conv_2d_mac16_copy(&op->input_zero_point, 0, (size_t)behind * channels, to);
    }
    return to;
}

/* Gathers the window from column `left` on, and expands it. */
static __attribute__((noinline)) TC_HOT void tc_conv_2d_mac16_gather(tc_conv_2d_mac16_tile_t *tile, int32_t left,
                                                                     int inside)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    const size_t row_size = (size_t)op->kernel_width * op->input_channels;
    const int8_t *const base = tile->base + left * op->input_channels;
    int8_t *byte = tile->bytes;
    for (const int32_t *row = tile->rows; row != tile->rows_end; row++) {
        if (inside && *row != TC_CONV_2D_MAC16_BEYOND) {
            byte = tc_conv_2d_mac16_copy(base + *row, 1, row_size, byte);
        } else {
            byte = tc_conv_2d_mac16_bytes(tile, *row, left, byte);
        }
    }
    while (byte != tile->bytes + 4u * op->fours) {
        *byte++ = -128; /* becomes zero: padding weights are arbitrary */
    }
    tile->to = tc_mac16_activations(tile->bytes, op->fours, tile->to);
}

/* Expands the window from column `left` on. */
static __attribute__((noinline)) TC_HOT void tc_conv_2d_mac16_expand(tc_conv_2d_mac16_tile_t *tile, int32_t left)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    const size_t fours = op->kernel_width * (op->input_channels / 4u);
    const int inside = op->dilation_width == 1 && left >= 0 && left + op->kernel_width <= op->input_width;
    const int8_t *const base = tile->base + left * op->input_channels;
    uint32_t *to = tile->to;
    if (!tile->aligned) {
        tc_conv_2d_mac16_gather(tile, left, inside);
        return;
    }
    for (const int32_t *row = tile->rows; row != tile->rows_end; row++) {
        if (inside && *row != TC_CONV_2D_MAC16_BEYOND) {
            to = tc_mac16_activations(base + *row, fours, to);
        } else {
            to = tc_conv_2d_mac16_cells(tile, *row, left, to);
        }
    }
    tile->to = to;
}

/* Finds the window rows of output row y. */
static void tc_conv_2d_mac16_rows(const tc_conv_2d_mac16_tile_t *tile, const tc_input_t *in, uint16_t y)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (int32_t *row = tile->rows; row != tile->rows_end; row++, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        *row = inside ? (int32_t)(tc_input_row(in, (uint16_t)top) - in->base) : TC_CONV_2D_MAC16_BEYOND;
    }
}

/* Reads the weights of some channels as words. */
static void tc_conv_2d_mac16_weights(const tc_conv_2d_mac16_tile_t *tile, unsigned first, unsigned channels)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    const size_t fours = op->fours, size = 4 * fours;
    const int8_t *const read = tc_weights_read(op->weights, size * first, size * channels, tile->buffer);
    if (op->plain) {
        tc_mac16_weights(read, fours * channels, tile->weights);
    } else {
        tc_mac16_codes(read, fours * channels, tile->weights);
    }
}

/* All channels of the expanded pixels; empties the tile. Weights of a single block are converted to words only once. */
static __attribute__((noinline)) void tc_conv_2d_mac16_tile(tc_conv_2d_mac16_tile_t *tile)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    tc_gemm_mac16_t gemm;
    for (unsigned c = 0; c < op->output_channels; c += op->block) {
        const unsigned rest = op->output_channels - c;
        gemm.channels = rest < op->block ? rest : op->block;
        if (tile->known != c + 1) {
            tc_conv_2d_mac16_weights(tile, c, gemm.channels);
            tile->known = c + 1;
        }
        gemm.weights = tile->weights - 1;
        gemm.pixels = tile->pixels - 1;
        gemm.end = tile->to - 1;
        gemm.factors = tc_line_factors(op->factors, c, op->two_sided);
        gemm.out = tile->out + c;
        gemm.step = op->output_channels;
        gemm.turns = op->fours - 1u;
        gemm.window = 8 * (size_t)op->fours;
        if (op->two_sided) {
            tc_gemm_mac16_two_sided(&gemm);
        } else {
            tc_gemm_mac16(&gemm);
        }
    }
    tile->to = tile->pixels;
}

/* The pixels of an output row that begins at `to`. Windows of one cell are contiguous. */
static void tc_conv_2d_mac16_row(tc_conv_2d_mac16_tile_t *tile, int8_t *to)
{
    const tc_conv_2d_mac16_t *const op = tile->op;
    const size_t window = 2 * (size_t)op->fours;
    const int single = tile->aligned && op->kernel_height == 1 && op->kernel_width == 1 && op->stride_width == 1 &&
                       op->padding_left == 0 && op->output_width <= op->input_width &&
                       *tile->rows != TC_CONV_2D_MAC16_BEYOND;
    int32_t left = -(int32_t)op->padding_left;
    unsigned count;
    for (unsigned x = op->output_width; x > 0; x -= count, left += (int32_t)(count * op->stride_width)) {
        if (tile->to == tile->pixels) {
            tile->out = to;
        }
        count = 1;
        if (single) {
            const int8_t *const from = tile->base + (*tile->rows + left * op->input_channels);
            uint32_t *at = tile->to;
            for (count = 0; count < x && at != tile->full; count++) {
                at += window;
            }
            tile->to = tc_mac16_activations(from, count * (size_t)op->fours, tile->to);
        } else {
            tc_conv_2d_mac16_expand(tile, left);
        }
        if (tile->to == tile->full) {
            tc_conv_2d_mac16_tile(tile);
        }
        to += count * (size_t)op->output_channels;
    }
}

/* Output rows [first, last). Scratch: the tile, 8 bytes per group of four of a pixel; the same for a block of weights;
 * an offset per window row; a window's bytes; a block of weights, if they are decoded. */
static void tc_conv_2d_mac16(const tc_conv_2d_mac16_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch)
{
    const size_t window = 2 * (size_t)op->fours; /* words */
    const int8_t *next = NULL;
    tc_conv_2d_mac16_tile_t tile;
    tile.op = op;
    tile.base = in->base;
    tile.pixels = (uint32_t *)(void *)scratch;
    tile.full = tile.pixels + window * op->tile;
    tile.weights = tile.full;
    tile.rows = (int32_t *)(tile.weights + window * op->block);
    tile.rows_end = tile.rows + op->kernel_height;
    tile.bytes = (int8_t *)tile.rows_end;
    tile.buffer = tile.bytes + 4u * op->fours;
    tile.aligned = op->input_channels % 4 == 0 && ((uintptr_t)in->base | in->stride) % 4 == 0;
    tile.out = NULL;
    tile.to = tile.pixels;
    tile.known = 0;
    if (op->workspace) {
        tc_weights_read(op->weights, 0, 0, tile.buffer);
    }
    for (uint16_t y = first; y < last; y++) {
        int8_t *const to = tc_output_row(out, y);
        if (to != next && tile.to != tile.pixels) {
            tc_conv_2d_mac16_tile(&tile);
        }
        tc_conv_2d_mac16_rows(&tile, in, y);
        tc_conv_2d_mac16_row(&tile, to);
        next = to + (size_t)op->output_width * op->output_channels;
    }
    if (tile.to != tile.pixels) {
        tc_conv_2d_mac16_tile(&tile);
    }
}

#endif
