/* CONV_2D on Armv8.1-M with MVE. Windows of one cell are read where they lie, a row of pixels at a time; others are
 * gathered, some at a time. */
#ifndef TINYCOMP_CONVOLUTION_MVE_H
#define TINYCOMP_CONVOLUTION_MVE_H

#include "gemm_mve.h"
#include "mve.h"
#include "rows_mve.h"
#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint16_t tile;  /* pixels that are gathered at a time; 0: none */
    uint16_t block; /* channels whose weights are read at a time; each but the last block a multiple of four */
    uint8_t plain;  /* weights lie one channel after the other, not as gemm_mve.h says */
    const tc_weights_t *weights;
    const int32_t *bias; /* with the input zero point folded in */
    const int32_t *multiplier;
    const int8_t *shift;
} tc_convolution_mve_t;

/* `length` bytes of each of `count` rows, `offset` bytes behind its beginning. */
static inline void tc_convolution_mve_copy(const int8_t *const *rows, size_t count, size_t offset, size_t length,
                                           int8_t *to)
{
#if TC_MVE
    __asm__ volatile("1:\n\t"
                     "ldr r0, [%[rows]], #4\n\tmov r1, %[to]\n\tadd r0, r0, %[offset]\n\tdlstp.8 lr, %[length]\n"
                     "2:\n\t"
                     "vldrb.8 q0, [r0], #16\n\tvstrb.8 q0, [r1], #16\n\tletp lr, 2b\n\t"
                     "add %[to], %[to], %[length]\n\tsubs %[count], %[count], #1\n\tbne 1b\n\t"
                     : [rows] "+r"(rows), [to] "+r"(to), [count] "+r"(count)
                     : [offset] "r"(offset), [length] "r"(length)
                     : "r0", "r1", "lr", "q0", "cc", "memory");
#else
    for (size_t row = 0; row < count; row++, to += length) {
        memcpy(to, rows[row] + offset, length);
    }
#endif
}

/* A window that hangs over a border, where cells hold the zero point, or is dilated: filled, then copied by the longest
 * runs that lie side by side. */
static void tc_convolution_mve_gather(const tc_convolution_mve_t *op, const int8_t *const *rows, int32_t left,
                                      int8_t *to)
{
    const size_t channels = op->input_channels, length = op->kernel_width * channels;
    const tc_span_t span = tc_span(left, op->input_width, op->kernel_width, op->dilation_width);
    const unsigned cells = op->dilation_width == 1 ? (unsigned)span.end - span.begin : 1;
    tc_mve_fill(to, op->input_zero_point, op->kernel_height * length);
    for (unsigned ky = 0; ky < op->kernel_height; ky++, to += length) {
        for (unsigned kx = span.begin; kx < span.end && rows[ky] != NULL; kx += cells) {
            const size_t x = (size_t)(left + (int32_t)(kx * op->dilation_width));
            tc_mve_copy(to + kx * channels, rows[ky] + x * channels, cells * channels);
        }
    }
}

/* Windows of `count` pixels, the first one's left column being `left`. */
static void tc_convolution_mve_windows(const tc_convolution_mve_t *op, const int8_t *const *rows, int32_t left,
                                       size_t count, int8_t *to)
{
    const size_t length = op->kernel_width * (size_t)op->input_channels;
    int32_t inside = op->dilation_width == 1 ? (int32_t)op->input_width - op->kernel_width : -1; /* the last that is */
    for (unsigned ky = 0; ky < op->kernel_height; ky++) {
        inside = rows[ky] == NULL ? -1 : inside;
    }
    for (; count > 0; count--, left += op->stride_width, to += op->kernel_height * length) {
        if (left >= 0 && left <= inside) {
            tc_convolution_mve_copy(rows, op->kernel_height, (size_t)left * op->input_channels, length, to);
        } else {
            tc_convolution_mve_gather(op, rows, left, to);
        }
    }
}

/* Output row y of the channels that `gemm` has, the first of which is the row's byte `out`. */
static void tc_convolution_mve_row(const tc_convolution_mve_t *op, const tc_input_t *in, uint16_t y,
                                   tc_gemm_mve_t *gemm, int8_t *windows, tc_gemm_mve_function_t function)
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
        tc_convolution_mve_windows(op, rows, left, gemm->count, windows);
        left += (int32_t)gemm->count * op->stride_width;
        function(gemm);
        gemm->out += gemm->count * gemm->out_step;
    }
}

/* Output rows [first, last). Scratch: a tile of windows; weights as gemm_mve.h says. */
static void tc_convolution_mve(const tc_convolution_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch, tc_gemm_mve_function_t function)
{
    const size_t length = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    int8_t *const buffer = scratch + op->tile * length;
    tc_gemm_mve_t gemm;
    gemm.pixels = scratch;
    gemm.pixel_step = op->tile == 0 ? op->stride_width * length : length;
    gemm.length = length;
    gemm.out_step = op->output_channels;
    gemm.zero_point = op->output_zero_point;
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
