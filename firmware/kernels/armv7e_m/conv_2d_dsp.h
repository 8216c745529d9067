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

/* The rows of a window: where each lies behind the input's base, or TC_BEYOND. */
#define TC_BEYOND INT32_MIN

static void tc_conv_2d_dsp_rows(const tc_conv_2d_dsp_t *op, const tc_input_t *in, int32_t top, int32_t *rows)
{
    for (unsigned ky = 0; ky < op->kernel_height; ky++, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        rows[ky] = inside ? (int32_t)(tc_input_row(in, (uint16_t)top) - in->base) : TC_BEYOND;
    }
}

/* `count` bytes, word by word; up to three more are written, and read. */
static inline void tc_conv_2d_dsp_copy(const int8_t *from, size_t count, int8_t *to)
{
    const int8_t *const end = from + count;
    for (; from < end; from += 4, to += 4) {
        const uint32_t word = tc_load_word(from);
        memcpy(to, &word, sizeof word);
    }
}

/* The window whose first column is `left`, copied cell by cell; cells beyond a border hold the zero point. */
static void tc_conv_2d_dsp_gather(const tc_conv_2d_dsp_t *op, const int8_t *base, const int32_t *rows, int32_t left,
                                  int8_t *window)
{
    const size_t channels = op->input_channels;
    for (unsigned ky = 0; ky < op->kernel_height; ky++) {
        int32_t x = left;
        for (unsigned kx = 0; kx < op->kernel_width; kx++, x += op->dilation_width, window += channels) {
            if (rows[ky] != TC_BEYOND && x >= 0 && x < op->input_width) {
                memcpy(window, base + rows[ky] + (size_t)x * channels, channels);
            } else {
                memset(window, op->input_zero_point, channels);
            }
        }
    }
}

/* Expands the window whose first column is `left`. `window` has room for it, and three bytes more. */
static void tc_conv_2d_dsp_expand(const tc_conv_2d_dsp_t *op, const int8_t *base, const int32_t *rows, int32_t left,
                                  int8_t *window, uint32_t *to, size_t step)
{
    const size_t length = (size_t)op->kernel_width * op->input_channels; /* of a run, where columns are not dilated */
    const size_t cells = (size_t)op->kernel_height * length;
    const int32_t offset = left * (int32_t)op->input_channels;
    const int32_t after = op->input_width - left - op->kernel_width; /* columns behind the window */
    const int inside = op->dilation_width == 1 && left >= 0 && after >= 0 && rows[0] != TC_BEYOND &&
                       rows[op->kernel_height - 1] != TC_BEYOND;
    if (inside && length % 4 == 0) {
        for (unsigned ky = 0; ky < op->kernel_height; ky++) {
            to = tc_gemm_expand(base + (rows[ky] + offset), length / 4, to, step);
        }
        return;
    }
    if (inside && after * (int32_t)op->input_channels >= 3) {
        int8_t *run = window;
        for (unsigned ky = 0; ky < op->kernel_height; ky++, run += length) {
            tc_conv_2d_dsp_copy(base + (rows[ky] + offset), length, run);
        }
    } else {
        tc_conv_2d_dsp_gather(op, base, rows, left, window);
    }
    tc_gemm_expand(window, (cells + 3) / 4, to, step);
}

/* Bounds that int8 does not have by itself. */
static void tc_conv_2d_dsp_clamp(const tc_conv_2d_dsp_t *op, int8_t *out)
{
    for (unsigned c = 0; c < op->output_channels; c++) {
        out[c] = tc_clamp(out[c], op->activation_min, op->activation_max);
    }
}

/* All channels of four expanded pixels, or of one, which lies at outs[0]. */
static void tc_conv_2d_dsp_compute(const tc_conv_2d_dsp_t *op, const tc_gemm_t *gemm, const uint32_t *pixels,
                                   int8_t *const *outs, unsigned count)
{
    const unsigned even = op->output_channels & ~1u;
    const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
    const int8_t *const last_weights = weights + 4 * gemm->groups * even;
    const tc_gemm_t last = {gemm->groups, gemm->rounding, gemm->channels + 2 * even};
    int8_t pairs[4][2];
    int8_t *const last_outs[4] = {pairs[0], pairs[1], pairs[2], pairs[3]};
    if (even != 0) {
        if (count == 4) {
            tc_gemm_four(gemm, even, pixels, weights, outs);
        } else {
            tc_gemm_one(gemm, even, pixels, weights, outs[0]);
        }
    }
    if (even != op->output_channels) {
        if (count == 4) {
            tc_gemm_four(&last, 2, pixels, last_weights, last_outs);
        } else {
            tc_gemm_one(&last, 2, pixels, last_weights, last_outs[0]);
        }
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
    const size_t cells = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const tc_gemm_t gemm = {(cells + 3) / 4, 2 * op->output_zero_point + 1, op->channels};
    int32_t *const rows = (int32_t *)(void *)scratch;
    uint32_t *const pixels = (uint32_t *)(void *)(rows + op->kernel_height);
    int8_t *const window = (int8_t *)(pixels + 8 * gemm.groups);
    uint32_t remaining = (uint32_t)(last - first) * op->output_width;
    unsigned held = 0;
    int8_t *outs[4];
    for (uint16_t y = first; y < last; y++) {
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        tc_conv_2d_dsp_rows(op, in, (int32_t)y * op->stride_height - op->padding_top, rows);
        for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
            const unsigned step = held == 0 && remaining < 3 ? 1 : 4;
            remaining--;
            do { /* the last of three is taken twice */
                tc_conv_2d_dsp_expand(op, in->base, rows, left, window, pixels + held, step);
                outs[held++] = to;
            } while (remaining == 0 && held == 3);
            if (held == step) {
                tc_conv_2d_dsp_compute(op, &gemm, pixels, outs, step);
                held = 0;
            }
        }
    }
}

#endif
