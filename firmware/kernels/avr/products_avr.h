/* Inner products of activations, side by side, with the weights of four channels, which lie side by side for each of them.
 * Weights lie in program memory, or in RAM: two functions of the same text. */
#ifndef TINYCOMP_PRODUCTS_AVR_H
#define TINYCOMP_PRODUCTS_AVR_H

#include "sums_avr.h"
#include "tinycomp.h"

#if defined(__AVR__)
/* The next activation for four channels; nothing to do where it is -128. */
#define TC_AVR_CELL(load)                                                                                           \
    "ld r18, X+\n\t"                                                                                                \
    "subi r18, 128\n\t"                                                                                             \
    "brne 7f\n\t"                                                                                                   \
    "adiw r30, 4\n\t"                                                                                               \
    "rjmp 8f\n"                                                                                                     \
    "7:\n\t" load " r19, Z+\n\t" TC_AVR_ADD("r4", "r5", "r6") load " r19, Z+\n\t" TC_AVR_ADD("r7", "r8", "r9") load \
        " r19, Z+\n\t" TC_AVR_ADD("r10", "r11", "r12") load " r19, Z+\n\t" TC_AVR_ADD("r13", "r14", "r15") "8:\n\t"
/* Four activations a turn; the first turn begins with the second, third or fourth where they don't divide. */
#define TC_AVR_PRODUCTS(load)                                                                        \
    const uint8_t left_out = (uint8_t)-length & 3u;                                                  \
    size_t turns = (length + 3u) >> 2;                                                               \
    __asm__ __volatile__("clr r2\n\t" TC_AVR_START "movw r30, %[weights]\n\t"                        \
                         "sbrc %[left_out], 1\n\t"                                                   \
                         "rjmp 1f\n\t"                                                               \
                         "sbrc %[left_out], 0\n\t"                                                   \
                         "rjmp 3f\n\t"                                                               \
                         "rjmp 2f\n"                                                                 \
                         "1:\n\t"                                                                    \
                         "sbrc %[left_out], 0\n\t"                                                   \
                         "rjmp 5f\n\t"                                                               \
                         "rjmp 4f\n"                                                                 \
                         "2:\n\t" TC_AVR_CELL(load) "3:\n\t" TC_AVR_CELL(load) "4:\n\t" TC_AVR_CELL( \
                             load) "5:\n\t" TC_AVR_CELL(load) "sbiw %[turns], 1\n\t"                 \
                                                              "breq 6f\n\t"                          \
                                                              "rjmp 2b\n"                            \
                                                              "6:\n\t"                               \
                                                              "movw r26, %[sums]\n\t" TC_AVR_FINISH  \
                         : [turns] "+w"(turns), "+x"(x), "+z"(starts)                                \
                         : [weights] "r"(weights), [sums] "r"(sums), [left_out] "r"(left_out)        \
                         : "r2", "r18", "r19", TC_AVR_SUMS, "memory")
#else
#define TC_AVR_PRODUCTS(load)                            \
    memcpy(sums, starts, TC_AVR_STARTS);                 \
    for (; length > 0; length--, x++) {                  \
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) { \
            tc_avr_add(sums + 3 * c, *x, *weights++);    \
        }                                                \
    }
#endif

#endif
