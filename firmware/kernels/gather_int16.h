/* The windows of a convolution on int16, one after the other in memory. */
#ifndef TINYCOMP_GATHER_INT16_H
#define TINYCOMP_GATHER_INT16_H

#include "int16.h"
#include "window.h"
#include "windows_int16.h"

/* Copies the window at (top, left) cell by cell; cells beyond a border are zeros. */
static void tc_gather_int16(const tc_windows_int16_t *op, const tc_input_t *in, int32_t top, int32_t left,
                            int16_t *window)
{
    const size_t channels = op->input_channels;
    const size_t row_size = op->kernel_width * channels;
    const tc_span_t span = tc_span(left, op->input_width, op->kernel_width, op->dilation_width);
    int32_t y = top;
    for (unsigned ky = 0; ky < op->kernel_height; ky++, y += op->dilation_height, window += row_size) {
        if (y < 0 || y >= op->input_height || span.end - span.begin < op->kernel_width) {
            tc_fill(window, 0, row_size * sizeof *window);
        }
        if (y >= 0 && y < op->input_height) {
            const int16_t *const row = tc_input_row_int16(in, (uint16_t)y);
            for (unsigned kx = span.begin; kx < span.end; kx++) {
                const size_t x = (size_t)(left + (int32_t)kx * op->dilation_width);
                tc_copy(window + kx * channels, row + x * channels, channels * sizeof *window);
            }
        }
    }
}

#endif
