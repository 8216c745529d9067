/* FULLY_CONNECTED with MAC16, with weights read in place, as each is used once: 7 instructions for four products.
 *
 * Four weights are a word R whose halves are 256 w1 + u0 and 256 w3 + u2, u = w + 128. Four activations become two
 * words: A = (x1, x3) and B = (256 x0 + 127 - x1, 256 x2 + 127 - x3). With U = (u0, u2), R masked,
 *     R A + U B = 256 (w1 x1 + w3 x3 + u0 x0 + u2 x2) + 127 (u0 + u2)
 * The accumulator's 40 bits hold this sum over all groups of four. The excess 128 (x0 + x2) is the same for all outputs
 * and is subtracted; the rest is part of the channel's line (line.h). */
#ifndef TINYCOMP_FULLY_CONNECTED_MAC16_H
#define TINYCOMP_FULLY_CONNECTED_MAC16_H

#include "line.h"

#define TC_DENSE_MAC16_BLOCK 16 /* maximum of outputs */
#define TC_DENSE_MAC16_EVEN 0x00800080u

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    uint8_t two_sided;           /* see line.h */
    uint8_t coded, workspace;    /* 1: weights are decoded; 1: by a codec with a workspace */
    uint16_t fours;              /* per input */
    uint16_t block;              /* outputs per read of weights */
    const tc_weights_t *weights; /* one row per output: words R, or plain weights if they are decoded */
    const int32_t *factors;      /* see line.h */
} tc_fully_connected_mac16_t;

/* The assembly relies on these member offsets. */
typedef struct {
    const uint32_t *input;   /* 0: A and B of each group of four, less one word */
    const uint32_t *weights; /* 4 */
    size_t fours;            /* 8 */
    int32_t even;            /* 12: 128 times the sum of x0 and x2 */
    int32_t *sums;           /* 16 */
    unsigned channels;       /* 20: at least one */
} tc_dense_mac16_t;

#if TC_MAC16

typedef char tc_assert_dense_mac16_offsets[offsetof(tc_dense_mac16_t, channels) == 20 ? 1 : -1];

/* clang-format off */
/* A channel at label 0. One word is loaded beyond the last group. */
static __attribute__((noinline)) TC_HOT void tc_dense_mac16(tc_dense_mac16_t *dense)
{
    const uint32_t *weights = dense->weights, *x;
    int32_t *sums = dense->sums;
    size_t fours = dense->fours;
    uint32_t word, low, even = (uint32_t)dense->even, mask = TC_MAC16_BYTES;
    __asm__ volatile(
        TC_MAC16_REGISTERS
        "ssai 8\n"
        "0:\n\t"
        "l32i %[x], %[dense], 0\n\tmovi %[low], 0\n\t" TC_WSR_ACCLO("%[low]") TC_WSR_ACCHI("%[low]")
        "j 1f\n\t.balign 4\n1:\n\t"
        TC_LDINC("0", "%[x]") "_addi %[word], %[low], 0\n\t" TC_LOOPNEZ("%[fours]", "2f")
        "l32i %[word], %[weights], 0\n\tand %[low], %[word], %[mask]\n\taddi %[weights], %[weights], 4\n\t"
        TC_MULA_DA_LDINC(TC_LL, "1", "%[x]", "0", "%[word]") TC_MULA_DA(TC_HH, "0", "%[word]")
        TC_MULA_DA_LDINC(TC_LL, "0", "%[x]", "1", "%[low]") TC_MULA_DA(TC_HH, "1", "%[low]")
        "2:\n\t"
        TC_RSR_ACCLO("%[low]") TC_RSR_ACCHI("%[word]")
        "src %[low], %[word], %[low]\n\tsub %[low], %[low], %[even]\n\ts32i %[low], %[sums], 0\n\t"
        "addi %[sums], %[sums], 4\n\tl32i %[word], %[dense], 20\n\taddi %[word], %[word], -1\n\t"
        "s32i %[word], %[dense], 20\n\tbnez %[word], 0b\n\t"
        : [weights] "+&r"(weights), [sums] "+&r"(sums), [x] "=&r"(x), [word] "=&r"(word), [low] "=&r"(low)
        : [dense] "r"(dense), [fours] "r"(fours), [even] "r"(even), [mask] "r"(mask)
        : "memory");
}
/* clang-format on */

#else

static __attribute__((noinline)) TC_HOT void tc_dense_mac16(tc_dense_mac16_t *dense)
{
    const uint32_t *weights = dense->weights;
    for (unsigned c = 0; c < dense->channels; c++) {
        const uint32_t *x = dense->input + 1;
        int64_t sum = 0;
        for (size_t i = dense->fours; i > 0; i--, x += 2, weights++) {
            const uint32_t even = *weights & TC_MAC16_BYTES;
            sum += (int64_t)tc_mac16_low(x[0]) * tc_mac16_low(*weights);
            sum += (int64_t)tc_mac16_high(x[0]) * tc_mac16_high(*weights);
            sum += (int64_t)tc_mac16_low(x[1]) * tc_mac16_low(even);
            sum += (int64_t)tc_mac16_high(x[1]) * tc_mac16_high(even);
        }
        dense->sums[c] = (int32_t)(sum >> 8) - dense->even;
    }
}

#endif

/* Expands a vector, padded with zeros. Returns 128 times the sum of x0 and x2. */
static int32_t tc_dense_mac16_expand(const int8_t *from, size_t size, uint32_t *to)
{
    int32_t even = 0;
    for (; size >= 4; size -= 4, from += 4, to += 2) {
        const int32_t x0 = from[0], x1 = from[1], x2 = from[2], x3 = from[3];
        even += x0 + x2;
        to[0] = ((uint32_t)x1 & 0xFFFFu) | (uint32_t)x3 << 16;
        to[1] = ((uint32_t)(256 * x0 + 127 - x1) & 0xFFFFu) | (uint32_t)(256 * x2 + 127 - x3) << 16;
    }
    if (size != 0) {
        int8_t rest[4] = {0, 0, 0, 0};
        tc_copy(rest, from, size);
        return 128 * even + tc_dense_mac16_expand(rest, sizeof rest, to);
    }
    return 128 * even;
}

/* Reads the words of some outputs' weights. */
static const uint32_t *tc_dense_mac16_weights(const tc_fully_connected_mac16_t *op, unsigned first, unsigned channels,
                                              int8_t *buffer)
{
    const size_t fours = op->fours;
    const int8_t *const read = tc_weights_read(op->weights, 4 * fours * first, 4 * fours * channels, buffer);
    if (op->coded) {
        uint32_t *const words = (uint32_t *)(void *)(buffer + (read - buffer));
        for (size_t i = 0; i < fours * channels; i++) {
            words[i] ^= TC_DENSE_MAC16_EVEN;
        }
    }
    return (const uint32_t *)(const void *)read;
}

/* Output rows [first, last). Scratch: an expanded vector, 8 bytes per group of four, plus 4; a block of weights, if
 * they are decoded. */
static void tc_fully_connected_mac16(const tc_fully_connected_mac16_t *op, const tc_input_t *in, const tc_output_t *out,
                                     uint16_t first, uint16_t last, int8_t *scratch)
{
    uint32_t *const input = (uint32_t *)(void *)scratch;
    int8_t *const buffer = (int8_t *)(input + 2 * (size_t)op->fours + 1);
    int32_t sums[TC_DENSE_MAC16_BLOCK];
    if (op->workspace) {
        tc_weights_read(op->weights, 0, 0, buffer);
    }
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (unsigned x = op->width; x > 0; x--, from += op->input_size, to += op->output_size) {
            const int32_t even = tc_dense_mac16_expand(from, op->input_size, input);
            unsigned channels;
            for (unsigned c = 0; c < op->output_size; c += channels) {
                tc_dense_mac16_t dense = {input - 1, NULL, op->fours, even, sums, 0};
                channels = op->output_size - c < op->block ? op->output_size - c : op->block;
                dense.weights = tc_dense_mac16_weights(op, c, channels, buffer);
                dense.channels = channels;
                tc_dense_mac16(&dense);
                for (unsigned i = 0; i < channels; i++) {
                    const tc_line_t line = tc_line(tc_line_factors(op->factors, c + i, op->two_sided), op->two_sided);
                    to[c + i] = tc_line_output(&line, sums[i]);
                }
            }
        }
    }
}

#endif
