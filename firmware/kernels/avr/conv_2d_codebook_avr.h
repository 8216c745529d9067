/* CONV_2D and FULLY_CONNECTED for AVR, weights of a codebook: two indices per byte, looked up in the inner loop. */
#ifndef TINYCOMP_CONV_2D_CODEBOOK_AVR_H
#define TINYCOMP_CONV_2D_CODEBOOK_AVR_H

#include "codebook.h"
#include "convolution_avr.h"
#include "products_avr.h"
#include "table_avr.h"
#include "tinycomp.h"
#include "windows_avr.h"

typedef tc_convolution_avr_t tc_conv_2d_codebook_avr_t;

#if defined(__AVR__)
/* clang-format off */
#define TC_AVR_INDICES                                   \
    "ld r18, X+\n\t"                                     \
    "lsr r18\n\t"                                        \
    "add r30, r18\n\t"                                   \
    "adc r31, r2\n\t"                                    \
    "ld r18, X+\n\t"                                     \
    TC_AVR_LOOK_UP(TC_AVR_ADD_UNSIGNED, "r4", "r5", "r6", "r7", "r8", "r9")   \
    TC_AVR_LOOK_UP(TC_AVR_ADD_UNSIGNED, "r10", "r11", "r12", "r13", "r14", "r15")
/* clang-format on */
#endif

static inline void tc_conv_2d_codebook_avr_products(uint8_t *sums, const uint8_t *starts, const uint8_t *list,
                                                    size_t count, const uint8_t *weights)
{
#if defined(__AVR__)
    TC_AVR_PRODUCTS(TC_AVR_TAKE_ALL TC_AVR_SET_TABLE, TC_AVR_INDICES, TC_AVR_UNSET_TABLE, sums, starts, list, weights,
                    count);
#else
    const uint8_t *const table = sums - TC_AVR_ENTRIES;
    tc_avr_begin(sums, starts, tc_avr_read(list, TC_AVR_FRONT));
    for (list += TC_AVR_FRONT; count > 0; count--, list += 2) {
        weights += list[0] / 2;
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c += 2, weights++) {
            tc_avr_add(sums + 3 * c, list[1], table[*weights & 15u]);
            tc_avr_add(sums + 3 * c + 3, list[1], table[*weights >> 4]);
        }
    }
#endif
}

TC_AVR_CALLED static void tc_conv_2d_codebook_avr_cell(const tc_convolution_avr_t *op, const uint8_t *list,
                                                       size_t count, const uint8_t *weights, uint8_t *sums, int8_t *to)
{
    const size_t size = tc_avr_window_size(op) * TC_AVR_CHANNELS / 2;
    tc_avr_blocks(op, list, count, weights, size, sums, to, tc_conv_2d_codebook_avr_products);
}

/* Output rows [first, last). Scratch: two bytes per activation of a window, plus five. */
static void tc_conv_2d_codebook_avr(const tc_conv_2d_codebook_avr_t *constants, const tc_input_t *in,
                                    const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_codebook_avr_t, op, constants);
    TC_FETCH(tc_codebook_t, codebook, (const tc_codebook_t *)op->weights);
    uint8_t room[TC_AVR_TABLE_ROOM];
    uint8_t *const sums = tc_avr_table(room, codebook->table, 128);
    tc_avr_windows(op, in, out, first, last, (uint8_t *)scratch, codebook->indices, sums, tc_conv_2d_codebook_avr_cell);
}

#endif
