/* MAX_POOL_2D of int16: the maximum of a window's cells inside the input. */
#ifndef TINYCOMP_MAX_POOL_2D_INT16_H
#define TINYCOMP_MAX_POOL_2D_INT16_H

#include "cells_int16.h"
#include "max_cells_int16.h"

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t padding_top, padding_left;
    int16_t activation_min, activation_max;
} tc_max_pool_2d_int16_t;

/* Output rows [first, last). No scratch. */
static void tc_max_pool_2d_int16(const tc_max_pool_2d_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_max_pool_2d_int16_t, op, constants);
    const size_t channels = op->channels;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        tc_cells_t cells = tc_cells_of_rows(in, top, op->input_height, op->kernel_height);
        int32_t left = -(int32_t)op->padding_left;
        int16_t *const row = tc_output_row_int16(out, y);
        int16_t *to = row;
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width, to += channels) {
            tc_cells_move_int16(&cells, left, op->input_width, op->kernel_width, channels);
            tc_max_cells_int16(&cells, channels, op->activation_min, to);
        }
        for (size_t i = 0; op->activation_max != 32767 && i < op->output_width * channels; i++) {
            row[i] = row[i] > op->activation_max ? op->activation_max : row[i];
        }
    }
}

#endif
