/* CONV_2D and FULLY_CONNECTED for AVR, weights as they are: each is read from program memory where it is used. A window
 * serves all channels before the next one. */
#ifndef TINYCOMP_CONV_2D_AVR_H
#define TINYCOMP_CONV_2D_AVR_H

#include "convolution_avr.h"
#include "dense.h"
#include "output_avr.h"
#include "products_avr.h"
#include "tinycomp.h"

typedef tc_convolution_avr_t tc_conv_2d_avr_t;

static inline void tc_conv_2d_avr_products(uint8_t *sums, const uint8_t *starts, const int8_t *x, const int8_t *weights,
                                           size_t length)
{
    TC_AVR_PRODUCTS("lpm");
}

/* All channels of one window. */
TC_AVR_CALLED static void tc_conv_2d_avr_cell(const tc_convolution_avr_t *op, const int8_t *x, const int8_t *weights,
                                              int8_t *to)
{
    const size_t length = tc_avr_window_size(op);
    const uint8_t *constants = op->constants;
    uint16_t channels = op->output_channels;
    while (channels > 0) {
        uint8_t sums[TC_AVR_STARTS];
        const uint8_t count = (uint8_t)(channels < TC_AVR_CHANNELS ? channels : TC_AVR_CHANNELS);
        tc_conv_2d_avr_products(sums, constants, x, weights, length);
        tc_avr_store(sums, constants + TC_AVR_STARTS, op->half, op->low, op->smallest, op->range, count, to);
        channels = (uint16_t)(channels - count);
        constants += TC_AVR_CONSTANTS;
        weights += TC_AVR_CHANNELS * length;
        to += TC_AVR_CHANNELS;
    }
}

/* Output rows [first, last). Scratch: one window where it is gathered. */
static void tc_conv_2d_avr(const tc_conv_2d_avr_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_avr_t, op, constants);
    TC_FETCH(tc_dense_t, weights, (const tc_dense_t *)op->weights);
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, to += op->output_channels) {
            tc_conv_2d_avr_cell(op, tc_avr_window(op, in, y, x, scratch), weights->values, to);
        }
    }
}

#endif
