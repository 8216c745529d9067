/* DEPTHWISE_CONV_2D on Armv7E-M, any window: four channels at a time, two window cells per SMLAD.
 *
 * Weights are stored in blocks of four channels (the last block is the last four), and in a block by pairs of cells a
 * and b, eight bytes: a0 a1 b0 b1, a2 a3 b2 b3, so that SXTB16 extracts both weights of a channel. A window with an odd
 * number of cells is padded with a cell of zero weights. */
#ifndef TINYCOMP_DEPTHWISE_DSP_H
#define TINYCOMP_DEPTHWISE_DSP_H

#include "address.h"
#include "depthwise_rounding.h"
#include "dsp.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_BLOCK 4

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    int8_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    int32_t rounding;
    const void *factors; /* per channel: initial value of the sums, multiplier; see rounding.h */
} tc_depthwise_dsp_t;

/* Finds the addresses of the cells (channel 0) of the window at (top, left); `border` for those outside the input. */
static tc_address_t *tc_depthwise_cells(const tc_depthwise_dsp_t *op, const tc_input_t *in, int32_t top, int32_t left,
                                        const int8_t *border, tc_address_t *cells)
{
    const int32_t step = op->dilation_width * op->channels;
    for (unsigned ky = op->kernel_height; ky > 0; ky--, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        const int8_t *const row = inside ? tc_input_row(in, (uint16_t)top) : border;
        int32_t x = left, offset = left * op->channels;
        for (unsigned kx = op->kernel_width; kx > 0; kx--, x += op->dilation_width, offset += step) {
            *cells++ = tc_address_of(inside && x >= 0 && x < op->input_width ? row + offset : border);
        }
    }
    return cells;
}

/* An output pixel: blocks of channels from `channel` to `stop`. The assembly relies on this order. */
typedef struct {
    const tc_address_t *cells;
    int8_t *to;
    size_t stop;
    int32_t rounding;
    const tc_address_t *end;
    const int8_t *weights; /* of the first block */
    size_t channel;
    const int32_t *factors; /* likewise */
} tc_depthwise_pixel_t;

#if TC_DSP
typedef char tc_assert_depthwise_pixel[offsetof(tc_depthwise_pixel_t, factors) == 28 ? 1 : -1];
/* clang-format off */
#define TC_DEPTHWISE_CELLS_SUM(sum) "ldr r8, [r12], #4\n\tldr r9, [r12], #4\n\tadd " sum ", r8, " sum ", lsl #8\n\t"
#define TC_DEPTHWISE_CELLS_ONCE(sum) TC_DEPTHWISE_CELLS_SUM(sum) TC_ROUND_ONCE(sum, "r9", "r11")
#define TC_DEPTHWISE_CELLS_TWICE(sum) \
    TC_DEPTHWISE_CELLS_SUM(sum) "ldr r11, [sp, #12]\n\t" TC_TWICE_FACTOR("r8", "r11") TC_ROUND_TWICE(sum, "r10", "r9", "r11", "r8")
#if TC_DEPTHWISE_ONCE
#define TC_DEPTHWISE_CELLS_OTHERS(code) ""
#else
#define TC_DEPTHWISE_CELLS_OTHERS(code) code
#endif

/* r0-r3 are sums, r4 the cells, r5 their end, r6 the weights, r7 the channel. On the stack: cells, to, stop, rounding,
 * factors. */
static __attribute__((noinline)) void tc_depthwise_pixel(const tc_depthwise_pixel_t *pixel)
{
    register const tc_depthwise_pixel_t *r0 __asm__("r0") = pixel;
    __asm__ volatile(
        TC_ASM_STACK("tc_depthwise_pixel", "56") TC_THUMB_SAVE
        "ldm r0, {r1, r2, r3, r4, r5, r6, r7, r8}\n\tpush {r1, r2, r3, r4, r8}\n"
        "1:\n\t" /* a block */
        "ldr r4, [sp]\n\tmov r0, #0\n\tmov r1, #0\n\tmov r2, #0\n\tmov r3, #0\n"
        "2:\n\t" /* two cells */
        "ldrd r8, r9, [r4], #8\n\tldr r8, [r8, r7]\n\tldr r9, [r9, r7]\n\tldr r10, [r6], #4\n\tldr r11, [r6], #4\n\t"
        "pkhbt r12, r8, r9, lsl #16\n\tpkhtb r8, r9, r8, asr #16\n\t"
        "sxtb16 r9, r12\n\tsxtb16 lr, r10\n\tsmlad r0, r9, lr, r0\n\t"
        "sxtb16 r12, r12, ror #8\n\tsxtb16 r10, r10, ror #8\n\tsmlad r1, r12, r10, r1\n\t"
        "sxtb16 r9, r8\n\tsxtb16 lr, r11\n\tsmlad r2, r9, lr, r2\n\t"
        "sxtb16 r8, r8, ror #8\n\tsxtb16 r11, r11, ror #8\n\tsmlad r3, r8, r11, r3\n\t"
        "cmp r4, r5\n\tbne 2b\n\t"
        "ldr r12, [sp, #16]\n\tldr r11, [sp, #12]\n\t" TC_DEPTHWISE_CELLS_OTHERS(TC_TO_TWICE("r11", "4f"))
        TC_DEPTHWISE_CELLS_ONCE("r0") TC_DEPTHWISE_CELLS_ONCE("r1") TC_DEPTHWISE_CELLS_ONCE("r2") TC_DEPTHWISE_CELLS_ONCE("r3")
        "3:\n\t"
        "str r12, [sp, #16]\n\tldr r12, [sp, #4]\n\tldr r8, [sp, #8]\n\tadd r12, r12, r7\n\t"
        "strb r0, [r12]\n\tstrb r1, [r12, #1]\n\tstrb r2, [r12, #2]\n\tstrb r3, [r12, #3]\n\t"
        "add r7, r7, #4\n\tcmp r7, r8\n\tbne 1b\n\t"
        TC_DEPTHWISE_CELLS_OTHERS(
        "b 5f\n"
        "4:\n\t"
        TC_DEPTHWISE_CELLS_TWICE("r0") TC_DEPTHWISE_CELLS_TWICE("r1") TC_DEPTHWISE_CELLS_TWICE("r2") TC_DEPTHWISE_CELLS_TWICE("r3")
        "b 3b\n")
        "5:\n\tadd sp, sp, #20\n\t" TC_THUMB_RESTORE
        : "+r"(r0)
        :
        : "r1", "r2", "r3", "r12", "cc", "memory");
}
/* clang-format on */

#else

static void tc_depthwise_pixel(const tc_depthwise_pixel_t *pixel)
{
    const int8_t *weights = pixel->weights;
    const int32_t *factors = pixel->factors;
    for (size_t c = pixel->channel; c != pixel->stop; c += TC_DEPTHWISE_BLOCK, factors += 2 * TC_DEPTHWISE_BLOCK) {
        uint32_t sums[TC_DEPTHWISE_BLOCK] = {0, 0, 0, 0};
        for (const tc_address_t *cell = pixel->cells; cell != pixel->end; cell += 2, weights += 8) {
            const uint32_t a = tc_load_word(tc_address_pointer(cell[0]) + c);
            const uint32_t b = tc_load_word(tc_address_pointer(cell[1]) + c);
            const uint32_t low = tc_pack_low(a, b), high = tc_pack_high(a, b);
            const uint32_t v = tc_load_word(weights), w = tc_load_word(weights + 4);
            sums[0] = tc_smlad(tc_sxtb16(low), tc_sxtb16(v), sums[0]);
            sums[1] = tc_smlad(tc_sxtb16_odd(low), tc_sxtb16_odd(v), sums[1]);
            sums[2] = tc_smlad(tc_sxtb16(high), tc_sxtb16(w), sums[2]);
            sums[3] = tc_smlad(tc_sxtb16_odd(high), tc_sxtb16_odd(w), sums[3]);
        }
        for (unsigned i = 0; i < TC_DEPTHWISE_BLOCK; i++) {
            const int32_t *const factor = factors + 2 * (size_t)i;
            pixel->to[c + i] = tc_depthwise_requantize(factor, pixel->rounding, (sums[i] << 8) + (uint32_t)factor[0]);
        }
    }
}

#endif

/* All channels of an output: the last block is always the last four. */
static void tc_depthwise_blocks_of(const tc_depthwise_dsp_t *op, const tc_address_t *cells, const tc_address_t *end,
                                   const int8_t *weights, const int32_t *factors, int8_t *to)
{
    const size_t whole = op->channels & ~(size_t)3, last = (size_t)op->channels - TC_DEPTHWISE_BLOCK;
    tc_depthwise_pixel_t pixel = {cells, to, whole, op->rounding, end, weights, 0, factors};
    tc_depthwise_pixel(&pixel);
    if (whole != op->channels) {
        pixel.weights = weights + (size_t)(end - cells) * whole;
        pixel.factors = factors + 2 * last;
        pixel.channel = last;
        pixel.stop = op->channels;
        tc_depthwise_pixel(&pixel);
    }
}

/* Output rows [first, last); at least four channels. Scratch: if factors are packed, all of them; an address (at most
 * eight bytes) per window cell, rounded up to an even number of cells; one cell. */
static void tc_depthwise_dsp(const tc_depthwise_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch)
{
    const unsigned count = (unsigned)op->kernel_height * op->kernel_width;
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, op->channels, scratch);
    int8_t *const rest = scratch + tc_factors_room(op->packed, op->channels);
    tc_address_t *const cells = (tc_address_t *)(void *)rest;
    int8_t *const border = rest + (count + count % 2) * 8;
    tc_fill(border, op->input_zero_point, op->channels);
    for (uint16_t y = first; y < last; y++) {
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->channels) {
            const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
            tc_address_t *end = tc_depthwise_cells(op, in, (int32_t)y * op->stride_height - op->padding_top, left,
                                                   border, cells);
            if (count % 2 != 0) {
                *end++ = tc_address_of(border);
            }
            tc_depthwise_blocks_of(op, cells, end, weights, factors, to);
            for (size_t c = 0; c < op->channels && (op->activation_min != -128 || op->activation_max != 127); c++) {
                to[c] = tc_clamp(to[c], op->activation_min, op->activation_max);
            }
        }
    }
}

#endif
