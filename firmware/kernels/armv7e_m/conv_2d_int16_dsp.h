/* CONV_2D of int16 on Armv7E-M: the windows of four output pixels at a time are laid side by side, then multiplied with
 * all output channels (gemm_int16.h). In a window each row begins a new pair of activations; the last pair of an odd row
 * is filled up with a zero, and so is the last group of a window. */
#ifndef TINYCOMP_CONV_2D_INT16_DSP_H
#define TINYCOMP_CONV_2D_INT16_DSP_H

#include "factors.h"
#include "gemm_int16.h"
#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    uint8_t packed;              /* see factors.h */
    uint16_t block;              /* output channels per decoded block of weights, even */
    const tc_weights_t *weights; /* layout: see gemm_int16.h */
    const void *factors;         /* for an even number of channels */
} tc_conv_2d_int16_dsp_t;

/* A window row's offset from the input's base, in bytes, if the row is beyond a border. */
#define TC_CONV_INT16_BEYOND INT32_MIN

/* The next four pixels. */
typedef struct {
    const tc_conv_2d_int16_dsp_t *op;
    const int8_t *base;
    int32_t *rows;    /* offset of each window row from the base */
    uint32_t *pixels; /* side by side */
    int16_t *line;    /* room for a row of a window that is gathered */
    size_t length;    /* values in a row of a window */
    unsigned held;    /* pixels so far */
    int16_t *outs[TC_GEMM_INT16_PIXELS];
} tc_conv_int16_tile_t;

/* Lays out a row of a window. */
static inline uint32_t *tc_conv_int16_put(const int16_t *from, size_t length, uint32_t *to)
{
    const int16_t *const end = from + (length & ~(size_t)1);
    for (; from != end; from += 2, to += TC_GEMM_INT16_PIXELS) {
        *to = tc_load_word((const int8_t *)from);
    }
    if (length % 2 != 0) {
        *to = (uint16_t)*from;
        to += TC_GEMM_INT16_PIXELS;
    }
    return to;
}

/* Gathers a row of a window that hangs over a border, or whose columns are dilated; row: the input's, NULL if beyond. */
static const int16_t *tc_conv_int16_gather(const tc_conv_int16_tile_t *tile, const int16_t *row, int32_t left)
{
    const tc_conv_2d_int16_dsp_t *const op = tile->op;
    int16_t *to = tile->line;
    int32_t x = left;
    for (unsigned kx = op->kernel_width; kx > 0; kx--, x += op->dilation_width) {
        const int inside = row != NULL && x >= 0 && x < op->input_width;
        const int16_t *from = inside ? row + x * op->input_channels : row;
        for (int16_t *const end = to + op->input_channels; to != end; to++) {
            *to = (int16_t)(inside ? *from++ : 0);
        }
    }
    return tile->line;
}

/* Lays out the window whose first column is `left` as the tile's next pixel. */
static void tc_conv_int16_window(const tc_conv_int16_tile_t *tile, int32_t left)
{
    const tc_conv_2d_int16_dsp_t *const op = tile->op;
    const int inside = op->dilation_width == 1 && left >= 0 && left + op->kernel_width <= op->input_width;
    const int32_t offset = left * op->input_channels;
    uint32_t *to = tile->pixels + tile->held;
    for (const int32_t *at = tile->rows, *const end = at + op->kernel_height; at != end; at++) {
        const int beyond = *at == TC_CONV_INT16_BEYOND;
        const int16_t *const row = beyond ? NULL : (const int16_t *)(const void *)(tile->base + *at);
        const int16_t *const from = inside && !beyond ? row + offset : tc_conv_int16_gather(tile, row, left);
        to = tc_conv_int16_put(from, tile->length, to);
    }
}

/* The channels in `gemm` of the pixels that the tile holds: four or three at once, fewer one by one. */
static void tc_conv_int16_some(const tc_conv_int16_tile_t *tile, const tc_gemm_int16_t *gemm, int16_t *const *outs)
{
    if (tile->held > 2) {
        tc_gemm_int16(gemm, tile->pixels, outs);
    } else {
        for (unsigned i = 0; i < tile->held; i++) {
            tc_gemm_int16_pixel(gemm, &tile->pixels[i], outs[i]);
        }
    }
}

/* The last channel of an odd number: computed as a pair, to a buffer, then copied. */
static __attribute__((cold)) void tc_conv_int16_last(const tc_conv_int16_tile_t *tile, const tc_gemm_int16_t *gemm)
{
    const unsigned channel = gemm->first + gemm->channels;
    tc_gemm_int16_t last = *gemm;
    int16_t pairs[TC_GEMM_INT16_PIXELS][2];
    int16_t *const to[TC_GEMM_INT16_PIXELS] = {pairs[0], pairs[1], pairs[2], pairs[3]};
    last.first = 0;
    last.channels = 2;
    last.factors += 2 * (size_t)gemm->channels;
    last.weights += 4 * gemm->groups * gemm->channels;
    tc_conv_int16_some(tile, &last, to);
    for (unsigned i = 0; i < tile->held; i++) {
        tile->outs[i][channel] = pairs[i][0];
    }
}

/* Computes the pixels that the tile holds, and empties it. */
static void tc_conv_int16_products(tc_conv_int16_tile_t *tile, const tc_gemm_int16_t *gemm)
{
    tc_gemm_int16_t even = *gemm;
    even.channels &= ~1u;
    if (tile->held == TC_GEMM_INT16_PIXELS - 1) {
        tile->outs[tile->held] = tile->outs[0];
    }
    if (even.channels != 0) {
        tc_conv_int16_some(tile, &even, tile->outs);
    }
    if (even.channels != gemm->channels) {
        tc_conv_int16_last(tile, &even);
    }
    tile->held = 0;
}

/* Finds the rows of the windows of output row y. */
static void tc_conv_int16_find(const tc_conv_int16_tile_t *tile, const tc_input_t *in, uint16_t y)
{
    const tc_conv_2d_int16_dsp_t *const op = tile->op;
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (unsigned ky = 0; ky < op->kernel_height; ky++, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        tile->rows[ky] = inside ? (int32_t)(tc_input_row(in, (uint16_t)top) - in->base) : TC_CONV_INT16_BEYOND;
    }
}

/* The channels in `gemm` of output rows [first, last). */
static void tc_conv_int16_rows(tc_conv_int16_tile_t *tile, const tc_gemm_int16_t *gemm, const tc_input_t *in,
                               const tc_output_t *out, uint16_t first, uint16_t last)
{
    const tc_conv_2d_int16_dsp_t *const op = tile->op;
    for (uint16_t y = first; y < last; y++) {
        int16_t *to = tc_output_row_int16(out, y);
        int32_t left = -(int32_t)op->padding_left;
        tc_conv_int16_find(tile, in, y);
        for (unsigned x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
            tc_conv_int16_window(tile, left);
            tile->outs[tile->held++] = to;
            if (tile->held == TC_GEMM_INT16_PIXELS) {
                tc_conv_int16_products(tile, gemm);
            }
        }
    }
    if (tile->held != 0) {
        tc_conv_int16_products(tile, gemm);
    }
}

/* Output rows [first, last). Scratch: if factors are packed, those of a block; four windows, in whole groups; a word for
 * each row of a window; a row of a window, in whole words; if weights are decoded, a block of them. */
static void tc_conv_2d_int16_dsp(const tc_conv_2d_int16_dsp_t *op, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t length = (size_t)op->kernel_width * op->input_channels;
    const size_t pairs = op->kernel_height * ((length + 1) / 2), groups = (pairs + 1) / 2;
    uint32_t *const pixels = (uint32_t *)(void *)(scratch + tc_factors_room(op->packed, op->block));
    int32_t *const rows = (int32_t *)(void *)(pixels + 2 * TC_GEMM_INT16_PIXELS * groups);
    int16_t *const line = (int16_t *)(void *)(rows + op->kernel_height);
    int8_t *const buffer = (int8_t *)(line + ((length + 1) & ~(size_t)1));
    tc_conv_int16_tile_t tile = {op, in->base, rows, pixels, line, length, 0, {NULL}};
    tc_gemm_int16_t gemm = {groups, op->activation_min >= 0, 0, 0, NULL, NULL};
    for (unsigned i = 1; i <= TC_GEMM_INT16_PIXELS; i++) {
        pixels[2 * TC_GEMM_INT16_PIXELS * groups - i] = 0; /* the last pair, where the number of pairs is odd */
    }
    for (unsigned rest = op->output_channels; rest > 0; rest -= gemm.channels, gemm.first += gemm.channels) {
        gemm.channels = (rest < op->block) ? rest : op->block;
        const unsigned even = (gemm.channels + 1) & ~1u;
        gemm.factors = tc_factors(op->factors, op->packed, gemm.first, even, scratch);
        gemm.weights = tc_weights_read(op->weights, 4 * groups * gemm.first, 4 * groups * even, buffer);
        tc_conv_int16_rows(&tile, &gemm, in, out, first, last);
    }
    if ((op->activation_min != 0 && op->activation_min != -32768) || op->activation_max != 32767) {
        for (uint16_t y = first; y < last; y++) {
            tc_clamp_row_int16(tc_output_row_int16(out, y), (size_t)op->output_width * op->output_channels,
                               op->activation_min, op->activation_max);
        }
    }
}

#endif
