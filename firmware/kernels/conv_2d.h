/* CONV_2D: int8, one weight scale an output channel. Weights lie (out channel, kernel row, kernel column, in channel).
 *
 * For each block of output channels the weights are read once and used for all rows of the call. A window that lies
 * inside the input is read where it lies; one that hangs over a border is gathered into scratch, padded with the zero
 * point, so that the input zero point can be folded into the bias at build time. */
#ifndef TINYCOMP_CONV_2D_H
#define TINYCOMP_CONV_2D_H

#include "dot.h"
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
    const tc_weights_t *weights;
    const int32_t *bias; /* with the input zero point folded in */
    const int32_t *multiplier;
    const int8_t *shift;
} tc_conv_2d_t;

/* Output rows [first, last). Scratch: a window (kernel height * width * input channels), then a block of weights. */
/* The window of output (y, x), copied row by row; cells beyond a border hold the zero point. */
static void tc_conv_2d_gather(const tc_conv_2d_t *op, const tc_input_t *in, int32_t top, int32_t left, int8_t *window)
{
    const size_t channels = op->input_channels;
    for (unsigned ky = 0; ky < op->kernel_height; ky++) {
        const int32_t y = top + (int32_t)ky * op->dilation_height;
        for (unsigned kx = 0; kx < op->kernel_width; kx++) {
            const int32_t x = left + (int32_t)kx * op->dilation_width;
            if (y < 0 || y >= op->input_height || x < 0 || x >= op->input_width) {
                memset(window, op->input_zero_point, channels);
            } else {
                memcpy(window, tc_input_row(in, (uint16_t)y) + (size_t)x * channels, channels);
            }
            window += channels;
        }
    }
}

/* Adds the window at (top, left), which lies inside the input, in runs that are contiguous there. */
static inline void tc_conv_2d_inside(const tc_conv_2d_t *op, const tc_input_t *in, int32_t top, int32_t left,
                                     const int8_t *weights, unsigned channels, int32_t *accumulators)
{
    const unsigned runs = op->dilation_width == 1 ? 1u : op->kernel_width;
    const size_t length = (size_t)op->input_channels * (op->dilation_width == 1 ? op->kernel_width : 1u);
    const size_t step = (size_t)op->dilation_width * op->input_channels;
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    for (unsigned ky = 0; ky < op->kernel_height; ky++) {
        const int8_t *x = tc_input_row(in, (uint16_t)(top + (int32_t)ky * op->dilation_height)) +
                          (size_t)left * op->input_channels;
        for (unsigned run = 0; run < runs; run++) {
            tc_dot(accumulators, channels, x, weights, window, length);
            x += step;
            weights += length;
        }
    }
}

/* Output rows [first, last). Scratch: one window (kernel height * width * input channels), then a block of weights. */
static void tc_conv_2d(const tc_conv_2d_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_t, op, constants);
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const int32_t span_y = (int32_t)(op->kernel_height - 1) * op->dilation_height;
    const int32_t span_x = (int32_t)(op->kernel_width - 1) * op->dilation_width;
    for (unsigned c = 0; c < op->output_channels; c += TC_DOT_CHANNELS) {
        const unsigned left_over = op->output_channels - c;
        const unsigned block = left_over < TC_DOT_CHANNELS ? left_over : TC_DOT_CHANNELS;
        const int8_t *const weights = tc_weights_read(op->weights, c * window, block * window, scratch + window);
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            const int inside_y = top >= 0 && top + span_y < op->input_height;
            int8_t *to = tc_output_row(out, y) + c;
            for (uint16_t x = 0; x < op->output_width; x++) {
                const int32_t left = (int32_t)x * op->stride_width - op->padding_left;
                int32_t accumulators[TC_DOT_CHANNELS];
                for (unsigned i = 0; i < block; i++) {
                    accumulators[i] = TC_READ_I32(&op->bias[c + i]);
                }
                if (inside_y && left >= 0 && left + span_x < op->input_width) {
                    tc_conv_2d_inside(op, in, top, left, weights, block, accumulators);
                } else {
                    tc_conv_2d_gather(op, in, top, left, scratch);
                    tc_dot(accumulators, block, scratch, weights, window, window);
                }
                for (unsigned i = 0; i < block; i++) {
                    const int32_t value = tc_requantize(accumulators[i], TC_READ_I32(&op->multiplier[c + i]),
                                                        TC_READ_I8(&op->shift[c + i]));
                    to[i] = tc_clamp(value + op->output_zero_point, op->activation_min, op->activation_max);
                }
                to += op->output_channels;
            }
        }
    }
}

#endif
