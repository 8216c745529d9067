/* Requantization of 24-bit sums, and the layout of the constants of a block of four channels.
 *
 * Activations are taken plus 128, as unsigned bytes, so that -128 adds nothing to any sum; the initial values of the
 * sums compensate for this. A block's constants are 32 bytes: four initial values of three bytes, then per channel a
 * multiplier of four bytes, with 32 fractional bits, and a right shift of at least 1. */
#ifndef TINYCOMP_OUTPUT_AVR_H
#define TINYCOMP_OUTPUT_AVR_H

#include "tinycomp.h"

#if defined(__AVR__) && defined(TC_NO_ASM)
#error "These kernels read program memory in assembly. For C alone, set kernels = \"generic\" in the board's file."
#endif
#if defined(__AVR__) && !defined(__AVR_HAVE_MUL__)
#error "These kernels need the MUL instruction, which this chip lacks: set kernels = \"generic\" in the board's file."
#endif

#define TC_AVR_CHANNELS 4
#define TC_AVR_STARTS 12    /* bytes of a block's initial values, and of its sums */
#define TC_AVR_CONSTANTS 32 /* bytes of a block's constants */

/* Not inlined, to keep frames small: accesses beyond 64 bytes cost four times as much. */
#if defined(__GNUC__)
#define TC_AVR_CALLED __attribute__((noinline))
#define TC_AVR_INSIDE __attribute__((always_inline))
#else
#define TC_AVR_CALLED
#define TC_AVR_INSIDE
#endif

#if defined(__AVR__)
/* The product of the sum in r20:r18 and a byte of the multiplier; r2 is zero. */
#define TC_AVR_ROW(byte, p0, p1, p2, p3) \
    "mul r18, " byte "\n\t"              \
    "movw " p0 ", r0\n\t"                \
    "mul r20, " byte "\n\t"              \
    "movw " p2 ", r0\n\t"                \
    "mul r19, " byte "\n\t"              \
    "add " p1 ", r0\n\t"                 \
    "adc " p2 ", r1\n\t"                 \
    "adc " p3 ", r2\n\t"
/* Adds the upper three bytes of a product to the product with the next byte. */
#define TC_AVR_CARRY(p0, p1, p2, p3, q1, q2, q3) \
    "add " p0 ", " q1 "\n\t"                     \
    "adc " p1 ", " q2 "\n\t"                     \
    "adc " p2 ", " q3 "\n\t"                     \
    "adc " p3 ", r2\n\t"
#else
/* A number of several bytes in program memory, lowest first. */
static inline int32_t tc_avr_read(const uint8_t *bytes, unsigned count)
{
    uint32_t value = 0;
    while (count > 0) {
        value = value << 8 | bytes[--count];
    }
    return (int32_t)value;
}

/* The sum times the factor, rounded; `half`: see below. */
static inline int32_t tc_avr_scale(int32_t sum, int32_t multiplier, unsigned shift, uint8_t half)
{
    if (half != 0) {
        return tc_rounding_shift_right(tc_rounding_doubling_high_multiply(sum, multiplier), (int)shift);
    }
    return (int32_t)(((int64_t)sum * multiplier + ((int64_t)1 << (30 + shift))) >> (31 + shift));
}
#endif

/* Requantizes and writes the first `channels` sums, at least one. constants: those after the initial values; half: 0x80
 * to round twice, 0 to round once; low: the smallest output less its zero point; range: the largest output less the
 * smallest. */
TC_AVR_INSIDE static inline void tc_avr_store(const uint8_t *sums, const uint8_t *constants, uint8_t half, int16_t low,
                                              int8_t smallest, uint8_t range, uint8_t channels, int8_t *to)
{
#if defined(__AVR__)
    /* Every operand has a fixed register, so that none is assigned r28 and r29. */
    register const uint8_t most __asm__("r24") = range;
    register const int8_t least __asm__("r25") = smallest;
    /* clang-format off */
    __asm__ __volatile__(
        "push r28\n\t"
        "push r29\n\t"
        "movw r28, %[to]\n\t"
        "clr r2\n"
        "1:\n\t"
        "ld r18, X+\n\t"
        "ld r19, X+\n\t"
        "ld r20, X+\n\t"
        "tst r20\n\t"
        "brpl 2f\n\t"
        "clr r10\n\t"
        "adiw r30, 5\n\t"
        "sbrs %B[low], 7\n\t" /* with a ReLU negative sums need no product */
        "rjmp 9f\n\t"
        "sbiw r30, 5\n"
        "2:\n\t"
        "lpm r12, Z+\n\t"
        "lpm r13, Z+\n\t"
        "lpm r14, Z+\n\t"
        "lpm r15, Z+\n\t"
        TC_AVR_ROW("r12", "r4", "r5", "r6", "r7")
        TC_AVR_ROW("r13", "r8", "r9", "r10", "r11")
        TC_AVR_CARRY("r8", "r9", "r10", "r11", "r5", "r6", "r7")
        TC_AVR_ROW("r14", "r4", "r5", "r6", "r7")
        TC_AVR_CARRY("r4", "r5", "r6", "r7", "r9", "r10", "r11")
        TC_AVR_ROW("r15", "r8", "r9", "r10", "r11")
        TC_AVR_CARRY("r8", "r9", "r10", "r11", "r5", "r6", "r7")
        /* r11:r8: bytes 6 to 3 of the product, taking the sum as unsigned. */
        "mov r0, %[half]\n\t"
        "tst r20\n\t"
        "brpl 3f\n\t"
        "sub r8, r12\n\t"
        "sbc r9, r13\n\t"
        "sbc r10, r14\n\t"
        "sbc r11, r15\n\t"
        "add r8, r0\n\t"
        "adc r9, r2\n\t"
        "adc r10, r2\n\t"
        "adc r11, r2\n\t"
        "lsl r0\n\t" /* when rounding twice: ties away from zero */
        "sbc r9, r2\n\t"
        "sbc r10, r2\n\t"
        "sbc r11, r2\n\t"
        "rjmp 4f\n"
        "3:\n\t"
        "add r8, r0\n\t"
        "adc r9, r2\n\t"
        "adc r10, r2\n\t"
        "adc r11, r2\n"
        "4:\n\t"
        "lpm r18, Z+\n\t" /* shifted by 8 the value is r11:r10 */
        "subi r18, 8\n\t"
        "breq 7f\n\t"
        "brcs 6f\n"
        "5:\n\t"
        "asr r11\n\t"
        "ror r10\n\t"
        "ror r9\n\t"
        "dec r18\n\t"
        "brne 5b\n\t"
        "rjmp 7f\n"
        "6:\n\t"
        "lsl r9\n\t"
        "rol r10\n\t"
        "rol r11\n\t"
        "brvs 11f\n\t"
        "inc r18\n\t"
        "brne 6b\n"
        "7:\n\t"
        "lsl r9\n\t"
        "adc r10, r2\n\t"
        "adc r11, r2\n\t"
        "brvs 11f\n\t"
        "sub r10, %A[low]\n\t"
        "sbc r11, %B[low]\n\t"
        "brge 8f\n\t"
        "clr r10\n\t"
        "rjmp 9f\n"
        "8:\n\t"
        "cpse r11, r2\n\t"
        "mov r10, %[range]\n\t"
        "cp %[range], r10\n\t"
        "brsh 9f\n"
        "10:\n\t"
        "mov r10, %[range]\n"
        "9:\n\t"
        "add r10, %[smallest]\n\t"
        "st Y+, r10\n\t"
        "dec %[channels]\n\t"
        "breq 12f\n\t"
        "rjmp 1b\n"
        "11:\n\t" /* beyond 16 bits */
        "brge 10b\n\t"
        "clr r10\n\t"
        "rjmp 9b\n"
        "12:\n\t"
        "pop r29\n\t"
        "pop r28\n\t"
        "clr r1\n\t"
        : [channels] "+&a"(channels), "+&z"(constants), "+&x"(sums)
        : [low] "a"(low), [range] "r"(most), [smallest] "r"(least), [half] "l"(half), [to] "a"(to)
        : "r2", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r18", "r19", "r20",
          "memory");
    /* clang-format on */
#else
    for (unsigned c = 0; c < channels; c++, sums += 3, constants += 5) {
        const int32_t sum = (int32_t)((uint32_t)tc_avr_read(sums, 3) << 8) >> 8;
        const int32_t multiplier = (int32_t)((uint32_t)tc_avr_read(constants, 4) >> 1);
        int32_t value = tc_avr_scale(sum, multiplier, constants[4], half) - low;
        value = value < 0 ? 0 : value;
        value = value > range ? range : value;
        to[c] = (int8_t)(value + smallest);
    }
#endif
}

#endif
