/* Common to the FULLY_CONNECTED kernels on Armv7E-M. Sums are scaled by 256, or by 16 where inputs are taken in parts;
 * the high word of their product with the multiplier is rounded once. */
#ifndef TINYCOMP_FULLY_CONNECTED_OUTPUTS_H
#define TINYCOMP_FULLY_CONNECTED_OUTPUTS_H

#include "dsp.h"
#include "tinycomp.h"

#define TC_FULLY_CONNECTED_BLOCK 8

/* 1: no layer has activation bounds narrower than int8. */
#ifndef TC_FULLY_CONNECTED_UNCLAMPED
#define TC_FULLY_CONNECTED_UNCLAMPED 0
#endif

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    uint16_t part;        /* inputs, by fours, whose sums have 24 bits; 0: all */
    uint8_t channel_step; /* 1: one factor per output; 0: one for all */
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *start; /* initial value of each output's sum */
    const int32_t *multiplier;
    const int8_t *shift; /* right shift, less one, of the high word of sum * multiplier */
} tc_fully_connected_dsp_t;

/* Requantizes sums to int8: sum * multiplier >> (33 + shift), rounded. */
static inline void tc_fully_connected_store(const tc_fully_connected_dsp_t *op, unsigned c, const uint32_t *sums,
                                            unsigned outputs, int8_t *to)
{
    const int32_t rounding = (2 * op->output_zero_point) + 1;
    const unsigned step = op->channel_step;
    const int32_t *multiplier = &op->multiplier[step * c];
    const int8_t *shift = &op->shift[step * c];
    for (const uint32_t *const end = &sums[outputs]; sums != end; multiplier += step, shift += step) {
        const int32_t offset = (int32_t)((uint32_t)rounding << *shift);
        const int32_t product = tc_smmla((int32_t)*sums++, *multiplier, offset);
        *to++ = (int8_t)tc_halve_to_int8(product >> *shift);
    }
}

/* Clamps outputs where an activation's bounds are narrower than int8. */
static inline void tc_fully_connected_clamp(const tc_fully_connected_dsp_t *op, int8_t *to)
{
    const bool clamped = (TC_FULLY_CONNECTED_UNCLAMPED == 0) &&
                         ((op->activation_min != -128) || (op->activation_max != 127));
    for (unsigned c = 0; (c < op->output_size) && clamped; c++) {
        to[c] = tc_clamp(to[c], op->activation_min, op->activation_max);
    }
}

/* The vector, padded with zeros to a multiple of four: copied to `filled` if it isn't one, else in place. */
static inline const int8_t *tc_fully_connected_input(const tc_fully_connected_dsp_t *op, const int8_t *from,
                                                     int8_t *filled)
{
    const size_t size = op->input_size;
    if (size % 4 == 0) {
        return from;
    }
    for (size_t i = 0; i < (size + 3) / 4 * 4; i++) {
        filled[i] = (i < size) ? from[i] : 0;
    }
    return filled;
}

#endif
