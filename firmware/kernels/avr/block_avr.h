/* A block of four output channels: what their sums start at, and how these become int8.
 *
 * A sum has 24 bits; what lies above them in 32 is not read. Activations count from -128, as unsigned bytes: one of -128
 * adds nothing to any sum. */
#ifndef TINYCOMP_BLOCK_AVR_H
#define TINYCOMP_BLOCK_AVR_H

#include "tinycomp.h"

#define TC_AVR_CHANNELS 4

typedef struct {
    uint32_t multiplier[TC_AVR_CHANNELS]; /* with 32 fractional bits */
    uint32_t sums[3 * TC_AVR_CHANNELS];   /* first what they start at, above it the shift to the right, 1 at least */
    int16_t low, high;                    /* of the output, less its zero point */
    int8_t zero_point;
    uint8_t half; /* 0x80 where sums are rounded twice, 0 where they are rounded once */
} tc_avr_block_t;

/* The output's part of a block. */
static inline void tc_avr_block_init(tc_avr_block_t *block, int8_t zero_point, int8_t low, int8_t high, uint8_t half)
{
    block->low = (int16_t)(low - zero_point);
    block->high = (int16_t)(high - zero_point);
    block->zero_point = zero_point;
    block->half = half;
}

/* `factors` are the block's multipliers and starts. */
static inline void tc_avr_block_load(tc_avr_block_t *block, const int32_t *factors)
{
    TC_COPY(block, factors, 2 * sizeof block->multiplier);
}

/* Cells [begin, end) of a window; the others hang over a border. */
typedef struct {
    uint8_t begin, end;
} tc_avr_span_t;

/* A window of `kernel` cells, whose first one lies at `origin`, over an input of `size` cells. */
static inline tc_avr_span_t tc_avr_span(int origin, int size, uint8_t kernel)
{
    tc_avr_span_t span = {0, kernel};
    if (origin < 0) {
        span.begin = -origin < kernel ? (uint8_t)-origin : kernel;
    }
    if (size - origin < kernel) {
        span.end = size - origin > span.begin ? (uint8_t)(size - origin) : span.begin;
    }
    return span;
}

#if defined(__AVR__)
/* The product of a sum of 24 bits, in three registers, and a byte of the multiplier. */
#define TC_AVR_ROW(byte, p0, p1, p2, p3) \
    "mul %A[sum], " byte "\n\t"          \
    "movw " p0 ", r0\n\t"                \
    "mul %C[sum], " byte "\n\t"          \
    "movw " p2 ", r0\n\t"                \
    "mul %B[sum], " byte "\n\t"          \
    "add " p1 ", r0\n\t"                 \
    "adc " p2 ", r1\n\t"                 \
    "adc " p3 ", r2\n\t"
/* Its upper three bytes added to the next byte's product. */
#define TC_AVR_CARRY(p0, p1, p2, p3, q1, q2, q3) \
    "add " p0 ", " q1 "\n\t"                     \
    "adc " p1 ", " q2 "\n\t"                     \
    "adc " p2 ", " q3 "\n\t"                     \
    "adc " p3 ", r2\n\t"
#endif

/* sum * multiplier / 2^(32 + shift), rounded; it has 16 bits. */
static inline int16_t tc_avr_scale(uint32_t sum, const uint32_t *multiplier, uint8_t shift, uint8_t half)
{
#if defined(__AVR__)
    int16_t value;
    __asm__ __volatile__(
        "clr r2\n\t"
        "ldd r12, Z+0\n\t"
        "ldd r13, Z+1\n\t"
        "ldd r14, Z+2\n\t"
        "ldd r15, Z+3\n\t"
        TC_AVR_ROW("r12", "r4", "r5", "r6", "r7")
        TC_AVR_ROW("r13", "r8", "r9", "r10", "r11")
        TC_AVR_CARRY("r8", "r9", "r10", "r11", "r5", "r6", "r7")
        TC_AVR_ROW("r14", "r4", "r5", "r6", "r7")
        TC_AVR_CARRY("r4", "r5", "r6", "r7", "r9", "r10", "r11")
        TC_AVR_ROW("r15", "r8", "r9", "r10", "r11")
        TC_AVR_CARRY("r8", "r9", "r10", "r11", "r5", "r6", "r7")
        "clr r1\n\t"
        /* r11 to r8: bytes 6 to 3 of the product, as if the sum had no sign. */
        "sbrs %C[sum], 7\n\t"
        "rjmp 1f\n\t"
        "sub r8, r12\n\t"
        "sbc r9, r13\n\t"
        "sbc r10, r14\n\t"
        "sbc r11, r15\n"
        "1:\n\t"
        "add r8, %[half]\n\t"
        "adc r9, r2\n\t"
        "adc r10, r2\n\t"
        "adc r11, r2\n\t"
        "sbrs %C[sum], 7\n\t"
        "rjmp 2f\n\t"
        "mov r0, %[half]\n\t" /* a tie below zero is rounded down */
        "lsl r0\n\t"
        "sbc r9, r2\n\t"
        "sbc r10, r2\n\t"
        "sbc r11, r2\n"
        "2:\n\t"
        "subi %[shift], 8\n\t"
        "breq 5f\n\t"
        "brcs 4f\n"
        "3:\n\t"
        "asr r11\n\t"
        "ror r10\n\t"
        "ror r9\n\t"
        "dec %[shift]\n\t"
        "brne 3b\n\t"
        "rjmp 5f\n"
        "4:\n\t"
        "lsl r9\n\t"
        "rol r10\n\t"
        "rol r11\n\t"
        "inc %[shift]\n\t"
        "brne 4b\n"
        "5:\n\t"
        "lsl r9\n\t"
        "adc r10, r2\n\t"
        "adc r11, r2\n\t"
        "movw %[value], r10\n\t"
        : [value] "=r"(value), [shift] "+d"(shift)
        : [sum] "r"(sum), [half] "r"(half), "z"(multiplier), "m"(*multiplier)
        : "r2", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");
    return value;
#else
    const int32_t x = (int32_t)(sum << 8) >> 8;
    const int32_t factor = (int32_t)(*multiplier >> 1);
    if (half != 0) {
        return (int16_t)tc_rounding_shift_right(tc_rounding_doubling_high_multiply(x, factor), shift);
    }
    return (int16_t)(((int64_t)x * factor + ((int64_t)1 << (30 + shift))) >> (31 + shift));
#endif
}

/* Writes the int8 values of the first channels' sums. */
static inline void tc_avr_block_store(const tc_avr_block_t *block, const uint32_t *sums, unsigned channels, int8_t *to)
{
    for (unsigned c = 0; c < channels; c++) {
        const uint32_t sum = sums[c];
        int16_t value = block->low;
        if (value < 0 || (sum & 0x800000u) == 0) { /* a ReLU needs no product below zero */
            value = tc_avr_scale(sum, &block->multiplier[c], (uint8_t)(block->sums[c] >> 24), block->half);
            value = value < block->low ? block->low : value;
            value = value > block->high ? block->high : value;
        }
        to[c] = (int8_t)(value + block->zero_point);
    }
}

#endif
