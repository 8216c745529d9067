/* AVERAGE_POOL_2D: the mean of a window's cells inside the input, rounded half away from zero. */
#ifndef TINYCOMP_AVERAGE_POOL_2D_H
#define TINYCOMP_AVERAGE_POOL_2D_H

#include "cells.h"
#include "divisor.h"
#include "mean_cells.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t padding_top, padding_left;
    int8_t activation_min, activation_max;
    uint32_t reciprocal; /* 2^(31 + reciprocal_shift) / cells of a full window */
    uint8_t reciprocal_shift;
} tc_average_pool_2d_t;

/* Sets the divisor for a window of `cells` cells, with the stored reciprocal if it is full. */
static void tc_average_pool_2d_divide(const tc_average_pool_2d_t *op, uint32_t cells, tc_divisor_t *divisor)
{
    const int whole = cells == (uint32_t)op->kernel_height * op->kernel_width;
    if (cells != divisor->count) {
        tc_divisor_set(divisor, cells,
                       whole ? op->reciprocal >> (7 + op->reciprocal_shift) : tc_divisor_reciprocal(cells));
    }
}

/* Output rows [first, last). No scratch. */
static void tc_average_pool_2d(const tc_average_pool_2d_t *constants, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_average_pool_2d_t, op, constants);
    const size_t channels = op->channels;
    tc_divisor_t divisor = {0, 0, 0, 0, op->activation_min, op->activation_max};
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        tc_cells_t cells = tc_cells_of_rows(in, top, op->input_height, op->kernel_height);
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width, to += channels) {
            tc_cells_move(&cells, left, op->input_width, op->kernel_width, channels);
            tc_average_pool_2d_divide(op, (uint32_t)cells.rows * cells.columns, &divisor);
            tc_mean_cells(&cells, channels, &divisor, to);
        }
    }
}

#endif
