/* FULLY_CONNECTED on Armv8.1-M with MVE. Rounds once: the high word of sum * multiplier is shifted and rounded half up,
 * which equals rounding the 64-bit product, as the total shift is at least 33. */
#ifndef TINYCOMP_DENSE_LAYER_MVE_H
#define TINYCOMP_DENSE_LAYER_MVE_H

#include "gemm_mve.h"
#include "mve.h"
#include "tinycomp.h"

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    uint16_t block;       /* channels per read of weights, a multiple of four except in the last block */
    uint8_t channel_step; /* 1: one factor per output; 0: four equal ones for all */
    uint8_t plain;        /* 1: weights are stored channel by channel, not in the order of gemm_mve.h */
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *bias; /* with the input zero point folded in */
    const int32_t *multiplier;
    const int8_t *shift;
} tc_dense_layer_mve_t;

/* Output rows [first, last). Scratch: weights, see gemm_mve.h. */
static void tc_dense_layer_mve(const tc_dense_layer_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch, tc_gemm_mve_function_t function)
{
    const size_t length = op->input_size;
    tc_gemm_mve_t gemm;
    gemm.pixel_step = length;
    gemm.length = length;
    gemm.count = op->width;
    gemm.out_step = op->output_size;
    gemm.zero_point = op->output_zero_point;
    for (size_t c = 0; c < op->output_size; c += op->block) {
        gemm.channels = (size_t)op->output_size - c < op->block ? op->output_size - c : op->block;
        gemm.weights = tc_gemm_mve_weights(op->weights, op->plain, c, gemm.channels, length, scratch);
        gemm.bias = op->bias + c;
        gemm.multiplier = op->multiplier + op->channel_step * c;
        gemm.shift = op->shift + op->channel_step * c;
        for (uint16_t y = first; y < last; y++) {
            gemm.pixels = tc_input_row(in, y);
            gemm.out = tc_output_row(out, y) + c;
            function(&gemm);
        }
    }
    for (uint16_t y = first; y < last && (op->activation_min != -128 || op->activation_max != 127); y++) {
        tc_mve_clamp(tc_output_row(out, y), op->activation_min, op->activation_max,
                     (size_t)op->width * op->output_size);
    }
}

#endif
