/* FULLY_CONNECTED on cores that multiply one pair of numbers at a time (products.h). Blocks of eight outputs share the
 * expanded vector; in each, a word of every output lies side by side, for four inputs after four. As each weight is used
 * once, it keeps the 128 that is added to make it positive: what this adds to a run of words, (X + Y) * 2^7 (2^16 + 1), is
 * the same for all outputs, and taken off before the run.
 *
 * Rounds once: only the high word of a product matters, since a sum, 256-fold, is multiplied. */
#ifndef TINYCOMP_FULLY_CONNECTED_SCALAR_H
#define TINYCOMP_FULLY_CONNECTED_SCALAR_H

#include "products.h"
#include "tinycomp.h"

#define TC_FULLY_CONNECTED_OUTPUTS 8
#define TC_FULLY_CONNECTED_HALVES 1u

typedef struct {
    uint16_t width; /* vectors a row */
    uint16_t input_size, output_size;
    uint8_t channel_step; /* 1: one factor an output; 0: one for all */
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights; /* of whole blocks */
    const uint16_t *runs;        /* of each block: where they end, see tc_fully_connected_block */
    const int32_t *bias;         /* of whole blocks, with the input zero point folded in */
    const int32_t *multiplier;
    const int8_t *shift; /* to the right, less one, of a sum's product with the multiplier, divided by 2^24 */
} tc_fully_connected_scalar_t;

/* Four inputs: X, Z, and what this word and all before it add to the sum of a run. */
typedef struct {
    uint32_t x, z, excess;
} tc_fully_connected_word_t;

/* What is to be multiplied next. */
typedef struct {
    const tc_fully_connected_word_t *vector, *word;
    const uint32_t *weights;
    uint32_t excess; /* of the words before */
} tc_fully_connected_place_t;

static void tc_fully_connected_expand(const int8_t *from, size_t size, tc_fully_connected_word_t *to)
{
    uint32_t excess = 0;
    for (; size > 0; to++) {
        const size_t some = size < 4 ? size : 4;
        int8_t four[4] = {0, 0, 0, 0};
        uint32_t pair[2];
        for (size_t i = 0; i < some; i++) {
            four[i] = *from++;
        }
        size -= some;
        tc_scalar_expand(four, 0, 1, pair, 1);
        excess += 0x00800080u * (pair[0] + pair[1] + (pair[0] << 8));
        to->x = pair[0];
        to->z = pair[1];
        to->excess = excess;
    }
}

/* A word whose two products are runs of their own. */
static void tc_fully_connected_halves(const tc_fully_connected_word_t *word, const uint32_t *weights, int32_t *sums)
{
    const uint32_t x = word->x, y = word->z + (x << 8);
    for (unsigned i = 0; i < TC_FULLY_CONNECTED_OUTPUTS; i++) {
        const uint32_t odd = (weights[i] >> 8) & 0x00FF00FFu, even = weights[i] - (odd << 8);
        sums[i] += tc_scalar_upper(TC_SCALAR_HALF + (even - 0x00800080u) * x);
        sums[i] += tc_scalar_upper(TC_SCALAR_HALF + (odd - 0x00800080u) * y);
    }
}

#if TC_SCALAR_RV32 && defined(__OPTIMIZE__)

/* clang-format off */
/* a0-a7 are the sums of a run, s2-s9 those of all; s10 is the vector, s11 the weights, s1 what follows of the runs, t4 the
 * end of this one, t5 a mask, t6 what a run starts at, ra that and what it adds, s0 the half, t0 and t1 the word. */
#define TC_FULLY_CONNECTED_BEGIN(offset, a)                                                         \
    "lw t2, " offset "(s11)\n\tmul " a ", t2, t0\n\tsrli t2, t2, 8\n\tand t2, t2, t5\n\t"            \
    "add " a ", " a ", t6\n\tmul t2, t2, t1\n\tadd " a ", " a ", t2\n\t"
#define TC_FULLY_CONNECTED_ADD(offset, a)                                                           \
    "lw t2, " offset "(s11)\n\tmul t3, t2, t0\n\tsrli t2, t2, 8\n\tand t2, t2, t5\n\t"              \
    "add " a ", " a ", t3\n\tmul t2, t2, t1\n\tadd " a ", " a ", t2\n\t"
#define TC_FULLY_CONNECTED_WORD(each)                                                               \
    "lw t0, 0(s10)\n\tlw t1, 4(s10)\n\t" each("0", "a0") each("4", "a1") each("8", "a2") each("12", "a3") \
    each("16", "a4") each("20", "a5") each("24", "a6") each("28", "a7") "addi s10, s10, 12\n\taddi s11, s11, 32\n\t"
#define TC_FULLY_CONNECTED_UPPER(a, s) "srai " a ", " a ", 16\n\tadd " s ", " s ", " a "\n\t"

/* Runs up to the next 0, from where the weights and what was added before are. */
static __attribute__((noinline)) const uint16_t *tc_fully_connected_runs(tc_fully_connected_place_t *place,
                                                                         const uint16_t *runs, int32_t *sums)
{
    const tc_fully_connected_word_t *volatile const first = place->vector;
    const tc_fully_connected_word_t *volatile word = place->word;
    const uint32_t *volatile weights = place->weights;
    uint32_t volatile excess = place->excess;
    const uint16_t *volatile run = runs;
    int32_t *volatile const to = sums;
    __asm__ volatile(
        "lw t0, %[to]\n\tlw s10, %[word]\n\tlw s11, %[weights]\n\tlw s1, %[run]\n\tlw ra, %[excess]\n\t"
        "li t5, 0x00FF00FF\n\tli s0, 0x8000\n\tadd ra, ra, s0\n\t"
        "lw s2, 0(t0)\n\tlw s3, 4(t0)\n\tlw s4, 8(t0)\n\tlw s5, 12(t0)\n\t"
        "lw s6, 16(t0)\n\tlw s7, 20(t0)\n\tlw s8, 24(t0)\n\tlw s9, 28(t0)\n\t"
        "j 4f\n"
        "1:\n\t" /* a run */
        "lw t3, %[first]\n\tadd t4, t4, t3\n\tlw t3, -4(t4)\n\tsub t6, ra, t3\n\tadd ra, t3, s0\n\t"
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
        "sub ra, ra, s0\n\tsw ra, %[excess]\n\tsw s10, %[word]\n\tsw s11, %[weights]\n\tsw s1, %[run]\n\t"
        "lw t0, %[to]\n\tsw s2, 0(t0)\n\tsw s3, 4(t0)\n\tsw s4, 8(t0)\n\tsw s5, 12(t0)\n\t"
        "sw s6, 16(t0)\n\tsw s7, 20(t0)\n\tsw s8, 24(t0)\n\tsw s9, 28(t0)\n\t"
        : [run] "+m"(run), [word] "+m"(word), [weights] "+m"(weights), [excess] "+m"(excess)
        : [first] "m"(first), [to] "m"(to)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1",
          "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    place->word = word;
    place->weights = weights;
    place->excess = excess;
    return run;
}
/* clang-format on */

#else

static const uint16_t *tc_fully_connected_runs(tc_fully_connected_place_t *place, const uint16_t *runs, int32_t *sums)
{
    unsigned run;
    while ((run = *runs++) != 0) {
        const tc_fully_connected_word_t *const end = place->vector + run / sizeof *end;
        const uint32_t start = TC_SCALAR_HALF + place->excess - end[-1].excess;
        for (unsigned i = 0; i < TC_FULLY_CONNECTED_OUTPUTS; i += 2) {
            const uint32_t *w = place->weights + i;
            uint32_t a = start, b = start;
            for (const tc_fully_connected_word_t *at = place->word; at != end; at++, w += TC_FULLY_CONNECTED_OUTPUTS) {
                const uint32_t x = at->x, z = at->z, wa = w[0], wb = w[1];
                a += wa * x + ((wa >> 8) & 0x00FF00FFu) * z;
                b += wb * x + ((wb >> 8) & 0x00FF00FFu) * z;
            }
            sums[i] += tc_scalar_upper(a);
            sums[i + 1] += tc_scalar_upper(b);
        }
        place->excess = end[-1].excess;
        place->weights += TC_FULLY_CONNECTED_OUTPUTS * (size_t)(end - place->word);
        place->word = end;
    }
    return runs;
}

#endif

/* Adds the products of a block to its sums. Runs are given by the distance of their ends from the vector's start, 12 bytes
 * a word; after a 0 comes a word of two runs, TC_FULLY_CONNECTED_HALVES, or the end, 0. Returns the next block's runs. */
static const uint16_t *tc_fully_connected_block(const tc_fully_connected_word_t *vector, const uint32_t *weights,
                                                const uint16_t *runs, int32_t *sums)
{
    tc_fully_connected_place_t place = {vector, vector, weights, 0};
    for (;;) {
        runs = tc_fully_connected_runs(&place, runs, sums);
        if (*runs++ != TC_FULLY_CONNECTED_HALVES) {
            return runs;
        }
        tc_fully_connected_halves(place.word, place.weights, sums);
        place.excess = place.word->excess;
        place.word++;
        place.weights += TC_FULLY_CONNECTED_OUTPUTS;
    }
}

/* The high word of a product, b not negative. */
static inline int32_t tc_scalar_high_word(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_6M__) || defined(__XTENSA__)
    const uint32_t low = (uint32_t)a & 0xFFFFu, b_low = (uint32_t)b & 0xFFFFu;
    const int32_t high = a >> 16, b_high = b >> 16;
    const int32_t first = high * (int32_t)b_low + (int32_t)((low * b_low) >> 16);
    const int32_t second = (int32_t)low * b_high + (first & 0xFFFF);
    return high * b_high + (first >> 16) + (second >> 16);
#else
    return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

static void tc_fully_connected_store(const tc_fully_connected_scalar_t *op, unsigned c, const int32_t *sums, int8_t *to)
{
    const int32_t low = op->activation_min, high = op->activation_max, rounding = 2 * op->output_zero_point + 1;
    const unsigned rest = op->output_size - c, step = op->channel_step;
    const int32_t *multiplier = op->multiplier + step * c;
    const int8_t *shift = op->shift + step * c;
    const int32_t *const end = sums + (rest < TC_FULLY_CONNECTED_OUTPUTS ? rest : TC_FULLY_CONNECTED_OUTPUTS);
    for (to += c; sums != end; multiplier += step, shift += step) {
        const int32_t product = tc_scalar_high_word(*sums++ * 256, *multiplier) + rounding * ((int32_t)1 << *shift);
        *to++ = tc_clamp(product >> (*shift + 1), low, high);
    }
}

/* Output rows [first, last). Scratch: 12 bytes a word of the vector; a block of weights, where they are decoded. */
static void tc_fully_connected_scalar(const tc_fully_connected_scalar_t *op, const tc_input_t *in,
                                      const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t words = (op->input_size + 3u) / 4, block = 4 * TC_FULLY_CONNECTED_OUTPUTS * words;
    tc_fully_connected_word_t *const vector = (tc_fully_connected_word_t *)(void *)scratch;
    int8_t *const buffer = (int8_t *)(vector + words);
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
            const uint16_t *runs = op->runs;
            size_t offset = 0;
            tc_fully_connected_expand(from, op->input_size, vector);
            for (unsigned c = 0; c < op->output_size; c += TC_FULLY_CONNECTED_OUTPUTS, offset += block) {
                int32_t sums[TC_FULLY_CONNECTED_OUTPUTS];
                const int8_t *const weights = tc_weights_read(op->weights, offset, block, buffer);
                memcpy(sums, op->bias + c, sizeof sums);
                runs = tc_fully_connected_block(vector, (const uint32_t *)(const void *)weights, runs, sums);
                tc_fully_connected_store(op, c, sums, to);
            }
        }
    }
}

#endif
