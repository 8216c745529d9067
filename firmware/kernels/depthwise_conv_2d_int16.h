/* DEPTHWISE_CONV_2D: int16 activations, int8 weights, one weight scale per channel. Weight layout: (channel, kernel
 * row, kernel column). Cells beyond a border are skipped. */
#ifndef TINYCOMP_DEPTHWISE_CONV_2D_INT16_H
#define TINYCOMP_DEPTHWISE_CONV_2D_INT16_H

#include "block_int16.h"
#include "int16.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, channel_multiplier; /* output channels per input channel */
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    const tc_weights_t *weights;
    const uint8_t *constants; /* packed: lower words of the biases, multipliers of 15 bits, shifts */
    const int32_t *upper;     /* upper words of the biases; NULL if all are 0 */
} tc_depthwise_conv_2d_int16_t;

/* The part of a window inside the input, and where it begins. */
typedef struct {
    tc_span_t down, across;
    int32_t top, left;
} tc_depthwise_int16_window_t;

/* A channel's sum over one window. `channel`: of the input. A row of at most 255 products fits in 32 bits. */
static int64_t tc_depthwise_int16_sum(const tc_depthwise_conv_2d_int16_t *op, const tc_input_t *in,
                                      const tc_depthwise_int16_window_t *window, unsigned channel,
                                      const int8_t *weights, int64_t sum)
{
    const size_t step = (size_t)op->dilation_width * op->input_channels;
    const unsigned begin = window->across.begin, count = (unsigned)(window->across.end - begin);
    const size_t start = (size_t)(window->left + (int32_t)begin * op->dilation_width) * op->input_channels + channel;
    int32_t y = window->top + (int32_t)window->down.begin * op->dilation_height;
    for (unsigned ky = window->down.begin; ky < window->down.end && count > 0; ky++, y += op->dilation_height) {
        const int16_t *x = tc_input_row_int16(in, (uint16_t)y) + start;
        const int8_t *w = weights + (size_t)ky * op->kernel_width + begin;
        int32_t part = 0;
        for (unsigned i = count; i > 0; i--, x += step) {
            part += (int32_t)*x * *w++;
        }
        sum += part;
    }
    return sum;
}

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_depthwise_conv_2d_int16(const tc_depthwise_conv_2d_int16_t *constants, const tc_input_t *in,
                                       const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_depthwise_conv_2d_int16_t, op, constants);
    const size_t cells = (size_t)op->kernel_height * op->kernel_width;
    const unsigned output_channels = (unsigned)op->input_channels * op->channel_multiplier;
    unsigned channels, inputs[TC_DOT_INT16_CHANNELS];
    unsigned input = 0, of_input = 0; /* the next output channel's input channel, and its number among those of it */
    tc_block_int16_t block;
    memset(&block, 0, sizeof block);
    block.low = op->activation_min;
    block.high = op->activation_max;
    for (unsigned c = 0; c < output_channels; c += channels) {
        const int8_t *weights;
        channels = output_channels - c < TC_DOT_INT16_CHANNELS ? output_channels - c : TC_DOT_INT16_CHANNELS;
        weights = tc_weights_read(op->weights, c * cells, channels * cells, scratch);
        tc_block_int16_load(&block, op->constants, op->upper, c, channels);
        for (unsigned i = 0; i < channels; i++) {
            inputs[i] = input;
            of_input++;
            if (of_input == op->channel_multiplier) {
                of_input = 0;
                input++;
            }
        }
        for (uint16_t y = first; y < last; y++) {
            int16_t *to = tc_output_row_int16(out, y) + c;
            tc_depthwise_int16_window_t window;
            window.top = (int32_t)y * op->stride_height - op->padding_top;
            window.left = -(int32_t)op->padding_left;
            window.down = tc_span(window.top, op->input_height, op->kernel_height, op->dilation_height);
            for (uint16_t x = op->output_width; x > 0; x--, window.left += op->stride_width, to += output_channels) {
                int64_t sums[TC_DOT_INT16_CHANNELS];
                window.across = tc_span(window.left, op->input_width, op->kernel_width, op->dilation_width);
                for (unsigned i = 0; i < channels; i++) {
                    sums[i] = tc_depthwise_int16_sum(op, in, &window, inputs[i], weights + i * cells, block.bias[i]);
                }
                tc_block_int16_store(&block, channels, sums, to);
            }
        }
    }
}

#endif
