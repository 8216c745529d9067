/* MAX_POOL_2D: the maximum of a window's cells inside the input. */
#ifndef TINYCOMP_MAX_POOL_2D_H
#define TINYCOMP_MAX_POOL_2D_H

#include "cells.h"
#include "max_cells.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t padding_top, padding_left;
    int8_t activation_min, activation_max;
} tc_max_pool_2d_t;

/* Clamps values to at most `high`. */
static inline void tc_max_pool_2d_hold(int8_t *values, size_t count, int8_t high)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] > high) {
            values[i] = high;
        }
    }
}

/* Output rows [first, last). No scratch. */
static void tc_max_pool_2d(const tc_max_pool_2d_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_max_pool_2d_t, op, constants);
    const size_t channels = op->channels;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        tc_cells_t cells = tc_cells_of_rows(in, top, op->input_height, op->kernel_height);
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width, to += channels) {
            tc_cells_move(&cells, left, op->input_width, op->kernel_width, channels);
            tc_max_cells(&cells, channels, op->activation_min, to);
        }
        if (op->activation_max != 127) {
            tc_max_pool_2d_hold(tc_output_row(out, y), op->output_width * channels, op->activation_max);
        }
    }
}

#endif
