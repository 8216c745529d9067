/* FULLY_CONNECTED on Armv7E-M with 4-bit codebooks: a byte of two indices is looked up in a table of all pairs of
 * weights, which are operands of SMLAD (pair_table.h). 51 instructions for 32 products.
 *
 * Weights are stored in blocks of eight outputs, and in a block by groups of four inputs: per output the indices of w0,
 * w2, w1, w3. The remaining outputs form a smaller block of the same layout. */
#ifndef TINYCOMP_FULLY_CONNECTED_CODEBOOK_DSP_H
#define TINYCOMP_FULLY_CONNECTED_CODEBOOK_DSP_H

#include "fully_connected_outputs.h"
#include "pair_table.h"

typedef tc_fully_connected_dsp_t tc_fully_connected_codebook_dsp_t;

#if TC_DSP

/* r0-r7 are the sums, r8 and r9 activations, r11 their address, r12 the address of the indices, lr the pairs. */
#define TC_CODEBOOK_PRODUCTS(sum)                                                              \
    "ldrb r10, [r12], #1\n\tldr r10, [lr, r10, lsl #2]\n\tsmlad " sum ", r10, r8, " sum "\n\t" \
    "ldrb r10, [r12], #1\n\tldr r10, [lr, r10, lsl #2]\n\tsmlad " sum ", r10, r9, " sum "\n\t"
#define TC_CODEBOOK_GROUP                                                                                           \
    "ldr r9, [r11], #4\n\tsxtb16 r8, r9\n\tsxtb16 r9, r9, ror #8\n\t" TC_CODEBOOK_PRODUCTS("r0")                    \
        TC_CODEBOOK_PRODUCTS("r1") TC_CODEBOOK_PRODUCTS("r2") TC_CODEBOOK_PRODUCTS("r3") TC_CODEBOOK_PRODUCTS("r4") \
            TC_CODEBOOK_PRODUCTS("r5") TC_CODEBOOK_PRODUCTS("r6") TC_CODEBOOK_PRODUCTS("r7")

/* Sums of a block of outputs over `groups` groups. */
static inline void tc_fully_connected_pairs_block(const int8_t *x, const uint8_t *indices, const uint32_t *pairs,
                                                  size_t groups, const int32_t *start, uint32_t *sums)
{
    register const int32_t *r0 __asm__("r0") = start;
    register const uint8_t *r1 __asm__("r1") = indices;
    register const int8_t *r2 __asm__("r2") = x;
    register uint32_t *r3 __asm__("r3") = sums;
    register const uint32_t *r4 __asm__("r4") = pairs;
    register size_t r12 __asm__("r12") = groups;
    __asm__ volatile(
        "mov lr, r4\n\tadd r4, r2, r12, lsl #2\n\tpush {r3, r4, r7, r9, r11}\n\tmov r11, r2\n\tlsls r2, r12, #31\n\t"
        "mov r12, r1\n\tldm r0, {r0, r1, r2, r3, r4, r5, r6, r7}\n\tbne 2f\n"
        "1:\n\t" TC_CODEBOOK_GROUP "2:\n\t" TC_CODEBOOK_GROUP "ldr r10, [sp, #4]\n\tcmp r11, r10\n\tbne 1b\n\t"
        "ldr lr, [sp], #8\n\tstm lr, {r0, r1, r2, r3, r4, r5, r6, r7}\n\tpop {r7, r9, r11}\n\t"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r4), "+r"(r12)
        :
        : "r5", "r6", "r8", "r10", "lr", "cc", "memory");
}

#endif

/* Sums of `outputs` outputs, a block of indices, over `groups` groups. */
static void tc_fully_connected_pairs(const int8_t *x, const uint8_t *indices, const uint32_t *pairs, size_t groups,
                                     unsigned outputs, const int32_t *start, uint32_t *sums)
{
    for (unsigned i = 0; i < outputs; i++) {
        const uint8_t *at = indices + 2 * (size_t)i;
        uint32_t sum = (uint32_t)start[i];
        for (const int8_t *from = x, *const end = x + 4 * groups; from != end; from += 4, at += 2 * (size_t)outputs) {
            const uint32_t four = tc_load_word(from);
            sum = tc_smlad(pairs[at[0]], tc_sxtb16(four), sum);
            sum = tc_smlad(pairs[at[1]], tc_sxtb16_odd(four), sum);
        }
        sums[i] = sum;
    }
}

/* All outputs of a vector that is a multiple of four long. */
static __attribute__((noinline)) void tc_fully_connected_looked_up(const tc_fully_connected_codebook_dsp_t *op,
                                                                   const int8_t *x, const uint32_t *pairs,
                                                                   size_t groups, int8_t *to)
{
    const uint8_t *const indices = (const uint8_t *)tc_pair_table_indices(op->weights);
    uint32_t sums[TC_FULLY_CONNECTED_BLOCK];
    unsigned c = 0;
#if TC_DSP
    __asm__ volatile(TC_ASM_STACK("tc_fully_connected_looked_up", "20"));
    for (; c + TC_FULLY_CONNECTED_BLOCK <= op->output_size; c += TC_FULLY_CONNECTED_BLOCK) {
        tc_fully_connected_pairs_block(x, indices + 2 * groups * c, pairs, groups, op->start + c, sums);
        tc_fully_connected_store(op, c, sums, TC_FULLY_CONNECTED_BLOCK, to + c);
    }
#endif
    while (c < op->output_size) {
        const unsigned rest = op->output_size - c;
        const unsigned outputs = rest < TC_FULLY_CONNECTED_BLOCK ? rest : TC_FULLY_CONNECTED_BLOCK;
        tc_fully_connected_pairs(x, indices + 2 * groups * c, pairs, groups, outputs, op->start + c, sums);
        tc_fully_connected_store(op, c, sums, outputs, to + c);
        c += outputs;
    }
    tc_fully_connected_clamp(op, to);
}

/* Output rows [first, last). Scratch: the table of pairs (1024 bytes), then a vector padded to a multiple of four, if
 * it isn't one. */
static void tc_fully_connected_codebook_dsp(const tc_fully_connected_codebook_dsp_t *op, const tc_input_t *in,
                                            const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    uint32_t *const pairs = (uint32_t *)(void *)scratch;
    int8_t *const filled = (int8_t *)(pairs + TC_PAIR_TABLE);
    tc_pair_table_fill(op->weights, pairs);
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
            tc_fully_connected_looked_up(op, tc_fully_connected_input(op, from, filled), pairs,
                                         (op->input_size + 3u) / 4, to);
        }
    }
}

#endif
