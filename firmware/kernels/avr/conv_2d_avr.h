/* CONV_2D and FULLY_CONNECTED for AVR, uncompressed weights with 128 added. */
#ifndef TINYCOMP_CONV_2D_AVR_H
#define TINYCOMP_CONV_2D_AVR_H

#include "convolution_avr.h"
#include "dense.h"
#include "products_avr.h"
#include "tinycomp.h"
#include "windows_avr.h"

typedef tc_convolution_avr_t tc_conv_2d_avr_t;

#if defined(__AVR__)
/* clang-format off */
#define TC_AVR_PAIR                          \
    "ld r18, X+\n\t"                         \
    "add r30, r18\n\t"                       \
    "adc r31, r2\n\t"                        \
    "ld r18, X+\n\t"                         \
    "lpm r19, Z+\n\t"                        \
    TC_AVR_ADD_UNSIGNED("r4", "r5", "r6")    \
    "lpm r19, Z+\n\t"                        \
    TC_AVR_ADD_UNSIGNED("r7", "r8", "r9")    \
    "lpm r19, Z+\n\t"                        \
    TC_AVR_ADD_UNSIGNED("r10", "r11", "r12") \
    "lpm r19, Z+\n\t"                        \
    TC_AVR_ADD_UNSIGNED("r13", "r14", "r15")
/* clang-format on */
#endif

static inline void tc_conv_2d_avr_products(uint8_t *sums, const uint8_t *starts, const uint8_t *list, size_t count,
                                           const uint8_t *weights)
{
#if defined(__AVR__)
    TC_AVR_PRODUCTS(TC_AVR_TAKE_ALL, TC_AVR_PAIR, "", sums, starts, list, weights, count);
#else
    tc_avr_begin(sums, starts, tc_avr_read(list, TC_AVR_FRONT));
    for (list += TC_AVR_FRONT; count > 0; count--, list += 2) {
        weights += list[0];
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
            tc_avr_add(sums + 3 * c, list[1], *weights++);
        }
    }
#endif
}

TC_AVR_CALLED static void tc_conv_2d_avr_cell(const tc_convolution_avr_t *op, const uint8_t *list, size_t count,
                                              const uint8_t *weights, uint8_t *sums, int8_t *to)
{
    const size_t size = tc_avr_window_size(op) * TC_AVR_CHANNELS;
    tc_avr_blocks(op, list, count, weights, size, sums, to, tc_conv_2d_avr_products);
}

/* Output rows [first, last). Scratch: two bytes per activation of a window, plus five. */
static void tc_conv_2d_avr(const tc_conv_2d_avr_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_avr_t, op, constants);
    TC_FETCH(tc_dense_t, dense, (const tc_dense_t *)op->weights);
    uint8_t sums[TC_AVR_STARTS];
    tc_avr_windows(op, in, out, first, last, (uint8_t *)scratch, (const uint8_t *)dense->values, sums,
                   tc_conv_2d_avr_cell);
}

#endif
