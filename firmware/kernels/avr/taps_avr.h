/* Sums over the cells of a window, channel by channel, for four channels. */
#ifndef TINYCOMP_TAPS_AVR_H
#define TINYCOMP_TAPS_AVR_H

#include "products_avr.h"
#include "tinycomp.h"

/* Cells `step` bytes apart. `skip` lies between the last of a row and the first of the next, `weights_skip` likewise
 * between their weights. */
typedef struct {
    uint8_t rows, columns; /* 1 at least */
    uint16_t step, skip;
    uint8_t weights_skip;
} tc_avr_cells_t;

#if defined(__AVR__)
#define TC_AVR_TAP(weight, low, middle, high) \
    "ld r18, X+\n\t"                          \
    "subi r18, 128\n\t"                       \
    "breq 9f\n\t"                             \
    TC_AVR_ADD(weight, low, middle, high)     \
    "9:\n\t"
#endif

/* sums[4..8) = sums[0..4) + products. */
static inline void tc_avr_taps(uint32_t *sums, const int8_t *x, const int8_t *weights, const tc_avr_cells_t *cells)
{
#if defined(__AVR__)
    const uint8_t step = (uint8_t)(cells->step - TC_AVR_CHANNELS);
    uint8_t rows = cells->rows;
    __asm__ __volatile__(
        "clr r2\n\t"
        "push r30\n\t"
        "push r31\n\t"
        TC_AVR_ALL(TC_AVR_LOAD, "0")
        "movw r30, %[weights]\n"
        "1:\n\t"
        "mov %A[weights], %[columns]\n"
        "2:\n\t"
        TC_AVR_TAP("0", "r4", "r5", "r6")
        TC_AVR_TAP("1", "r7", "r8", "r9")
        TC_AVR_TAP("2", "r10", "r11", "r12")
        TC_AVR_TAP("3", "r13", "r14", "r15")
        "adiw r30, 4\n\t"
        "add r26, %[step]\n\t"
        "adc r27, r2\n\t"
        "dec %A[weights]\n\t"
        "brne 2b\n\t"
        "add r26, %A[skip]\n\t"
        "adc r27, %B[skip]\n\t"
        "add r30, %[weights_skip]\n\t"
        "adc r31, r2\n\t"
        "dec %[rows]\n\t"
        "brne 1b\n\t"
        "pop r31\n\t"
        "pop r30\n\t"
        TC_AVR_ALL(TC_AVR_STORE, "16")
        "clr r1\n\t"
        : [weights] "+r"(weights), [rows] "+r"(rows), "+x"(x)
        : "z"(sums), [columns] "r"(cells->columns), [step] "r"(step), [skip] "r"(cells->skip),
          [weights_skip] "r"(cells->weights_skip)
        : "r2", "r18", "r19", TC_AVR_SUMS, "memory");
#else
    uint32_t *const to = sums + TC_AVR_CHANNELS;
    memcpy(to, sums, TC_AVR_CHANNELS * sizeof *sums);
    for (unsigned row = cells->rows; row > 0; row--, x += cells->skip, weights += cells->weights_skip) {
        for (unsigned column = cells->columns; column > 0; column--, x += cells->step, weights += TC_AVR_CHANNELS) {
            for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
                to[c] += (uint32_t)((x[c] + 128) * weights[c]);
            }
        }
    }
#endif
}

#endif
