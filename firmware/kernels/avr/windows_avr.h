/* Convolutions that read weights from program memory in the inner loop. Weights have 128 added: an unsigned product
 * takes an instruction less. Each window is converted to a list (list_avr.h) once for all channels. */
#ifndef TINYCOMP_WINDOWS_AVR_H
#define TINYCOMP_WINDOWS_AVR_H

#include "convolution_avr.h"
#include "list_avr.h"
#include "output_avr.h"
#include "products_avr.h"
#include "tinycomp.h"

#if defined(__AVR__)
/* clang-format off */
/* The excess from the added 128, in r18:r1:r0. */
#define TC_AVR_TAKE(low, middle, high)  \
    "sub " low ", r0\n\t"               \
    "sbc " middle ", r1\n\t"            \
    "sbc " high ", r18\n\t"
#define TC_AVR_TAKE_ALL              \
    "ld r0, X+\n\t"                  \
    "ld r1, X+\n\t"                  \
    "ld r18, X+\n\t"                 \
    TC_AVR_TAKE("r4", "r5", "r6")    \
    TC_AVR_TAKE("r7", "r8", "r9")    \
    TC_AVR_TAKE("r10", "r11", "r12") \
    TC_AVR_TAKE("r13", "r14", "r15")
#define TC_AVR_ADD_UNSIGNED(low, middle, high)  \
    "mul r19, r18\n\t"                          \
    "add " low ", r0\n\t"                       \
    "adc " middle ", r1\n\t"                    \
    "adc " high ", r2\n\t"
/* clang-format on */
#endif

/* The sums of a block of channels: initial values plus the products of a list's activations with `weights`. */
typedef void (*tc_avr_products_t)(uint8_t *sums, const uint8_t *starts, const uint8_t *list, size_t count,
                                  const uint8_t *weights);

/* All channels of a window; size: bytes of weights per block. */
TC_AVR_INSIDE static inline void tc_avr_blocks(const tc_convolution_avr_t *op, const uint8_t *list, size_t count,
                                               const uint8_t *weights, size_t size, uint8_t *sums, int8_t *to,
                                               tc_avr_products_t products)
{
    const uint8_t half = op->half, range = op->range;
    const int8_t smallest = op->smallest;
    const int16_t low = op->low;
    const uint8_t *constants = op->constants;
    uint16_t channels = op->output_channels;
    while (channels > 0) {
        const uint8_t some = (uint8_t)(channels < TC_AVR_CHANNELS ? channels : TC_AVR_CHANNELS);
        products(sums, constants, list, count, weights);
        tc_avr_store(sums, constants + TC_AVR_STARTS, half, low, smallest, range, some, to);
        channels = (uint16_t)(channels - some);
        constants += TC_AVR_CONSTANTS;
        weights += size;
        to += TC_AVR_CHANNELS;
    }
}

/* Output rows [first, last), window by window. */
typedef void (*tc_avr_cell_t)(const tc_convolution_avr_t *op, const uint8_t *list, size_t count, const uint8_t *weights,
                              uint8_t *sums, int8_t *to);

TC_AVR_INSIDE static inline void tc_avr_windows(const tc_convolution_avr_t *op, const tc_input_t *in,
                                                const tc_output_t *out, uint16_t first, uint16_t last, uint8_t *list,
                                                const uint8_t *weights, uint8_t *sums, tc_avr_cell_t cell)
{
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, to += op->output_channels) {
            const size_t count = tc_avr_list_window(op, in, y, x, list);
            cell(op, list, count, weights, sums, to);
        }
    }
}

#endif
