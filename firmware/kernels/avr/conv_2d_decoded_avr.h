/* CONV_2D and FULLY_CONNECTED for AVR, weights of any codec: each block is decoded into scratch once for all rows of
 * the call. */
#ifndef TINYCOMP_CONV_2D_DECODED_AVR_H
#define TINYCOMP_CONV_2D_DECODED_AVR_H

#include "convolution_avr.h"
#include "output_avr.h"
#include "products_avr.h"
#include "span_avr.h"
#include "tinycomp.h"

typedef tc_convolution_avr_t tc_conv_2d_decoded_avr_t;

/* The window of an output: in place, or copied to scratch with the zero point in cells beyond a border. */
TC_AVR_CALLED static const int8_t *tc_conv_2d_decoded_avr_window(const tc_convolution_avr_t *op, const tc_input_t *in,
                                                                 uint16_t y, uint16_t x, int8_t *window)
{
    const int top = (int)y * op->stride_height - op->padding_top;
    const int left = (int)x * op->stride_width - op->padding_left;
    const size_t channels = op->input_channels;
    if (!op->gathered) {
        return tc_input_row(in, (uint16_t)top) + (size_t)left * channels;
    }
    const tc_avr_span_t rows = tc_avr_span(top, (int)op->input_height, op->kernel_height);
    const tc_avr_span_t columns = tc_avr_span(left, (int)op->input_width, op->kernel_width);
    const size_t row_size = op->kernel_width * channels;
    const size_t length = (size_t)(columns.end - columns.begin) * channels;
    const size_t offset = (size_t)(left + columns.begin) * channels;
    int8_t *to = window + rows.begin * row_size + columns.begin * channels;
    memset(window, op->input_zero_point, op->kernel_height * row_size);
    if (length > 0) {
        for (int row = rows.begin; row < rows.end; row++, to += row_size) {
            memcpy(to, tc_input_row(in, (uint16_t)(top + row)) + offset, length);
        }
    }
    return window;
}

#if defined(__AVR__)
/* clang-format off */
/* An activation of -128 adds nothing. */
#define TC_AVR_CELL                  \
    "ld r18, X+\n\t"                 \
    "subi r18, 128\n\t"              \
    "brne 7f\n\t"                    \
    "adiw r30, 4\n\t"                \
    "rjmp 8f\n"                      \
    "7:\n\t"                         \
    "ld r19, Z+\n\t"                 \
    TC_AVR_ADD("r4", "r5", "r6")     \
    "ld r19, Z+\n\t"                 \
    TC_AVR_ADD("r7", "r8", "r9")     \
    "ld r19, Z+\n\t"                 \
    TC_AVR_ADD("r10", "r11", "r12")  \
    "ld r19, Z+\n\t"                 \
    TC_AVR_ADD("r13", "r14", "r15")  \
    "8:\n\t"
/* clang-format on */
#endif

static inline void tc_conv_2d_decoded_avr_products(uint8_t *sums, const uint8_t *starts, const int8_t *x,
                                                   const int8_t *weights, size_t length)
{
#if defined(__AVR__)
    TC_AVR_PRODUCTS("", TC_AVR_CELL, "", sums, starts, x, weights, length);
#else
    tc_avr_begin(sums, starts, 0);
    for (; length > 0; length--, x++) {
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
            tc_avr_add(sums + 3 * c, *x + 128, *weights++);
        }
    }
#endif
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

/* Output rows [first, last). Scratch: one window if windows are gathered, then a block of weights. */
static void tc_conv_2d_decoded_avr(const tc_conv_2d_decoded_avr_t *constants, const tc_input_t *in,
                                   const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_decoded_avr_t, op, constants);
    const size_t length = tc_avr_window_size(op);
    const size_t size = TC_AVR_CHANNELS * length;
    int8_t *const buffer = scratch + (op->gathered ? length : 0);
    const uint8_t *block = op->constants;
    tc_index_t place = 0;
    for (uint16_t c = 0; c < op->output_channels; c = (uint16_t)(c + TC_AVR_CHANNELS)) {
        const unsigned left_over = op->output_channels - c;
        const uint8_t count = (uint8_t)(left_over < TC_AVR_CHANNELS ? left_over : TC_AVR_CHANNELS);
        const int8_t *const weights = tc_weights_read(op->weights, place, size, buffer);
        for (uint16_t y = first; y < last; y++) {
            int8_t *to = tc_output_row(out, y) + c;
            for (uint16_t x = 0; x < op->output_width; x++, to += op->output_channels) {
                const int8_t *const window = tc_conv_2d_decoded_avr_window(op, in, y, x, scratch);
                tc_conv_2d_decoded_avr_cell(op, block, window, weights, length, count, to);
            }
        }
        block += TC_AVR_CONSTANTS;
        place += size;
    }
}

#endif
