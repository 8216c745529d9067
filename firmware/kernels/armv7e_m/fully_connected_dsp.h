/* FULLY_CONNECTED on Armv7E-M: eight outputs share each activation, which is expanded on the fly (see gemm.h), without
 * scratch. 36 instructions for 32 products.
 *
 * Weights are stored in blocks of eight outputs, and in a block by groups of four inputs: a word per output. The
 * remaining outputs form a smaller block of the same layout. Sums start at 256 * bias - 127 * (w0 + w2 of all
 * groups).
 *
 * A sum that may exceed 24 bits is the sum of parts that don't, each with its own start; the parts, whose lowest eight
 * bits are zero, are added up scaled by 16. */
#ifndef TINYCOMP_FULLY_CONNECTED_DSP_H
#define TINYCOMP_FULLY_CONNECTED_DSP_H

#include "fully_connected_outputs.h"

/* 1: outputs come in blocks of eight. */
#ifndef TC_FULLY_CONNECTED_EIGHTS
#define TC_FULLY_CONNECTED_EIGHTS 0
#endif
/* 1: no layer takes its inputs in parts. */
#ifndef TC_FULLY_CONNECTED_UNDIVIDED
#define TC_FULLY_CONNECTED_UNDIVIDED 0
#endif
#if TC_FULLY_CONNECTED_UNDIVIDED
#define TC_FULLY_CONNECTED_DIVIDED(op) 0
#else
#define TC_FULLY_CONNECTED_DIVIDED(op) ((op)->part != 0)
#endif

#if TC_DSP

/* r0-r7 are the sums, r11 the activations, r12 the weights. */
#define TC_FULLY_CONNECTED_GROUP                                                                   \
    "ldr r9, [r11], #4\n\tldr r10, [r12], #4\n\tldr lr, [r12], #4\n\tsxtb16 r8, r9, ror #8\n\t"    \
    "eor r9, r9, #0x7F007F00\n\trev16 r9, r9\n\tsmlad r0, r10, r8, r0\n\tsmlad r1, lr, r8, r1\n\t" \
    "sxtb16 r10, r10\n\tsxtb16 lr, lr\n\tsmlad r0, r10, r9, r0\n\tsmlad r1, lr, r9, r1\n\t"        \
    "ldr r10, [r12], #4\n\tldr lr, [r12], #4\n\tsmlad r2, r10, r8, r2\n\tsmlad r3, lr, r8, r3\n\t" \
    "sxtb16 r10, r10\n\tsxtb16 lr, lr\n\tsmlad r2, r10, r9, r2\n\tsmlad r3, lr, r9, r3\n\t"        \
    "ldr r10, [r12], #4\n\tldr lr, [r12], #4\n\tsmlad r4, r10, r8, r4\n\tsmlad r5, lr, r8, r5\n\t" \
    "sxtb16 r10, r10\n\tsxtb16 lr, lr\n\tsmlad r4, r10, r9, r4\n\tsmlad r5, lr, r9, r5\n\t"        \
    "ldr r10, [r12], #4\n\tldr lr, [r12], #4\n\tsmlad r6, r10, r8, r6\n\tsmlad r7, lr, r8, r7\n\t" \
    "sxtb16 r10, r10\n\tsxtb16 lr, lr\n\tsmlad r6, r10, r9, r6\n\tsmlad r7, lr, r9, r7\n\t"

/* Sums of a block of outputs over `groups` groups. */
static inline void tc_fully_connected_block(const int8_t *x, const int8_t *weights, size_t groups, const int32_t *start,
                                            uint32_t *sums)
{
    register const int32_t *r0 __asm__("r0") = start;
    register const int8_t *r1 __asm__("r1") = weights;
    register const int8_t *r2 __asm__("r2") = x;
    register uint32_t *r3 __asm__("r3") = sums;
    register size_t r12 __asm__("r12") = groups;
    __asm__ volatile(
        "add r4, r2, r12, lsl #2\n\tpush {r3, r4, r7, r9, r11}\n\tmov r11, r2\n\tlsls r2, r12, #31\n\tmov r12, r1\n\t"
        "ldm r0, {r0, r1, r2, r3, r4, r5, r6, r7}\n\tbne 2f\n"
        "1:\n\t" TC_FULLY_CONNECTED_GROUP "2:\n\t" TC_FULLY_CONNECTED_GROUP
        "ldr lr, [sp, #4]\n\tcmp r11, lr\n\tbne 1b\n\t"
        "ldr lr, [sp], #8\n\tstm lr, {r0, r1, r2, r3, r4, r5, r6, r7}\n\tpop {r7, r9, r11}\n\t"
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12)
        :
        : "r4", "r5", "r6", "r8", "r10", "lr", "cc", "memory");
}

#endif

/* Adds the products of four weights. */
static inline uint32_t tc_fully_connected_add(const int8_t *weights, uint32_t odd, uint32_t even, uint32_t sum)
{
    const uint32_t w = tc_load_word(weights);
    return tc_smlad(tc_sxtb16(w), even, tc_smlad(w, odd, sum));
}

#if !TC_SMALL && !TC_FULLY_CONNECTED_EIGHTS

/* Four sums of a block of words that has `step` bytes per group. */
static void tc_fully_connected_four(const int8_t *x, const int8_t *w, size_t groups, size_t step, const int32_t *start,
                                    uint32_t *sums)
{
    uint32_t s0 = (uint32_t)start[0], s1 = (uint32_t)start[1], s2 = (uint32_t)start[2], s3 = (uint32_t)start[3];
    for (const int8_t *const end = x + 4 * groups; x != end; x += 4, w += step) {
        const uint32_t a = tc_load_word(x), odd = tc_sxtb16_odd(a), even = tc_rev16(a ^ 0x7F007F00u);
        s0 = tc_fully_connected_add(w, odd, even, s0);
        s1 = tc_fully_connected_add(w + 4, odd, even, s1);
        s2 = tc_fully_connected_add(w + 8, odd, even, s2);
        s3 = tc_fully_connected_add(w + 12, odd, even, s3);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* Two sums. */
static void tc_fully_connected_two(const int8_t *x, const int8_t *w, size_t groups, size_t step, const int32_t *start,
                                   uint32_t *sums)
{
    uint32_t s0 = (uint32_t)start[0], s1 = (uint32_t)start[1];
    for (const int8_t *const end = x + 4 * groups; x != end; x += 4, w += step) {
        const uint32_t a = tc_load_word(x), odd = tc_sxtb16_odd(a), even = tc_rev16(a ^ 0x7F007F00u);
        s0 = tc_fully_connected_add(w, odd, even, s0);
        s1 = tc_fully_connected_add(w + 4, odd, even, s1);
    }
    sums[0] = s0;
    sums[1] = s1;
}

#endif

/* Sums of `outputs` outputs, a block of words, over `groups` groups. */
static void tc_fully_connected_some(const int8_t *x, const int8_t *weights, size_t groups, unsigned outputs,
                                    const int32_t *start, uint32_t *sums)
{
    const size_t step = 4 * (size_t)outputs;
    unsigned i = 0;
#if !TC_SMALL && !TC_FULLY_CONNECTED_EIGHTS
    for (; outputs - i >= 4; i += 4) {
        tc_fully_connected_four(x, weights + 4 * (size_t)i, groups, step, start + i, sums + i);
    }
    for (; outputs - i >= 2; i += 2) {
        tc_fully_connected_two(x, weights + 4 * (size_t)i, groups, step, start + i, sums + i);
    }
#endif
    for (; i < outputs; i++) {
        const int8_t *w = weights + 4 * (size_t)i;
        uint32_t sum = (uint32_t)start[i];
        for (const int8_t *from = x, *const end = x + 4 * groups; from != end; from += 4, w += step) {
            const uint32_t a = tc_load_word(from);
            sum = tc_fully_connected_add(w, tc_sxtb16_odd(a), tc_rev16(a ^ 0x7F007F00u), sum);
        }
        sums[i] = sum;
    }
}

#if !TC_FULLY_CONNECTED_UNDIVIDED

/* The sums of a block of outputs, scaled by 16. */
static void tc_fully_connected_parts(const tc_fully_connected_dsp_t *op, const int8_t *x, const int8_t *weights,
                                     size_t groups, unsigned outputs, const int32_t *start, uint32_t *sums)
{
    uint32_t part[TC_FULLY_CONNECTED_BLOCK];
    tc_fill(sums, 0, outputs * sizeof *sums);
    for (size_t rest = groups; rest > 0; start += op->output_size) {
        const size_t some = (rest < op->part) ? rest : op->part;
#if TC_DSP
        if (outputs == TC_FULLY_CONNECTED_BLOCK) {
            tc_fully_connected_block(x, weights, some, start, part);
        } else
#endif
        {
            tc_fully_connected_some(x, weights, some, outputs, start, part);
        }
        for (unsigned i = 0; i < outputs; i++) {
            sums[i] += (uint32_t)((int32_t)part[i] >> 4);
        }
        x += 4 * some;
        weights += 4 * some * outputs;
        rest -= some;
    }
}

#endif

/* All outputs of a vector that is a multiple of four long. */
static __attribute__((noinline)) void tc_fully_connected_vector(const tc_fully_connected_dsp_t *op, const int8_t *x,
                                                                const int8_t *weights, size_t groups, int8_t *to)
{
    uint32_t sums[TC_FULLY_CONNECTED_BLOCK];
    unsigned c = 0;
#if TC_DSP
    __asm__ volatile(TC_ASM_STACK("tc_fully_connected_vector", "20"));
    for (; (TC_FULLY_CONNECTED_DIVIDED(op) == 0) && (c + TC_FULLY_CONNECTED_BLOCK <= op->output_size);
         c += TC_FULLY_CONNECTED_BLOCK) {
        tc_fully_connected_block(x, weights + 4 * groups * c, groups, op->start + c, sums);
        tc_fully_connected_store(op, c, sums, TC_FULLY_CONNECTED_BLOCK, to + c);
    }
#endif
    while (c < op->output_size) {
        const unsigned rest = op->output_size - c;
        const unsigned outputs = rest < TC_FULLY_CONNECTED_BLOCK ? rest : TC_FULLY_CONNECTED_BLOCK;
#if !TC_FULLY_CONNECTED_UNDIVIDED
        if (op->part != 0) {
            tc_fully_connected_parts(op, x, weights + 4 * groups * c, groups, outputs, op->start + c, sums);
        } else
#endif
        {
            tc_fully_connected_some(x, weights + 4 * groups * c, groups, outputs, op->start + c, sums);
        }
        tc_fully_connected_store(op, c, sums, outputs, to + c);
        c += outputs;
    }
    tc_fully_connected_clamp(op, to);
}

/* Output rows [first, last). Scratch: a vector padded to a multiple of four, if it isn't one. */
static void tc_fully_connected_dsp(const tc_fully_connected_dsp_t *op, const tc_input_t *in, const tc_output_t *out,
                                   uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t groups = (op->input_size + 3u) / 4;
    const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
            tc_fully_connected_vector(op, tc_fully_connected_input(op, from, scratch), weights, groups, to);
        }
    }
}

#endif
