/* DEPTHWISE_CONV_2D on Armv8.1-M with MVE, for windows of at most sixteen taps: all products of an output in one
 * instruction.
 *
 * For up to sixteen channels at a time, four rows that windows read are interleaved: a plane of words, column by column
 * and in each channel by channel, that hold the four rows' values. A window's column is a word of each plane; a vector
 * of up to four such words meets the channel's weights, which are stored in the same order, filled up to whole words. Rows
 * that a window does not have are zeros. So are the words that it does not have, and those weights may be anything.
 *
 * The last channel's weights are read up to a whole vector, so 16 bytes less a channel's follow them. */
#ifndef TINYCOMP_DEPTHWISE_MVE_H
#define TINYCOMP_DEPTHWISE_MVE_H

#include "mve.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_WORDS 4u

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width, columns; /* that windows of a row read, those beyond the borders included */
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *bias;       /* of whole fours */
    const int32_t *multiplier; /* and the shifts in the order of mve.h */
    const int8_t *shift;
} tc_depthwise_mve_t;

/* Scratch begins with this; the planes follow. */
typedef struct {
    int8_t zeros[4 * TC_MVE_BLOCK];
    int8_t border[TC_MVE_BLOCK];
    int32_t sums[TC_MVE_BLOCK];
} tc_depthwise_mve_scratch_t;

/* Where a window's words lie, from the start of the scratch. */
typedef struct {
    int32_t at[TC_DEPTHWISE_WORDS], step[TC_DEPTHWISE_WORDS];
} tc_depthwise_mve_words_t;

/* Sums of `fours` times four channels. */
typedef void (*tc_depthwise_mve_products_t)(const int8_t *scratch, const int32_t *at, const int8_t *weights,
                                            const int32_t *bias, int32_t *sums, unsigned fours);

#if TC_MVE

#define TC_DEPTHWISE_TAPS(sum, bytes) \
    "vldrw.u32 q0, [q2, #4]!\n\tvldrb.8 q1, [%[weights]], #" bytes "\n\tvmladava.s8 " sum ", q0, q1\n\t"
#define TC_DEPTHWISE_PRODUCTS(bytes)                                                                         \
    {                                                                                                        \
        __asm__ volatile(                                                                                    \
            "vldrw.32 q2, [%[at]]\n\tvadd.i32 q2, q2, %[base]\n\tdls lr, %[fours]\n1:\n\t"                   \
            "ldrd r0, r2, [%[bias]], #8\n\tldrd r4, r6, [%[bias]], #8\n\t" TC_DEPTHWISE_TAPS("r0", bytes)    \
                TC_DEPTHWISE_TAPS("r2", bytes) TC_DEPTHWISE_TAPS("r4", bytes) TC_DEPTHWISE_TAPS(             \
                    "r6", bytes) "strd r0, r2, [%[sums]], #8\n\tstrd r4, r6, [%[sums]], #8\n\tle lr, 1b\n\t" \
            : [weights] "+l"(weights), [bias] "+r"(bias), [sums] "+r"(sums)                                  \
            : [at] "r"(at), [base] "r"(scratch - 4), [fours] "r"(fours)                                      \
            : "r0", "r2", "r4", "r6", "lr", "q0", "q1", "q2", "cc", "memory");                               \
    }

#else

static void tc_depthwise_mve_products(const int8_t *scratch, const int32_t *at, const int8_t *weights,
                                      const int32_t *bias, int32_t *sums, unsigned fours, unsigned words)
{
    for (unsigned c = 0; c < 4 * fours; c++) {
        sums[c] = bias[c];
        for (unsigned tap = 0; tap < 4 * words; tap++) {
            sums[c] += scratch[at[tap / 4] + (int32_t)(4 * c + tap % 4)] * *weights++;
        }
    }
}

#endif

/* Four rows that are read column by column, and how far apart columns lie. Rows that a window does not have, and those
 * beyond a border, stand still. */
typedef struct {
    const int8_t *at[4];
    size_t steps[4];
} tc_depthwise_mve_rows_t;

/* Interleaves `channels` channels of `count` columns. Returns where the next column goes. */
static inline int8_t *tc_depthwise_mve_interleave(const tc_depthwise_mve_rows_t *rows, size_t channels, unsigned count,
                                                  int8_t *to, size_t step)
{
#if TC_MVE
    register const tc_depthwise_mve_rows_t *from __asm__("r12") = rows;
    register int8_t *next __asm__("r8") = to;
    register size_t size __asm__("r9") = step, lanes __asm__("r10") = channels;
    register unsigned left __asm__("lr") = count;
    __asm__ volatile("vctp.8 r10\n\tldm r12, {r0, r1, r2, r3, r4, r5, r6, r7}\n\twls lr, lr, 2f\n"
                     "1:\n\t"
                     "vpstttt\n\tvldrbt.u8 q0, [r0]\n\tvldrbt.u8 q1, [r1]\n\tvldrbt.u8 q2, [r2]\n\t"
                     "vldrbt.u8 q3, [r3]\n\tadd r0, r0, r4\n\tadd r1, r1, r5\n\tadd r2, r2, r6\n\tadd r3, r3, r7\n\t"
                     "vst40.8 {q0, q1, q2, q3}, [r8]\n\tvst41.8 {q0, q1, q2, q3}, [r8]\n\t"
                     "vst42.8 {q0, q1, q2, q3}, [r8]\n\tvst43.8 {q0, q1, q2, q3}, [r8]\n\tadd r8, r8, r9\n\tle lr, 1b\n"
                     "2:\n\t"
                     : "+r"(next), "+r"(left)
                     : "r"(from), "r"(size), "r"(lanes)
                     : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "q0", "q1", "q2", "q3", "cc", "memory");
    return next;
#else
    for (unsigned x = 0; x < count; x++, to += step) {
        for (size_t c = 0; c < channels; c++) {
            for (unsigned row = 0; row < 4; row++) {
                to[4 * c + row] = rows->at[row][x * rows->steps[row] + c];
            }
        }
    }
    return to;
#endif
}

/* A plane's rows from `top` on, of which a window has `count`, and what lies left and right of them. */
static void tc_depthwise_mve_find_rows(const tc_depthwise_mve_t *op, const tc_input_t *in, int32_t top, unsigned count,
                                       size_t channel, const tc_depthwise_mve_scratch_t *start,
                                       tc_depthwise_mve_rows_t *rows, tc_depthwise_mve_rows_t *border)
{
    for (unsigned row = 0; row < 4; row++, top += op->dilation_height) {
        const int inside = row < count && top >= 0 && top < op->input_height;
        border->at[row] = row < count ? start->border : start->zeros;
        border->steps[row] = 0;
        rows->at[row] = inside ? tc_input_row(in, (uint16_t)top) + channel : border->at[row];
        rows->steps[row] = inside ? op->channels : 0;
    }
}

/* The planes of an output row. */
static void tc_depthwise_mve_planes(const tc_depthwise_mve_t *op, const tc_input_t *in, int32_t top, size_t channel,
                                    size_t channels, size_t step, int8_t *scratch)
{
    const tc_depthwise_mve_scratch_t *const start = (const tc_depthwise_mve_scratch_t *)(const void *)scratch;
    const unsigned before = op->padding_left < op->columns ? op->padding_left : op->columns;
    const unsigned room = op->columns - before;
    const unsigned inside = room < op->input_width ? room : op->input_width;
    int8_t *to = scratch + sizeof *start;
    for (unsigned ky = 0; ky < op->kernel_height; ky += 4, top += 4 * op->dilation_height) {
        tc_depthwise_mve_rows_t rows, border;
        tc_depthwise_mve_find_rows(op, in, top, op->kernel_height - ky, channel, start, &rows, &border);
        to = tc_depthwise_mve_interleave(&border, channels, before, to, step);
        to = tc_depthwise_mve_interleave(&rows, channels, inside, to, step);
        to = tc_depthwise_mve_interleave(&border, channels, room - inside, to, step);
    }
}

/* The words of a row's first window. */
static void tc_depthwise_mve_find_words(const tc_depthwise_mve_t *op, size_t step, tc_depthwise_mve_words_t *words)
{
    int32_t plane = sizeof(tc_depthwise_mve_scratch_t);
    unsigned word = 0;
    for (unsigned ky = 0; ky < op->kernel_height; ky += 4, plane += (int32_t)(op->columns * step)) {
        for (unsigned kx = 0; kx < op->kernel_width; kx++, word++) {
            words->at[word] = plane + (int32_t)(kx * op->dilation_width * step);
            words->step[word] = (int32_t)(op->stride_width * step);
        }
    }
    for (; word < TC_DEPTHWISE_WORDS; word++) {
        words->at[word] = 0;
        words->step[word] = 0;
    }
}

/* An output row of a block of channels, the first byte of which is `to`. */
static void tc_depthwise_mve_row(const tc_depthwise_mve_t *op, const tc_mve_factors_t *factors, size_t channel,
                                 size_t channels, const tc_depthwise_mve_words_t *first, const int8_t *weights,
                                 int8_t *to, int8_t *scratch, tc_depthwise_mve_products_t products)
{
    int32_t *const sums = ((tc_depthwise_mve_scratch_t *)(void *)scratch)->sums;
    const unsigned fours = (unsigned)(channels + 3) / 4;
    tc_depthwise_mve_words_t words = *first;
    for (unsigned x = op->output_width; x > 0; x--, to += op->channels) {
        products(scratch, words.at, weights, op->bias + channel, sums, fours);
        tc_mve_requantize(factors, sums, channel, channels, to);
        for (unsigned word = 0; word < TC_DEPTHWISE_WORDS; word++) {
            words.at[word] += words.step[word];
        }
    }
}

/* Output rows [first, last) of kernels whose windows have `words` words. Scratch: its beginning, the planes of a block
 * of channels, room for a column that is written in whole blocks; a block of weights. */
static void tc_depthwise_mve(const tc_depthwise_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch, size_t words, tc_depthwise_mve_products_t products)
{
    tc_depthwise_mve_scratch_t *const start = (tc_depthwise_mve_scratch_t *)(void *)scratch;
    const tc_mve_factors_t factors = {op->multiplier, op->shift, op->output_zero_point, op->activation_min,
                                      op->activation_max};
    const size_t most = op->channels < TC_MVE_BLOCK ? op->channels : TC_MVE_BLOCK;
    const size_t step = (most + 3) / 4 * TC_MVE_BLOCK; /* of columns */
    const size_t planes = (op->kernel_height + 3u) / 4 * op->columns * step;
    int8_t *const buffer = scratch + sizeof *start + planes + 4 * TC_MVE_BLOCK;
    tc_depthwise_mve_words_t found;
    tc_depthwise_mve_find_words(op, step, &found);
    tc_mve_fill(start->zeros, 0, sizeof start->zeros);
    tc_mve_fill(start->border, op->input_zero_point, sizeof start->border);
    for (size_t c = 0; c < op->channels; c += TC_MVE_BLOCK) {
        const size_t channels = op->channels - c < TC_MVE_BLOCK ? op->channels - c : TC_MVE_BLOCK;
        const int8_t *const weights = tc_weights_read(op->weights, 4 * words * c, 4 * words * ((channels + 3) / 4 * 4),
                                                      buffer);
        for (uint16_t y = first; y < last; y++) {
            tc_depthwise_mve_planes(op, in, (int32_t)y * op->stride_height - op->padding_top, c, channels, step,
                                    scratch);
            tc_depthwise_mve_row(op, &factors, c, channels, &found, weights, tc_output_row(out, y) + c, scratch,
                                 products);
        }
    }
}

#endif
