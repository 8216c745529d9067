/* Inner products of one run of activations with the weights of four channels, which lie side by side for each of them. */
#ifndef TINYCOMP_PRODUCTS_AVR_H
#define TINYCOMP_PRODUCTS_AVR_H

#include "block_avr.h"
#include "tinycomp.h"

#if defined(__AVR__)
/* The product of the activation in r18 and a weight, added to a sum of three registers. MULSU leaves the product's sign in
 * the carry. */
#define TC_AVR_ADD(weight, low, middle, high) \
    "ldd r19, Z+" weight "\n\t"               \
    "mulsu r19, r18\n\t"                      \
    "sbc " high ", r2\n\t"                    \
    "add " low ", r0\n\t"                     \
    "adc " middle ", r1\n\t"                  \
    "adc " high ", r2\n\t"
/* The next activation for four channels; nothing to do where it is -128. */
#define TC_AVR_CELL(w0, w1, w2, w3)        \
    "ld r18, X+\n\t"                       \
    "subi r18, 128\n\t"                    \
    "breq 9f\n\t"                          \
    TC_AVR_ADD(w0, "r4", "r5", "r6")       \
    TC_AVR_ADD(w1, "r7", "r8", "r9")       \
    TC_AVR_ADD(w2, "r10", "r11", "r12")    \
    TC_AVR_ADD(w3, "r13", "r14", "r15")    \
    "9:\n\t"
#define TC_AVR_LOAD(at, low, middle, high) \
    "ldd " low ", Z+" at "\n\t"            \
    "ldd " middle ", Z+" at "+1\n\t"       \
    "ldd " high ", Z+" at "+2\n\t"
#define TC_AVR_STORE(at, low, middle, high) \
    "std Z+" at ", " low "\n\t"             \
    "std Z+" at "+1, " middle "\n\t"        \
    "std Z+" at "+2, " high "\n\t"
#define TC_AVR_ALL(what, offset)               \
    what(offset "+0", "r4", "r5", "r6")        \
    what(offset "+4", "r7", "r8", "r9")        \
    what(offset "+8", "r10", "r11", "r12")     \
    what(offset "+12", "r13", "r14", "r15")
#define TC_AVR_SUMS "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
#endif

/* to = from + products, four sums each; length >= 1. */
static inline void tc_avr_products(uint32_t *to, const uint32_t *from, const int8_t *x, const int8_t *weights,
                                   size_t length)
{
#if defined(__AVR__)
    /* Four activations a turn; the first turn begins with the second, third or fourth where they don't divide. */
    const uint8_t left_out = (uint8_t)-length & 3u;
    size_t turns = (length + 3u) >> 2;
    weights -= left_out * TC_AVR_CHANNELS;
    __asm__ __volatile__(
        "clr r2\n\t"
        TC_AVR_ALL(TC_AVR_LOAD, "0")
        "movw r30, %[weights]\n\t"
        "sbrc %[left_out], 1\n\t"
        "rjmp 1f\n\t"
        "sbrc %[left_out], 0\n\t"
        "rjmp 3f\n\t"
        "rjmp 2f\n"
        "1:\n\t"
        "sbrc %[left_out], 0\n\t"
        "rjmp 5f\n\t"
        "rjmp 4f\n"
        "2:\n\t" TC_AVR_CELL("0", "1", "2", "3")
        "3:\n\t" TC_AVR_CELL("4", "5", "6", "7")
        "4:\n\t" TC_AVR_CELL("8", "9", "10", "11")
        "5:\n\t" TC_AVR_CELL("12", "13", "14", "15")
        "adiw r30, 16\n\t"
        "sbiw %[turns], 1\n\t"
        "breq 6f\n\t"
        "rjmp 2b\n"
        "6:\n\t"
        "movw r30, %[to]\n\t"
        TC_AVR_ALL(TC_AVR_STORE, "0")
        "clr r1\n\t"
        : [turns] "+w"(turns), "+x"(x), "+z"(from)
        : [weights] "r"(weights), [to] "r"(to), [left_out] "r"(left_out)
        : "r2", "r18", "r19", TC_AVR_SUMS, "memory");
#else
    uint32_t sums[TC_AVR_CHANNELS];
    memcpy(sums, from, sizeof sums);
    for (; length > 0; length--, weights += TC_AVR_CHANNELS) {
        const int activation = *x++ + 128;
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
            sums[c] += (uint32_t)(activation * weights[c]);
        }
    }
    memcpy(to, sums, sizeof sums);
#endif
}

#endif
