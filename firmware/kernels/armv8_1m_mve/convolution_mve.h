/* CONV_2D on Armv8.1-M with MVE. Windows of one cell are read in place, a row of pixels at a time. For larger windows,
 * the columns of some pixels are gathered one after the other, each row by row, so that windows with common columns
 * overlap. Weights are stored in the same order, column by column. */
#ifndef TINYCOMP_CONVOLUTION_MVE_H
#define TINYCOMP_CONVOLUTION_MVE_H

#include "gemm_mve.h"
#include "mve.h"
#include "rows_mve.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint16_t tile;  /* pixels gathered at a time; 0: read in place */
    uint16_t block; /* channels per read of weights, a multiple of four except in the last block */
    uint8_t plain;  /* 1: weights are stored channel by channel, not in the order of gemm_mve.h */
    const tc_weights_t *weights;
    const int32_t *bias; /* with the input zero point folded in */
    const int32_t *multiplier;
    const int8_t *shift;
} tc_convolution_mve_t;

/* Copies `count` cells of `size` bytes, `from_step` apart (0: the same cell), to addresses `to_step` apart. */
static inline void tc_convolution_mve_spread(const int8_t *from, size_t from_step, int8_t *to, size_t to_step,
                                             size_t size, size_t count)
{
#if TC_MVE
    if (count != 0) {
        register const int8_t *r0 __asm__("r0") = from;
        register int8_t *r1 __asm__("r1") = to;
        register size_t r2 __asm__("r2") = from_step;
        register size_t r3 __asm__("r3") = to_step;
        register size_t r4 __asm__("r4") = size;
        register size_t r12 __asm__("r12") = count;
        __asm__ volatile("push {r5, r6}\n"
                         "1:\n\t"
                         "mov r5, r0\n\tmov r6, r1\n\tdlstp.8 lr, r4\n"
                         "2:\n\t"
                         "vldrb.8 q0, [r5], #16\n\tvstrb.8 q0, [r6], #16\n\tletp lr, 2b\n\t"
                         "add r0, r0, r2\n\tadd r1, r1, r3\n\tsubs r12, r12, #1\n\tbne 1b\n\t"
                         "pop {r5, r6}\n\t"
                         : "+&r"(r0), "+&r"(r1), "+&r"(r12)
                         : "r"(r2), "r"(r3), "r"(r4)
                         : "lr", "q0", "cc", "memory");
    }
#else
    for (; count > 0; count--, from += from_step, to += to_step) {
        tc_copy(to, from, size);
    }
#endif
}

/* Gathers `count` columns of windows, from the input's column `left` on, `step` columns apart; cells beyond a border
 * are copied from `border`, a cell of zero points. */
static void tc_convolution_mve_columns(const tc_convolution_mve_t *op, const int8_t *const *rows, int32_t left,
                                       unsigned step, size_t count, const int8_t *border, int8_t *to)
{
    const size_t cell = op->input_channels, column = op->kernel_height * cell;
    const size_t out = left < 0 ? ((size_t)-left + step - 1) / step : 0, before = out < count ? out : count;
    const size_t x = (size_t)(left + (int32_t)(before * step)); /* the first row inside, if any */
    const size_t room = before < count && x < op->input_width ? (op->input_width - x + step - 1) / step : 0;
    const size_t inside = room < count - before ? room : count - before;
    for (unsigned ky = 0; ky < op->kernel_height; ky++, to += cell) {
        int8_t *const behind = to + (before + inside) * column;
        tc_convolution_mve_spread(border, 0, to, column, cell, before);
        if (rows[ky] != NULL && inside != 0) {
            tc_convolution_mve_spread(rows[ky] + x * cell, step * cell, to + before * column, column, cell, inside);
        } else {
            tc_convolution_mve_spread(border, 0, to + before * column, column, cell, inside);
        }
        tc_convolution_mve_spread(border, 0, behind, column, cell, count - before - inside);
    }
}

/* Gathers the columns of `count` pixels' windows; neighbours share columns, unless the windows are dilated. */
static void tc_convolution_mve_gather(const tc_convolution_mve_t *op, const int8_t *const *rows, int32_t left,
                                      size_t count, size_t length, int8_t *scratch)
{
    int8_t *to = scratch + op->input_channels;
    if (op->dilation_width == 1) {
        tc_convolution_mve_columns(op, rows, left, 1, (count - 1) * op->stride_width + op->kernel_width, scratch, to);
        return;
    }
    for (; count > 0; count--, left += op->stride_width, to += length) {
        tc_convolution_mve_columns(op, rows, left, op->dilation_width, op->kernel_width, scratch, to);
    }
}

/* The channels in `gemm` of output row y; out: address of the first one. */
static void tc_convolution_mve_row(const tc_convolution_mve_t *op, const tc_input_t *in, uint16_t y,
                                   tc_gemm_mve_t *gemm, int8_t *scratch, tc_gemm_mve_function_t function)
{
    const int8_t *rows[TC_ROWS_TALLEST];
    int32_t left = -(int32_t)op->padding_left;
    tc_rows_mve_find(in, (int32_t)y * op->stride_height - op->padding_top, op->dilation_height, op->input_height,
                     op->kernel_height, rows);
    if (op->tile == 0) {
        gemm->pixels = rows[0];
        gemm->count = op->output_width;
        function(gemm);
        return;
    }
    for (unsigned x = op->output_width; x > 0; x -= (unsigned)gemm->count) {
        gemm->count = x < op->tile ? x : op->tile;
        tc_convolution_mve_gather(op, rows, left, gemm->count, gemm->length, scratch);
        left += (int32_t)gemm->count * op->stride_width;
        function(gemm);
        gemm->out += gemm->count * gemm->out_step;
    }
}

/* Output rows [first, last). Scratch: a cell and the columns of a tile, if there are tiles; weights, see gemm_mve.h. */
static void tc_convolution_mve(const tc_convolution_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch, tc_gemm_mve_function_t function)
{
    const size_t length = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const size_t cell = op->input_channels, column = op->kernel_height * cell;
    int8_t *buffer = scratch;
    tc_gemm_mve_t gemm;
    gemm.pixels = scratch + cell;
    gemm.pixel_step = op->tile == 0 || op->dilation_width == 1 ? op->stride_width * column : length;
    gemm.length = length;
    gemm.out_step = op->output_channels;
    gemm.zero_point = op->output_zero_point;
    if (op->tile != 0) {
        tc_mve_fill(scratch, op->input_zero_point, cell);
        buffer += cell + (op->tile - 1u) * gemm.pixel_step + length;
    }
    for (size_t c = 0; c < op->output_channels; c += op->block) {
        gemm.channels = op->output_channels - c < op->block ? op->output_channels - c : op->block;
        gemm.weights = tc_gemm_mve_weights(op->weights, op->plain, c, gemm.channels, length, buffer);
        gemm.bias = op->bias + c;
        gemm.multiplier = op->multiplier + c;
        gemm.shift = op->shift + c;
        for (uint16_t y = first; y < last; y++) {
            int8_t *const to = tc_output_row(out, y);
            gemm.out = to + c;
            tc_convolution_mve_row(op, in, y, &gemm, scratch, function);
            if (op->activation_min != -128 || op->activation_max != 127) {
                tc_mve_clamp(to, op->activation_min, op->activation_max,
                             (size_t)op->output_width * op->output_channels);
            }
        }
    }
}

#endif
