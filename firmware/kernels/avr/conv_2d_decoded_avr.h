/* CONV_2D and FULLY_CONNECTED for AVR, weights of any codec: a block of them is decoded into scratch and serves all rows of
 * the call. */
#ifndef TINYCOMP_CONV_2D_DECODED_AVR_H
#define TINYCOMP_CONV_2D_DECODED_AVR_H

#include "convolution_avr.h"
#include "output_avr.h"
#include "products_avr.h"
#include "tinycomp.h"

typedef tc_convolution_avr_t tc_conv_2d_decoded_avr_t;

static inline void tc_conv_2d_decoded_avr_products(uint8_t *sums, const uint8_t *starts, const int8_t *x,
                                                   const int8_t *weights, size_t length)
{
    TC_AVR_PRODUCTS("ld");
}

/* A block of channels of one window. */
TC_AVR_CALLED static void tc_conv_2d_decoded_avr_cell(const tc_convolution_avr_t *op, const uint8_t *starts,
                                                      const int8_t *x, const int8_t *weights, size_t length,
                                                      uint8_t channels, int8_t *to)
{
    uint8_t sums[TC_AVR_STARTS];
    tc_conv_2d_decoded_avr_products(sums, starts, x, weights, length);
    tc_avr_store(sums, starts + TC_AVR_STARTS, op->half, op->low, op->smallest, op->range, channels, to);
}

/* Output rows [first, last). Scratch: one window where it is gathered, then a block of weights. */
static void tc_conv_2d_decoded_avr(const tc_conv_2d_decoded_avr_t *constants, const tc_input_t *in,
                                   const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_decoded_avr_t, op, constants);
    const size_t length = tc_avr_window_size(op);
    const size_t size = TC_AVR_CHANNELS * length;
    int8_t *const buffer = scratch + (op->gathered ? length : 0);
    const uint8_t *block = op->constants;
    size_t place = 0;
    for (uint16_t c = 0; c < op->output_channels; c = (uint16_t)(c + TC_AVR_CHANNELS)) {
        const unsigned left_over = op->output_channels - c;
        const uint8_t count = (uint8_t)(left_over < TC_AVR_CHANNELS ? left_over : TC_AVR_CHANNELS);
        const int8_t *const weights = tc_weights_read(op->weights, place, size, buffer);
        for (uint16_t y = first; y < last; y++) {
            int8_t *to = tc_output_row(out, y) + c;
            for (uint16_t x = 0; x < op->output_width; x++, to += op->output_channels) {
                const int8_t *const window = tc_avr_window(op, in, y, x, scratch);
                tc_conv_2d_decoded_avr_cell(op, block, window, weights, length, count, to);
            }
        }
        block += TC_AVR_CONSTANTS;
        place += size;
    }
}

#endif
