/* Convolutions with windows that are contiguous in the input and read in place: no scratch, for layers where the list
 * of a window (list_avr.h) would not fit into RAM. Weights are read from program memory in the inner loop. */
#ifndef TINYCOMP_DIRECT_AVR_H
#define TINYCOMP_DIRECT_AVR_H

#include "convolution_avr.h"
#include "output_avr.h"
#include "products_avr.h"
#include "tinycomp.h"
#include "windows_avr.h"

#if defined(__AVR__)
/* clang-format off */
/* An activation of -128 adds nothing: skips `skip` bytes of weights. */
#define TC_AVR_DIRECT_CELL(skip, products)  \
    "ld r18, X+\n\t"                        \
    "subi r18, 128\n\t"                     \
    "brne 7f\n\t"                           \
    "adiw r30, " skip "\n\t"                \
    "rjmp 8f\n"                             \
    "7:\n\t"                                \
    products                                \
    "8:\n\t"
/* clang-format on */
#endif

/* Output rows [first, last); `cell` computes one window. */
TC_AVR_INSIDE static inline void tc_avr_direct(const tc_convolution_avr_t *op, const tc_input_t *in,
                                               const tc_output_t *out, uint16_t first, uint16_t last,
                                               const uint8_t *weights, uint8_t *sums, tc_avr_cell_t cell)
{
    const size_t count = tc_avr_window_size(op), step = (size_t)op->stride_width * op->input_channels;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, (uint16_t)(y * op->stride_height));
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = op->output_width; x > 0; x--, from += step, to += op->output_channels) {
            cell(op, (const uint8_t *)from, count, weights, sums, to);
        }
    }
}

#endif
