/* Dot products of activations with the weights of four channels, which are interleaved. */
#ifndef TINYCOMP_PRODUCTS_AVR_H
#define TINYCOMP_PRODUCTS_AVR_H

#include "sums_avr.h"
#include "tinycomp.h"

#if defined(__AVR__)
/* clang-format off */
/* Sums over `count` >= 1 activations: `begin`, then `cell` for each, unrolled four times, then `end`. The first turn is
 * entered at the second, third or fourth `cell` if count is no multiple of four. */
#define TC_AVR_PRODUCTS(begin, cell, end, sums, starts, x, weights, count)                    \
    /* Every operand has a fixed register, so that none is assigned r28 and r29. */                   \
    register size_t turns __asm__("r24") = ((count) + 3u) >> 2;                               \
    __asm__ __volatile__(                                                                     \
        "clr r2\n\t"                                                                          \
        TC_AVR_START                                                                          \
        begin                                                                                 \
        "movw r30, %[at]\n\t"                                                                 \
        "sbrc %[left_out], 1\n\t"                                                             \
        "rjmp 1f\n\t"                                                                         \
        "sbrc %[left_out], 0\n\t"                                                             \
        "rjmp 3f\n\t"                                                                         \
        "rjmp 2f\n"                                                                           \
        "1:\n\t"                                                                              \
        "sbrc %[left_out], 0\n\t"                                                             \
        "rjmp 5f\n\t"                                                                         \
        "rjmp 4f\n"                                                                           \
        "2:\n\t" cell                                                                         \
        "3:\n\t" cell                                                                         \
        "4:\n\t" cell                                                                         \
        "5:\n\t" cell                                                                         \
        "sbiw %[turns], 1\n\t"                                                                \
        "breq 6f\n\t"                                                                         \
        "rjmp 2b\n"                                                                           \
        "6:\n\t" end                                                                          \
        "movw r26, %[sums_at]\n\t"                                                            \
        TC_AVR_FINISH                                                                         \
        : [turns] "+&w"(turns), "+&x"(x), "+&z"(starts)                                          \
        : [at] "a"(weights), [sums_at] "a"(sums), [left_out] "l"((uint8_t)(-(count) & 3u))    \
        : "r2", "r18", "r19", "r20", "r21", TC_AVR_SUMS, "memory")
/* clang-format on */
#endif

#endif
