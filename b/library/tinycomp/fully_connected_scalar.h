/* FULLY_CONNECTED on cores without SIMD (products.h). Blocks of eight outputs share the expanded vector; a block stores
 * a word of every output, then the next word of each, a word being four inputs. Weights are stored with 128 added,
 * which makes them positive. The excess that this adds to a run of words, (X + Y) * 2^7 (2^16 + 1), is the same for all
 * outputs; it is subtracted from the initial value of the run.
 *
 * Rounds once: sums are scaled by 256, so only the high word of a product matters. */
#ifndef TINYCOMP_FULLY_CONNECTED_SCALAR_H
#define TINYCOMP_FULLY_CONNECTED_SCALAR_H

#include "products.h"
#include "tinycomp.h"

#define TC_FULLY_CONNECTED_OUTPUTS 8
#define TC_FULLY_CONNECTED_HALVES 1u
#define TC_FULLY_CONNECTED_MORE 2u

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    uint16_t chunk;       /* words of a block per decoder call; 0: weights are read in place */
    uint8_t workspace;    /* 1: the codec has one */
    uint8_t channel_step; /* 1: one factor per output; 0: one for all */
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights; /* padded to full blocks; without the added 128 if they are decoded */
    const uint16_t *runs;        /* ends of the runs of each block: see tc_fully_connected_all */
    const int32_t *bias;         /* padded to full blocks, with the input zero point folded in */
    const int32_t *multiplier;   /* padded too, if one per output */
    const int8_t *shift;         /* right shift, less one, of sum * multiplier / 2^24 */
} tc_fully_connected_scalar_t;

/* Four inputs: X, Z, and the excess that this word and all before it add to the sum of a run. */
typedef struct {
    uint32_t x, z, excess;
} tc_fully_connected_word_t;

/* State of the computation of blocks of outputs. */
typedef struct {
    const tc_fully_connected_word_t *vector, *word; /* word: the block's next one */
    const uint32_t *weights;                        /* of that word */
    const uint16_t *runs;                           /* the next run */
    uint32_t excess;                                /* of the words before it */
    const int32_t *bias, *multiplier;               /* bias: of the next block; multiplier: of this one */
    const int8_t *shift;
    uint32_t step;
    int32_t rounding; /* 2 * the output's zero point + 1 */
    int32_t low, high;
    int8_t *to, *end;
    int32_t sums[TC_FULLY_CONNECTED_OUTPUTS];
    size_t offset; /* of the weights not decoded yet */
    int8_t *buffer;
} tc_fully_connected_blocks_t;

static void tc_fully_connected_expand(const int8_t *from, size_t size, tc_fully_connected_word_t *to)
{
    uint32_t excess = 0;
    int8_t last[4] = {0, 0, 0, 0};
    for (size_t words = (size + 3) / 4; words > 0; words--, to++, from += 4) {
        uint32_t pair[2];
        if (words == 1 && size % 4 != 0) {
            tc_copy(last, from, size % 4);
            from = last;
        }
        tc_scalar_four(from, pair, 1);
        excess += 0x00800080u * (pair[0] + pair[1] + (pair[0] << 8));
        to->x = pair[0];
        to->z = pair[1];
        to->excess = excess;
    }
}

/* A word whose two products are separate runs. */
static void tc_fully_connected_halves(tc_fully_connected_blocks_t *blocks)
{
    const uint32_t x = blocks->word->x, y = blocks->word->z + (x << 8);
    for (unsigned i = 0; i < TC_FULLY_CONNECTED_OUTPUTS; i++) {
        const uint32_t odd = (*blocks->weights >> 8) & 0x00FF00FFu, even = *blocks->weights++ - (odd << 8);
        blocks->sums[i] += tc_scalar_upper(TC_SCALAR_HALF + (even - 0x00800080u) * x);
        blocks->sums[i] += tc_scalar_upper(TC_SCALAR_HALF + (odd - 0x00800080u) * y);
    }
    blocks->excess = blocks->word++->excess;
}

#if TC_SCALAR_RV32

/* clang-format off */
/* a0-a7 are the sums of the run, s2-s9 the total sums; s10 is the vector, s11 the weights, s1 the next run, t4 the end
 * of this one, t5 a mask, t6 the initial value of the run, ra that plus its excess, s0 the half, t0 and t1 the word. */
#define TC_FULLY_CONNECTED_BEGIN(offset, a)                                              \
    "lw t2, " offset "(s11)\n\tmul " a ", t2, t0\n\tsrli t2, t2, 8\n\tand t2, t2, t5\n\t" \
    "add " a ", " a ", t6\n\tmul t2, t2, t1\n\tadd " a ", " a ", t2\n\t"
#define TC_FULLY_CONNECTED_ADD(offset, a)                                               \
    "lw t2, " offset "(s11)\n\tmul t3, t2, t0\n\tsrli t2, t2, 8\n\tand t2, t2, t5\n\t"   \
    "add " a ", " a ", t3\n\tmul t2, t2, t1\n\tadd " a ", " a ", t2\n\t"
#define TC_FULLY_CONNECTED_WORD(each)                                                                       \
    "lw t0, 0(s10)\n\tlw t1, 4(s10)\n\t" each("0", "a0") each("4", "a1") each("8", "a2") each("12", "a3")    \
    each("16", "a4") each("20", "a5") each("24", "a6") each("28", "a7") "addi s10, s10, 12\n\taddi s11, s11, 32\n\t"
#define TC_FULLY_CONNECTED_UPPER(a, s) "srai " a ", " a ", 16\n\tadd " s ", " s ", " a "\n\t"
#define TC_FULLY_CONNECTED_SUMS(move, offset, from)                                                          \
    move " s2, " offset "(" from ")\n\t" move " s3, " offset "+4(" from ")\n\t"                              \
    move " s4, " offset "+8(" from ")\n\t" move " s5, " offset "+12(" from ")\n\t"                           \
    move " s6, " offset "+16(" from ")\n\t" move " s7, " offset "+20(" from ")\n\t"                          \
    move " s8, " offset "+24(" from ")\n\t" move " s9, " offset "+28(" from ")\n\t"
/* t1 and t2 point to multipliers and shifts, t3 is the step, a0 the rounding, a1 and a2 are the bounds, a3 the
 * outputs. */
#define TC_FULLY_CONNECTED_FACTOR "lw a4, 0(t1)\n\tlb a5, 0(t2)\n\tsll a6, a0, a5\n\taddi a5, a5, 1\n\t"
#define TC_FULLY_CONNECTED_FOLLOWING "slli a7, t3, 2\n\tadd t1, t1, a7\n\tadd t2, t2, t3\n\t"
#define TC_FULLY_CONNECTED_OUTPUT(s, i)                                                                   \
    "slli " s ", " s ", 8\n\tmulh " s ", " s ", a4\n\tadd " s ", " s ", a6\n\tsra " s ", " s ", a5\n\t"    \
    "bge " s ", a1, 9f\n\tmv " s ", a1\n9:\n\tble " s ", a2, 9f\n\tmv " s ", a2\n9:\n\tsb " s ", " i "(a3)\n\t"
#define TC_FULLY_CONNECTED_NEXT \
    "beqz t3, 9f\n\t" TC_FULLY_CONNECTED_FOLLOWING TC_FULLY_CONNECTED_FACTOR "9:\n\t"

/* The assembly reads members of tc_fully_connected_blocks_t by their offsets. */
typedef char tc_assert_blocks_offsets[offsetof(tc_fully_connected_blocks_t, sums) == 56 ? 1 : -1];

/* Returns after the last block, or before a word whose products are separate runs. */
TC_ASM_LONG_STRINGS
static __attribute__((noinline)) void tc_fully_connected_some(tc_fully_connected_blocks_t *blocks)
{
    register tc_fully_connected_blocks_t *a0 __asm__("a0") = blocks;
    __asm__ volatile(
        TC_ASM_STACK("tc_fully_connected_some", "64") TC_RV32_SAVE("64") "sw a0, 0(sp)\n\tmv t0, a0\n\tlw s10, 4(t0)\n\tlw s11, 8(t0)\n\tlw s1, 12(t0)\n\tlw ra, 16(t0)\n\t"
        "li t5, 0x00FF00FF\n\tli s0, 0x8000\n\tadd ra, ra, s0\n\t" TC_FULLY_CONNECTED_SUMS("lw", "56", "t0")
        "j 4f\n"
        "1:\n\t" /* a run */
        "add t4, s10, t4\n\tlw t3, -4(t4)\n\tsub t6, ra, t3\n\tadd ra, t3, s0\n\t"
        TC_FULLY_CONNECTED_WORD(TC_FULLY_CONNECTED_BEGIN)
        "beq s10, t4, 3f\n"
        "2:\n\t" TC_FULLY_CONNECTED_WORD(TC_FULLY_CONNECTED_ADD)
        "bne s10, t4, 2b\n"
        "3:\n\t"
        TC_FULLY_CONNECTED_UPPER("a0", "s2") TC_FULLY_CONNECTED_UPPER("a1", "s3") TC_FULLY_CONNECTED_UPPER("a2", "s4")
        TC_FULLY_CONNECTED_UPPER("a3", "s5") TC_FULLY_CONNECTED_UPPER("a4", "s6") TC_FULLY_CONNECTED_UPPER("a5", "s7")
        TC_FULLY_CONNECTED_UPPER("a6", "s8") TC_FULLY_CONNECTED_UPPER("a7", "s9")
        "4:\n\t"
        "lhu t4, 0(s1)\n\taddi s1, s1, 2\n\tbnez t4, 1b\n\t"
        "lw t0, 0(sp)\n\tlhu t4, 0(s1)\n\taddi s1, s1, 2\n\tbnez t4, 5f\n\t" /* the block's end */
        "lw t1, 24(t0)\n\tlw t2, 28(t0)\n\tlw t3, 32(t0)\n\tlw a0, 36(t0)\n\tlw a1, 40(t0)\n\tlw a2, 44(t0)\n\t"
        "lw a3, 48(t0)\n\t" TC_FULLY_CONNECTED_FACTOR
        TC_FULLY_CONNECTED_OUTPUT("s2", "0") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s3", "1") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s4", "2") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s5", "3") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s6", "4") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s7", "5") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s8", "6") TC_FULLY_CONNECTED_NEXT
        TC_FULLY_CONNECTED_OUTPUT("s9", "7") TC_FULLY_CONNECTED_FOLLOWING
        "sw t1, 24(t0)\n\tsw t2, 28(t0)\n\taddi a3, a3, 8\n\tsw a3, 48(t0)\n\tlw s10, 0(t0)\n\tmv ra, s0\n\t"
        "lw t4, 52(t0)\n\tbeq a3, t4, 5f\n\t"
        "lw t1, 20(t0)\n\taddi t2, t1, 32\n\tsw t2, 20(t0)\n\t" TC_FULLY_CONNECTED_SUMS("lw", "0", "t1")
        "j 4b\n"
        "5:\n\t"
        "sub ra, ra, s0\n\tsw ra, 16(t0)\n\tsw s10, 4(t0)\n\tsw s11, 8(t0)\n\tsw s1, 12(t0)\n\t"
        TC_FULLY_CONNECTED_SUMS("sw", "56", "t0") TC_RV32_RESTORE("64")
        : "+r"(a0)
        :
        : "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
}
TC_ASM_LONG_STRINGS_END
/* clang-format on */

#else

#if TC_SCALAR_ARMV6M

/* clang-format off */
/* r8-r11 are the sums of the run; r2 and r3 are the word, r4 is a mask, r5 the weights, r6 the vector, r7 the runs, r12
 * the end of this one, lr its initial value plus excess. */
#define TC_FULLY_CONNECTED_ADD(offset, s)                                                       \
    "ldr r0, [r5, #" offset "]\n\tlsrs r1, r0, #8\n\tands r1, r1, r4\n\tmuls r0, r2, r0\n\t"    \
    "add " s ", r0\n\tmuls r1, r3, r1\n\tadd " s ", r1\n\t"
#define TC_FULLY_CONNECTED_UPPER(s, offset)                                                     \
    "mov r1, " s "\n\tasrs r1, r1, #16\n\tldr r2, [r0, #" offset "]\n\tadds r2, r2, r1\n\tstr r2, [r0, #" offset "]\n\t"

#define TC_FULLY_CONNECTED_TOGETHER 4

/* Adds the runs up to the next 0 to some of the sums, given their weights. Returns the next word. Stack frame: 0 the
 * caller's r8 to r11, 16 the sums, 20 the half. */
static __attribute__((noinline)) const tc_fully_connected_word_t *tc_fully_connected_part(
    const tc_fully_connected_blocks_t *blocks, const uint32_t *weights, int32_t *sums)
{
    register const uint16_t *r0 __asm__("r0") = blocks->runs;
    register uint32_t r1 __asm__("r1") = blocks->excess + TC_SCALAR_HALF;
    register int32_t *r2 __asm__("r2") = sums;
    register uint32_t r3 __asm__("r3") = TC_SCALAR_HALF;
    register uint32_t r4 __asm__("r4") = 0x00FF00FFu;
    register const uint32_t *r5 __asm__("r5") = weights;
    register const tc_fully_connected_word_t *r6 __asm__("r6") = blocks->word;
    __asm__ volatile(
        ".syntax unified\n\t" TC_ASM_STACK("tc_fully_connected_part", "28")
        "push {r2, r3, r7}\n\tmov r2, r10\n\tmov r3, r11\n\tpush {r2, r3}\n\tmov r2, r8\n\tmov r3, r9\n\tpush {r2, r3}\n\t"
        "mov r7, r0\n\tmov lr, r1\n\tb 3f\n"
        "1:\n\t" /* a run */
        "adds r0, r0, r6\n\tmov r12, r0\n\tsubs r0, #4\n\tldr r0, [r0]\n\tmov r1, lr\n\tsubs r1, r1, r0\n\t"
        "mov r8, r1\n\tmov r9, r1\n\tmov r10, r1\n\tmov r11, r1\n\tldr r1, [sp, #20]\n\tadds r0, r0, r1\n\tmov lr, r0\n"
        "2:\n\t"
        "ldr r2, [r6]\n\tldr r3, [r6, #4]\n\t"
        TC_FULLY_CONNECTED_ADD("0", "r8") TC_FULLY_CONNECTED_ADD("4", "r9")
        TC_FULLY_CONNECTED_ADD("8", "r10") TC_FULLY_CONNECTED_ADD("12", "r11")
        "adds r5, #32\n\tadds r6, #12\n\tcmp r6, r12\n\tbne 2b\n\t"
        "ldr r0, [sp, #16]\n\t"
        TC_FULLY_CONNECTED_UPPER("r8", "0") TC_FULLY_CONNECTED_UPPER("r9", "4")
        TC_FULLY_CONNECTED_UPPER("r10", "8") TC_FULLY_CONNECTED_UPPER("r11", "12")
        "3:\n\t"
        "ldrh r0, [r7]\n\tadds r7, #2\n\tcmp r0, #0\n\tbne 1b\n\t"
        "pop {r2, r3}\n\tmov r8, r2\n\tmov r9, r3\n\tpop {r2, r3}\n\tmov r10, r2\n\tmov r11, r3\n\tpop {r2, r3, r7}\n\t"
        : "+l"(r0), "+l"(r1), "+l"(r2), "+l"(r3), "+l"(r4), "+l"(r5), "+l"(r6)
        :
        : "r12", "lr", "cc", "memory");
    return r6;
}
/* clang-format on */

#else

#define TC_FULLY_CONNECTED_TOGETHER 2

static const tc_fully_connected_word_t *tc_fully_connected_part(const tc_fully_connected_blocks_t *blocks,
                                                                const uint32_t *weights, int32_t *sums)
{
    const tc_fully_connected_word_t *word = blocks->word;
    uint32_t excess = blocks->excess;
    unsigned size;
    for (const uint16_t *run = blocks->runs; (size = *run) != 0; run++) {
        const tc_fully_connected_word_t *const end =
            (const tc_fully_connected_word_t *)(const void *)((const int8_t *)word + size);
        uint32_t a = TC_SCALAR_HALF + excess - end[-1].excess, b = a;
        for (; word != end; word++, weights += TC_FULLY_CONNECTED_OUTPUTS) {
            const uint32_t x = word->x, z = word->z, wa = weights[0], wb = weights[1];
            a += wa * x + ((wa >> 8) & 0x00FF00FFu) * z;
            b += wb * x + ((wb >> 8) & 0x00FF00FFu) * z;
        }
        sums[0] += tc_scalar_upper(a);
        sums[1] += tc_scalar_upper(b);
        excess = end[-1].excess;
    }
    return word;
}

#endif

/* Skips the runs up to the next 0, and the 0. */
static void tc_fully_connected_runs(tc_fully_connected_blocks_t *blocks)
{
    const tc_fully_connected_word_t *word = blocks->word;
    if (*blocks->runs != 0) {
        for (unsigned i = 0; i < TC_FULLY_CONNECTED_OUTPUTS; i += TC_FULLY_CONNECTED_TOGETHER) {
            word = tc_fully_connected_part(blocks, blocks->weights + i, blocks->sums + i);
        }
        blocks->weights += TC_FULLY_CONNECTED_OUTPUTS * (size_t)(word - blocks->word);
        blocks->word = word;
        blocks->excess = word[-1].excess;
    }
    while (*blocks->runs++ != 0) {
    }
}

static void tc_fully_connected_store(tc_fully_connected_blocks_t *blocks)
{
    for (unsigned i = 0; i < TC_FULLY_CONNECTED_OUTPUTS; i++) {
        const int shift = *blocks->shift;
        const int32_t product = tc_scalar_high_word(blocks->sums[i] * 256, *blocks->multiplier);
        const int32_t value = (product + blocks->rounding * ((int32_t)1 << shift)) >> (shift + 1);
        *blocks->to++ = tc_clamp(value, blocks->low, blocks->high);
        blocks->multiplier += blocks->step;
        blocks->shift += blocks->step;
    }
}

/* Returns after the last block, or before a word whose products are separate runs. */
static void tc_fully_connected_some(tc_fully_connected_blocks_t *blocks)
{
    for (;;) {
        tc_fully_connected_runs(blocks);
        if (*blocks->runs++ != 0) {
            return;
        }
        tc_fully_connected_store(blocks);
        blocks->word = blocks->vector;
        blocks->excess = 0;
        if (blocks->to == blocks->end) {
            return;
        }
        tc_copy(blocks->sums, blocks->bias, sizeof blocks->sums);
        blocks->bias += TC_FULLY_CONNECTED_OUTPUTS;
    }
}

#endif

/* Decodes the next weights. */
static void tc_fully_connected_read(tc_fully_connected_blocks_t *blocks, const tc_fully_connected_scalar_t *op)
{
    const size_t size = 4 * TC_FULLY_CONNECTED_OUTPUTS * (size_t)op->chunk;
    const int8_t *const read = tc_weights_read(op->weights, blocks->offset, size, blocks->buffer);
    uint32_t *const words = (uint32_t *)(void *)(blocks->buffer + (read - blocks->buffer));
    for (size_t i = 0; i < size / 4; i++) {
        words[i] ^= 0x80808080u;
    }
    blocks->weights = words;
    blocks->offset += size;
}

/* Computes the outputs [to, end), whole blocks. Runs are their ends in bytes of the vector, 12 per word; a 0 is
 * followed by 0: end of the block, TC_FULLY_CONNECTED_HALVES: a word of two runs, or TC_FULLY_CONNECTED_MORE: decode
 * weights. */
static void tc_fully_connected_all(tc_fully_connected_blocks_t *blocks, const tc_fully_connected_scalar_t *op,
                                   int8_t *to, int8_t *end)
{
    if (to == end) {
        return;
    }
    blocks->to = to;
    blocks->end = end;
    tc_copy(blocks->sums, blocks->bias, sizeof blocks->sums);
    blocks->bias += TC_FULLY_CONNECTED_OUTPUTS;
    for (;;) {
        tc_fully_connected_some(blocks);
        if (blocks->to == end) {
            return;
        }
        if (blocks->runs[-1] == TC_FULLY_CONNECTED_MORE) {
            tc_fully_connected_read(blocks, op);
        } else {
            tc_fully_connected_halves(blocks);
        }
    }
}

/* All outputs of an expanded vector. */
static void tc_fully_connected_vector(const tc_fully_connected_scalar_t *op, const tc_fully_connected_word_t *vector,
                                      int8_t *to, int8_t *buffer)
{
    const unsigned last = op->output_size % TC_FULLY_CONNECTED_OUTPUTS;
    int8_t some[TC_FULLY_CONNECTED_OUTPUTS];
    int8_t *const end = to + (op->output_size - last);
    tc_fully_connected_blocks_t blocks = {vector,
                                          vector,
                                          NULL,
                                          op->runs,
                                          0,
                                          op->bias,
                                          op->multiplier,
                                          op->shift,
                                          op->channel_step,
                                          2 * op->output_zero_point + 1,
                                          op->activation_min,
                                          op->activation_max,
                                          NULL,
                                          NULL,
                                          {0},
                                          0,
                                          buffer};
    if (op->chunk == 0 || op->workspace) {
        blocks.weights = (const uint32_t *)(const void *)tc_weights_read(op->weights, 0, 0, buffer);
    }
    tc_fully_connected_all(&blocks, op, to, end);
    if (last != 0) {
        tc_fully_connected_all(&blocks, op, some, some + sizeof some);
        tc_copy(end, some, last);
    }
}

/* Output rows [first, last). Scratch: 12 bytes per word of the vector; a chunk of weights, if they are decoded. */
static void tc_fully_connected_scalar(const tc_fully_connected_scalar_t *op, const tc_input_t *in,
                                      const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t words = (op->input_size + 3u) / 4;
    tc_fully_connected_word_t *const vector = (tc_fully_connected_word_t *)(void *)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
            tc_fully_connected_expand(from, op->input_size, vector);
            tc_fully_connected_vector(op, vector, to, (int8_t *)(vector + words));
        }
    }
}

#endif
