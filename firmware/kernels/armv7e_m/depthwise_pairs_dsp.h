/* DEPTHWISE_CONV_2D on Armv7E-M with windows over neighbouring columns: two columns per SMLAD, four pixels at a time.
 *
 * For four input channels at a time, columns of the rows that windows cover become pairs of int16, (x0, x1), (x2, x3)
 * and so on. An output at an even column meets them with the pairs (w0, w1), (w2, w3), ... of its weights, one at an odd
 * column with (0, w0), (w1, w2), ... Input channels may have several output channels, which share the pairs. */
#ifndef TINYCOMP_DEPTHWISE_PAIRS_DSP_H
#define TINYCOMP_DEPTHWISE_PAIRS_DSP_H

#include "depthwise_rounding.h"
#include "dsp.h"
#include "tinycomp.h"

#define TC_PAIRS_CHANNELS 4u
#define TC_PAIRS_PIXELS 4u

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t pixels; /* of a row that are computed together, a multiple of four */
    uint8_t channel_multiplier;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, dilation_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    int8_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    int32_t rounding;
    const void *factors; /* per output channel: initial value of the sums, multiplier; see rounding.h */
} tc_depthwise_pairs_dsp_t;

/* Words of a row's weights, for even columns and for odd ones. */
static inline size_t tc_pairs_of_weights(const tc_depthwise_pairs_dsp_t *op)
{
    return op->kernel_width / 2u + 1;
}

/* Words of a channel's row of input. */
static inline size_t tc_pairs_of_inputs(const tc_depthwise_pairs_dsp_t *op)
{
    return op->pixels / 2u + tc_pairs_of_weights(op);
}

/* Up to four weights as bytes of a word; the others are zero. */
static inline uint32_t tc_pairs_four(const int8_t *from, unsigned count)
{
    uint32_t four = 0;
    if (count >= 4) {
        return tc_load_word(from);
    }
    for (unsigned i = 0; i < count; i++) {
        four |= (uint32_t)(uint8_t)from[i] << (8 * i);
    }
    return four;
}

/* The weights of an output channel: for each pair of columns that of even outputs, then that of odd ones. */
static __attribute__((noinline)) void tc_pairs_weights(const tc_depthwise_pairs_dsp_t *op, const int8_t *from,
                                                       uint32_t *to)
{
    const unsigned width = op->kernel_width;
    for (unsigned row = op->kernel_height; row > 0; row--, from += width) {
        uint32_t before = 0;
        for (unsigned x = 0; x <= width; x += 4) {
            const uint32_t four = tc_pairs_four(&from[x], width - x);
            const uint32_t even = tc_sxtb16(four), odd = tc_sxtb16_odd(four);
            *to++ = tc_pack_low(even, odd);
            *to++ = tc_pack_low(before, even);
            if (x + 2 <= width) {
                *to++ = tc_pack_high(even, odd);
                *to++ = (odd & 0xFFFFu) | (even & 0xFFFF0000u);
            }
            before = odd >> 16;
        }
    }
}

/* Four channels of two columns: a pair of each, `step` words apart. */
static inline void tc_pairs_put(uint32_t a, uint32_t b, uint32_t *to, size_t step)
{
    const uint32_t low = tc_pack_low(a, b), high = tc_pack_high(a, b);
    to[0] = tc_sxtb16(low);
    to[step] = tc_sxtb16_odd(low);
    to[2 * step] = tc_sxtb16(high);
    to[3 * step] = tc_sxtb16_odd(high);
}

/* Pairs of a row from column `left` on; row: its first column of the first of four channels, or NULL beyond a
 * border. */
static __attribute__((noinline)) void tc_pairs_row(const tc_depthwise_pairs_dsp_t *op, const int8_t *row, int32_t left,
                                                   uint32_t *to, size_t step)
{
    const uint32_t border = (uint8_t)op->input_zero_point * 0x01010101u;
    const int32_t width = (row != NULL) ? op->input_width : 0;
    const size_t channels = op->channels;
    uint32_t *const end = to + tc_pairs_of_inputs(op);
    for (int32_t x = left; to != end; x += 2, to++) {
        if (x >= 0 && x + 1 < width) {
            const int32_t whole = (width - x) / 2, room = (int32_t)(end - to);
            const int8_t *at = row + (size_t)x * channels;
            for (uint32_t *const last = to + ((whole < room) ? whole : room) - 1;; to++, at += 2 * channels, x += 2) {
                tc_pairs_put(tc_load_word(at), tc_load_word(at + channels), to, step);
                if (to == last) {
                    break;
                }
            }
        } else {
            const uint32_t a = (x >= 0 && x < width) ? tc_load_word(row + (size_t)x * channels) : border;
            const uint32_t b = (x + 1 >= 0 && x + 1 < width) ? tc_load_word(row + (size_t)(x + 1) * channels) : border;
            tc_pairs_put(a, b, to, step);
        }
    }
}

/* Pixels of an output channel, four at a time; advanced by what computes them. */
typedef struct {
    const uint32_t *inputs, *weights, *weights_end;
    size_t words; /* of weights of a row, for even columns */
    size_t line;  /* bytes from one row of inputs to the next */
    int8_t *to;
    size_t step; /* bytes between pixels */
    size_t fours;
    int32_t rounding, start, multiplier; /* see rounding.h */
} tc_pairs_pixels_t;

#if TC_DSP

/* The assembly relies on these member offsets. */
typedef char tc_assert_pairs_offsets[offsetof(tc_pairs_pixels_t, multiplier) == 40 ? 1 : -1];

/* clang-format off */
#define TC_PAIRS_PRODUCTS(first, second)                                                                          \
    "ldr " second ", [r8], #4\n\tldrd r11, lr, [r1], #8\n\tsmlad r4, r11, " first ", r4\n\tsmlad r5, lr, " first \
    ", r5\n\tsmlad r6, r11, " second ", r6\n\tsmlad r7, lr, " second ", r7\n\t"
#if TC_DEPTHWISE_ONCE
#define TC_PAIRS_TWICE(code) ""
#else
#define TC_PAIRS_TWICE(code) code
#endif
#define TC_PAIRS_ROUND_TWICE(sum) TC_ROUND_TWICE(sum, "r3", "r10", "r11", "r9")

TC_ASM_LONG_STRINGS
/* r4-r7 are the sums, r0 the row and r8 the next pair, r1 the weights and r2 their end, r3 the words that are left by
 * twos, r12 the line. Afterwards r8 are the members, r9 the start, r10 the multiplier, r11 the rounding, r0 the output
 * and r12 its step. Label 1: next row, 2: next two words, 6: next pixels. */
static __attribute__((noinline)) void tc_pairs_fours(tc_pairs_pixels_t *pixels)
{
    register tc_pairs_pixels_t *r0 __asm__("r0") = pixels;
    __asm__ volatile(
        TC_ASM_STACK("tc_pairs_fours", "44") TC_THUMB_SAVE
        "ldr r3, [r0, #12]\n\tpush {r0, r3}\n"
        "6:\n\t"
        "ldm r0, {r0, r1, r2, r3, r12}\n\tmov r4, #0\n\tmov r5, #0\n\tmov r6, #0\n\tmov r7, #0\n"
        "1:\n\t"
        "ldr r3, [sp, #4]\n\tmov r8, r0\n\tldr r9, [r8], #4\n\tlsrs r3, r3, #1\n\tbcc 2f\n\tmov r10, r9\n\t"
        TC_PAIRS_PRODUCTS("r10", "r9") "beq 3f\n"
        "2:\n\t"
        TC_PAIRS_PRODUCTS("r9", "r10") TC_PAIRS_PRODUCTS("r10", "r9") "subs r3, r3, #1\n\tbne 2b\n"
        "3:\n\t"
        "add r0, r0, r12\n\tcmp r1, r2\n\tbne 1b\n\t"
        "ldr r8, [sp]\n\tldrd r9, r10, [r8, #36]\n\tldr r11, [r8, #32]\n\tldrd r0, r12, [r8, #20]\n\t"
        "add r4, r9, r4, lsl #8\n\tadd r5, r9, r5, lsl #8\n\tadd r6, r9, r6, lsl #8\n\tadd r7, r9, r7, lsl #8\n\t"
        TC_PAIRS_TWICE(TC_TO_TWICE("r11", "4f"))
        TC_ROUND_ONCE("r4", "r10", "r11") TC_ROUND_ONCE("r5", "r10", "r11")
        TC_ROUND_ONCE("r6", "r10", "r11") TC_ROUND_ONCE("r7", "r10", "r11")
        "5:\n\t"
        "strb r4, [r0]\n\tstrb r5, [r0, r12]\n\tadd r0, r0, r12, lsl #1\n\tstrb r6, [r0]\n\tstrb r7, [r0, r12]\n\t"
        "add r0, r0, r12, lsl #1\n\tstr r0, [r8, #20]\n\tldr r1, [r8, #28]\n\tmov r0, r8\n\tldr r2, [r8]\n\t"
        "add r2, r2, #8\n\tstr r2, [r8]\n\tsubs r1, r1, #1\n\tstr r1, [r8, #28]\n\tbne 6b\n\tb 7f\n"
        TC_PAIRS_TWICE(
        "4:\n\t"
        TC_TWICE_FACTOR("r9", "r11") TC_PAIRS_ROUND_TWICE("r4") TC_PAIRS_ROUND_TWICE("r5")
        TC_PAIRS_ROUND_TWICE("r6") TC_PAIRS_ROUND_TWICE("r7") "b 5b\n")
        "7:\n\t"
        "add sp, sp, #8\n\t" TC_THUMB_RESTORE
        : "+r"(r0)
        :
        : "r1", "r2", "r3", "r12", "cc", "memory");
}
TC_ASM_LONG_STRINGS_END
/* clang-format on */

#else

static void tc_pairs_fours(tc_pairs_pixels_t *pixels)
{
    const size_t line = pixels->line / sizeof *pixels->inputs;
    const int32_t factor[2] = {pixels->start, pixels->multiplier};
    for (; pixels->fours > 0; pixels->fours--, pixels->inputs += 2) {
        for (size_t i = 0; i < TC_PAIRS_PIXELS; i++, pixels->to += pixels->step) {
            const uint32_t *row = &pixels->inputs[i / 2];
            uint32_t sum = 0;
            for (const uint32_t *w = &pixels->weights[i % 2]; w < pixels->weights_end; row += line) {
                for (size_t j = 0; j < pixels->words; j++, w += 2) {
                    sum = tc_smlad(*w, row[j], sum);
                }
            }
            *pixels->to = tc_depthwise_requantize(factor, pixels->rounding, (sum << 8) + (uint32_t)factor[0]);
        }
    }
}

#endif

/* `count` pixels of an output channel: full fours at once, then the rest by way of a buffer. */
static void tc_pairs_channel(tc_pairs_pixels_t *pixels, unsigned count)
{
    int8_t four[TC_PAIRS_PIXELS];
    pixels->fours = count / TC_PAIRS_PIXELS;
    if (pixels->fours > 0) {
        tc_pairs_fours(pixels);
    }
    if (count % TC_PAIRS_PIXELS != 0) {
        int8_t *to = pixels->to;
        const size_t step = pixels->step;
        pixels->fours = 1;
        pixels->to = four;
        pixels->step = 1;
        tc_pairs_fours(pixels);
        for (unsigned i = 0; i < count % TC_PAIRS_PIXELS; i++, to += step) {
            *to = four[i];
        }
    }
}

/* Output rows [first, last); at least four channels. Scratch: if factors are packed, all of them; the weights of an
 * output channel; the pairs of four channels. */
static void tc_depthwise_pairs_dsp(const tc_depthwise_pairs_dsp_t *op, const tc_input_t *in, const tc_output_t *out,
                                   uint16_t first, uint16_t last, int8_t *scratch)
{
    const unsigned window = (unsigned)op->kernel_height * op->kernel_width, multiplier = op->channel_multiplier;
    const size_t outputs = (size_t)op->channels * multiplier;
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, outputs, scratch);
    const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
    const size_t line = tc_pairs_of_inputs(op), plane = line * op->kernel_height;
    uint32_t *const expanded = (uint32_t *)(void *)(scratch + tc_factors_room(op->packed, outputs));
    uint32_t *const pairs = expanded + 2 * tc_pairs_of_weights(op) * op->kernel_height;
    for (uint16_t y = first; y < last; y++) {
        int8_t *const to = tc_output_row(out, y);
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        for (unsigned x = 0; x < op->output_width; x += op->pixels) {
            const unsigned rest = op->output_width - x, count = (rest < op->pixels) ? rest : op->pixels;
            for (size_t c = 0; c < op->channels; c += TC_PAIRS_CHANNELS) {
                const size_t most = op->channels - TC_PAIRS_CHANNELS, from = (c < most) ? c : most;
                for (unsigned ky = 0; ky < op->kernel_height; ky++) {
                    const int32_t at = top + (int32_t)(ky * op->dilation_height);
                    const bool inside = (at >= 0) && (at < op->input_height);
                    tc_pairs_row(op, inside ? tc_input_row(in, (uint16_t)at) + from : NULL,
                                 (int32_t)x - op->padding_left, pairs + ky * line, plane);
                }
                for (size_t i = from * multiplier; i < (from + TC_PAIRS_CHANNELS) * multiplier; i++) {
                    tc_pairs_pixels_t pixels = {pairs + plane * (i / multiplier - from),
                                                expanded,
                                                pairs,
                                                tc_pairs_of_weights(op),
                                                line * sizeof *pairs,
                                                to + outputs * x + i,
                                                outputs,
                                                0,
                                                op->rounding,
                                                factors[2 * i],
                                                factors[2 * i + 1]};
                    tc_pairs_weights(op, weights + window * i, expanded);
                    tc_pairs_channel(&pixels, count);
                }
            }
        }
        for (size_t i = 0;
             (i < outputs * op->output_width) && ((op->activation_min != -128) || (op->activation_max != 127)); i++) {
            to[i] = tc_clamp(to[i], op->activation_min, op->activation_max);
        }
    }
}

#endif
