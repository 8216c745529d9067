/* FULLY_CONNECTED on Armv7E-M with 4-bit codebooks: a byte of two indices is looked up in a table of all pairs of weights,
 * each an operand of SMLAD (pair_table.h). 51 instructions for 32 products.
 *
 * Weights lie by blocks of eight outputs, in each group by group of four: of each output the indices of w0, w2, w1, w3. The
 * outputs that are left over lie alike, in a block of their own. */
#ifndef TINYCOMP_FULLY_CONNECTED_CODEBOOK_DSP_H
#define TINYCOMP_FULLY_CONNECTED_CODEBOOK_DSP_H

#include "fully_connected_outputs.h"
#include "pair_table.h"

typedef tc_fully_connected_dsp_t tc_fully_connected_codebook_dsp_t;

#if TC_DSP && defined(__OPTIMIZE__)

/* r0-r7 are the sums, r8 and r9 the activations, r11 their address, r12 that of the indices, lr the pairs. */
#define TC_CODEBOOK_PRODUCTS(sum)                                                              \
    "ldrb r10, [r12], #1\n\tldr r10, [lr, r10, lsl #2]\n\tsmlad " sum ", r10, r8, " sum "\n\t" \
    "ldrb r10, [r12], #1\n\tldr r10, [lr, r10, lsl #2]\n\tsmlad " sum ", r10, r9, " sum "\n\t"
#define TC_CODEBOOK_GROUP                                                                                           \
    "ldr r9, [r11], #4\n\tsxtb16 r8, r9\n\tsxtb16 r9, r9, ror #8\n\t" TC_CODEBOOK_PRODUCTS("r0")                    \
        TC_CODEBOOK_PRODUCTS("r1") TC_CODEBOOK_PRODUCTS("r2") TC_CODEBOOK_PRODUCTS("r3") TC_CODEBOOK_PRODUCTS("r4") \
            TC_CODEBOOK_PRODUCTS("r5") TC_CODEBOOK_PRODUCTS("r6") TC_CODEBOOK_PRODUCTS("r7")

#endif

/* Sums of `outputs` outputs, whose indices lie side by side, over `groups` groups. */
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

/* All outputs of a vector whose size is whole groups. */
static __attribute__((noinline)) void tc_fully_connected_looked_up(const tc_fully_connected_codebook_dsp_t *op,
                                                                   const int8_t *x, const uint32_t *pairs,
                                                                   size_t groups, int8_t *to)
{
    const uint8_t *const indices = (const uint8_t *)tc_pair_table_indices(op->weights);
    uint32_t sums[TC_FULLY_CONNECTED_BLOCK];
    unsigned c = 0;
#if TC_DSP && defined(__OPTIMIZE__)
    const int8_t *volatile const first = x;
    const int8_t *volatile const last = x + 4 * groups;
    const uint8_t *volatile from = indices;
    const uint32_t *volatile const table = pairs;
    const int32_t *volatile start = op->start;
    uint32_t *volatile const sum = sums;
    const size_t volatile odd = groups & 1;
    for (; c + TC_FULLY_CONNECTED_BLOCK <= op->output_size; c += TC_FULLY_CONNECTED_BLOCK) {
        __asm__ volatile(
            "ldr lr, %[start]\n\t"
            "ldr r0, [lr], #4\n\tldr r1, [lr], #4\n\tldr r2, [lr], #4\n\tldr r3, [lr], #4\n\t"
            "ldr r4, [lr], #4\n\tldr r5, [lr], #4\n\tldr r6, [lr], #4\n\tldr r7, [lr], #4\n\t"
            "str lr, %[start]\n\tldr r11, %[first]\n\tldr r12, %[from]\n\tldr r10, %[odd]\n\t"
            "ldr lr, %[table]\n\tcmp r10, #0\n\tbne 2f\n"
            "1:\n\t" TC_CODEBOOK_GROUP "2:\n\t" TC_CODEBOOK_GROUP "ldr r10, %[last]\n\tcmp r11, r10\n\tbne 1b\n\t"
            "ldr lr, %[sum]\n\tstr r12, %[from]\n\t"
            "str r0, [lr]\n\tstr r1, [lr, #4]\n\tstr r2, [lr, #8]\n\tstr r3, [lr, #12]\n\t"
            "str r4, [lr, #16]\n\tstr r5, [lr, #20]\n\tstr r6, [lr, #24]\n\tstr r7, [lr, #28]\n\t"
            : [start] "+m"(start), [from] "+m"(from)
            : [first] "m"(first), [odd] "m"(odd), [last] "m"(last), [sum] "m"(sum), [table] "m"(table)
            : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
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

/* Output rows [first, last). Scratch: the table of pairs (1024 bytes), then a vector filled up to whole groups, where it
 * isn't. */
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
