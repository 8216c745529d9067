/* What convolutions on AVR share: the struct, and windows as one run of activations. Weights lie (block, kernel row, kernel
 * column, in channel, channel of the block); the channels that the last block lacks repeat the one before. */
#ifndef TINYCOMP_CONVOLUTION_AVR_H
#define TINYCOMP_CONVOLUTION_AVR_H

#include "output_avr.h"
#include "span_avr.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    uint8_t gathered; /* 0: windows are a run of activations where they lie */
    uint8_t half;     /* these: output_avr.h */
    int16_t low;
    int8_t smallest;
    uint8_t range;
    const tc_weights_t *weights;
    const uint8_t *constants; /* of all blocks */
} tc_convolution_avr_t;

static inline size_t tc_avr_window_size(const tc_convolution_avr_t *op)
{
    return (size_t)op->kernel_height * op->kernel_width * op->input_channels;
}

/* The window of an output: where it lies, or copied; cells beyond a border hold the zero point. */
TC_AVR_CALLED static const int8_t *tc_avr_window(const tc_convolution_avr_t *op, const tc_input_t *in, uint16_t y,
                                                 uint16_t x, int8_t *window)
{
    const int top = (int)y * op->stride_height - op->padding_top;
    const int left = (int)x * op->stride_width - op->padding_left;
    const size_t channels = op->input_channels;
    if (!op->gathered) {
        return tc_input_row(in, (uint16_t)top) + (size_t)left * channels;
    }
    const tc_avr_span_t rows = tc_avr_span(top, (int)op->input_height, op->kernel_height);
    const tc_avr_span_t columns = tc_avr_span(left, (int)op->input_width, op->kernel_width);
    const size_t row_size = op->kernel_width * channels;
    const size_t length = (size_t)(columns.end - columns.begin) * channels;
    const size_t offset = (size_t)(left + columns.begin) * channels;
    int8_t *to = window + rows.begin * row_size + columns.begin * channels;
    memset(window, op->input_zero_point, op->kernel_height * row_size);
    if (length > 0) {
        for (int row = rows.begin; row < rows.end; row++, to += row_size) {
            memcpy(to, tc_input_row(in, (uint16_t)(top + row)) + offset, length);
        }
    }
    return window;
}

#endif
