/* CONV_2D on Armv7E-M, of weights that are read where they lie (gemm.h). Pixel after pixel of the output is expanded,
 * and four at a time meet all output channels, so rows may come one by one at little extra cost. */
#ifndef TINYCOMP_CONV_2D_DSP_H
#define TINYCOMP_CONV_2D_DSP_H

#include "gemm.h"
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
    const tc_weights_t *weights; /* in the order of gemm.h */
    const int32_t *channels;     /* as in gemm.h, an even number */
} tc_conv_2d_dsp_t;

/* A window's rows: how far each lies behind the input's base, or TC_BEYOND. */
#define TC_BEYOND INT32_MIN

/* Where pixels are expanded from, for one row of the output. */
typedef struct {
    const tc_conv_2d_dsp_t *op;
    const int8_t *base;
    int32_t *rows;
    int8_t *window;      /* room for one, and three bytes more */
    size_t length;       /* of a window's row, bytes */
    size_t groups;       /* of a window */
    int32_t begin, end;  /* windows whose left column lies in [begin, end) are read where they lie */
    int32_t copied_end;  /* those in [begin, copied_end) are copied word by word */
} tc_conv_2d_dsp_row_t;

static void tc_conv_2d_dsp_row(tc_conv_2d_dsp_row_t *row, const tc_input_t *in, uint16_t y)
{
    const tc_conv_2d_dsp_t *const op = row->op;
    const int32_t free = (int32_t)op->input_width - op->kernel_width; /* columns beside a window */
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    int inside = op->dilation_width == 1;
    for (unsigned ky = 0; ky < op->kernel_height; ky++, top += op->dilation_height) {
        row->rows[ky] = TC_BEYOND;
        if (top >= 0 && top < op->input_height) {
            row->rows[ky] = (int32_t)(tc_input_row(in, (uint16_t)top) - in->base);
        } else {
            inside = 0;
        }
    }
    row->begin = inside ? 0 : INT32_MAX;
    row->end = row->length % 4 == 0 ? free + 1 : 0;
    row->copied_end = free + 1 - (op->input_channels < 3 ? 3 : 1);
}

/* `count` bytes, word by word: up to three more are read, and written. */
static inline void tc_conv_2d_dsp_copy(const int8_t *from, size_t count, int8_t *to)
{
    const int8_t *const end = from + count;
    for (; from < end; from += 4, to += 4) {
        const uint32_t word = tc_load_word(from);
        memcpy(to, &word, sizeof word);
    }
}

/* The window whose left column is `left`, copied; cells beyond a border hold the zero point. */
static void tc_conv_2d_dsp_gather(const tc_conv_2d_dsp_row_t *row, int32_t left)
{
    const tc_conv_2d_dsp_t *const op = row->op;
    const size_t channels = op->input_channels;
    int8_t *to = row->window;
    for (unsigned ky = 0; ky < op->kernel_height; ky++) {
        int32_t x = left;
        for (unsigned kx = op->kernel_width; kx > 0; kx--, x += op->dilation_width) {
            const int inside = row->rows[ky] != TC_BEYOND && x >= 0 && x < op->input_width;
            const int8_t *from = row->base + (inside ? row->rows[ky] + x * (int32_t)channels : 0);
            for (const int8_t *const end = to + channels; to != end;) {
                *to++ = inside ? *from++ : op->input_zero_point;
            }
        }
    }
}

/* Expands `count` pixels in a row, the first window's left column being `left`. */
static __attribute__((noinline)) void tc_conv_2d_dsp_expand(const tc_conv_2d_dsp_row_t *row, int32_t left,
                                                            unsigned count, uint32_t *to)
{
    const size_t length = row->length;
    const int32_t *const rows_end = row->rows + row->op->kernel_height;
    for (; count > 0; count--, left += row->op->stride_width, to++) {
        const int8_t *const from = row->base + left * (int32_t)row->op->input_channels;
        if (left >= row->begin && left < row->end) {
            uint32_t *next = to;
            for (const int32_t *at = row->rows; at != rows_end; at++) {
                next = tc_gemm_expand(from + *at, length, next);
            }
        } else {
            if (left >= row->begin && left < row->copied_end) {
                int8_t *next = row->window;
                for (const int32_t *at = row->rows; at != rows_end; at++, next += length) {
                    tc_conv_2d_dsp_copy(from + *at, length, next);
                }
            } else {
                tc_conv_2d_dsp_gather(row, left);
            }
            tc_gemm_expand(row->window, row->groups * 4, to);
        }
    }
}

/* Bounds that int8 does not have by itself. */
static void tc_conv_2d_dsp_clamp(const tc_conv_2d_dsp_t *op, int8_t *out)
{
    for (unsigned c = 0; c < op->output_channels; c++) {
        out[c] = tc_clamp(out[c], op->activation_min, op->activation_max);
    }
}

/* `channels` channels, an even number, of `count` expanded pixels: four, or fewer one by one. */
static void tc_conv_2d_dsp_products(const tc_gemm_t *gemm, unsigned channels, const uint32_t *pixels,
                                    const int8_t *weights, int8_t *const *outs, unsigned count)
{
    if (count == 4) {
        tc_gemm_four(gemm, channels, pixels, weights, outs);
        return;
    }
    for (unsigned p = 0; p < count; p++) {
        tc_gemm_one(gemm, channels, pixels + p, weights, outs[p]);
    }
}

/* All channels of `count` expanded pixels. */
static __attribute__((noinline)) void tc_conv_2d_dsp_compute(const tc_conv_2d_dsp_t *op, const tc_gemm_t *gemm,
                                                             const uint32_t *pixels, int8_t *const *outs,
                                                             unsigned count)
{
    const unsigned even = op->output_channels & ~1u;
    const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
    if (even != 0) {
        tc_conv_2d_dsp_products(gemm, even, pixels, weights, outs, count);
    }
    if (even != op->output_channels) {
        const tc_gemm_t last = {gemm->groups, gemm->rounding, gemm->channels + 2 * even};
        int8_t pairs[4][2];
        int8_t *const last_outs[4] = {pairs[0], pairs[1], pairs[2], pairs[3]};
        tc_conv_2d_dsp_products(&last, 2, pixels, weights + 4 * gemm->groups * even, last_outs, count);
        for (unsigned p = 0; p < count; p++) {
            outs[p][even] = pairs[p][0];
        }
    }
    if (op->activation_min != -128 || op->activation_max != 127) {
        for (unsigned p = 0; p < count; p++) {
            tc_conv_2d_dsp_clamp(op, outs[p]);
        }
    }
}

/* Output rows [first, last). Scratch: an offset for each row of a window, four expanded pixels (8 bytes a group each),
 * a window and three bytes. */
static void tc_conv_2d_dsp(const tc_conv_2d_dsp_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_dsp_t, op, constants);
    const size_t length = (size_t)op->kernel_width * op->input_channels;
    const tc_gemm_t gemm = {(op->kernel_height * length + 3) / 4, 2 * op->output_zero_point + 1, op->channels};
    int32_t *const rows = (int32_t *)(void *)scratch;
    uint32_t *const pixels = (uint32_t *)(void *)(rows + op->kernel_height);
    tc_conv_2d_dsp_row_t row = {op, in->base, rows, (int8_t *)(pixels + 8 * gemm.groups), length, gemm.groups, 0, 0, 0};
    unsigned held = 0;
    int8_t *outs[4];
    for (uint16_t y = first; y < last; y++) {
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        unsigned x = op->output_width;
        tc_conv_2d_dsp_row(&row, in, y);
        while (x > 0) {
            const unsigned count = x < 4 - held ? x : 4 - held;
            tc_conv_2d_dsp_expand(&row, left, count, pixels + held);
            left += (int32_t)count * op->stride_width;
            x -= count;
            for (unsigned i = count; i > 0; i--, to += op->output_channels) {
                outs[held++] = to;
            }
            if (held == 4 || (x == 0 && y + 1 == last)) {
                tc_conv_2d_dsp_compute(op, &gemm, pixels, outs, held);
                held = 0;
            }
        }
    }
}

#endif
