/* Common to the convolutions on AVR. Weight layout: (block, kernel row, kernel column, input channel, channel of the
 * block); missing channels of the last block repeat the previous one. */
#ifndef TINYCOMP_CONVOLUTION_AVR_H
#define TINYCOMP_CONVOLUTION_AVR_H

#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    uint8_t gathered; /* 0: every window is contiguous in the input */
    uint8_t half;     /* this and the next: see output_avr.h */
    int16_t low;
    int8_t smallest;
    uint8_t range;
    const tc_weights_t *weights;
    const uint8_t *constants; /* for all blocks */
} tc_convolution_avr_t;

static inline size_t tc_avr_window_size(const tc_convolution_avr_t *op)
{
    return (size_t)op->kernel_height * op->kernel_width * op->input_channels;
}

#endif
