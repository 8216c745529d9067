/* The cells of windows of a depthwise convolution on int16. */
#ifndef TINYCOMP_DEPTHWISE_CELLS_INT16_H
#define TINYCOMP_DEPTHWISE_CELLS_INT16_H

#include "address.h"
#include "windows_int16.h"

/* The addresses of a window's cells (channel 0), `apart` from each other; border: for those outside the input. */
static void tc_depthwise_int16_cells(const tc_windows_int16_t *op, const tc_input_t *in, int32_t top, int32_t left,
                                     const int8_t *border, tc_address_t *cells, unsigned apart)
{
    const int32_t cell = 2 * op->input_channels, step = op->dilation_width * cell;
    for (unsigned ky = op->kernel_height; ky > 0; ky--, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        const int8_t *const row = inside ? tc_input_row(in, (uint16_t)top) : border;
        int32_t x = left, offset = left * cell;
        for (unsigned kx = op->kernel_width; kx > 0; kx--, x += op->dilation_width, offset += step) {
            *cells = tc_address_of(inside && x >= 0 && x < op->input_width ? row + offset : border);
            cells += apart;
        }
    }
}

#endif
