/* The windows of a convolution on int16. */
#ifndef TINYCOMP_WINDOWS_INT16_H
#define TINYCOMP_WINDOWS_INT16_H

#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t dilation_height, dilation_width;
} tc_windows_int16_t;

#endif
