/* CONV_2D with few weights per window on cores without SIMD: the windows of four pixels are expanded to words, then
 * multiplied with all output channels. Weights are read in place. */
#ifndef TINYCOMP_CONV_2D_SMALL_SCALAR_H
#define TINYCOMP_CONV_2D_SMALL_SCALAR_H

#include "requantize.h"
#include "tinycomp.h"

#define TC_SMALL_PIXELS 4u

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint16_t length;             /* weights per channel, even */
    const tc_weights_t *weights; /* channel by channel */
    const int32_t *factors;      /* per channel: bias * 32 + right shift + 1, multiplier */
} tc_conv_2d_small_scalar_t;

#if defined(__ARM_ARCH_6M__) && defined(__OPTIMIZE__) && !defined(TC_NO_ASM)

/* clang-format off */
/* r8, r10, r11 and r12 are the sums, lr their address. */
#define TC_SMALL_WEIGHT                                                                                   \
    "ldrsb %[at], [%[end], %[index]]\n\t"                                                                 \
    "ldmia %[tile]!, {r0, r1}\n\tmuls r0, %[at], r0\n\tadd r8, r0\n\tmuls r1, %[at], r1\n\tadd r10, r1\n\t"  \
    "ldmia %[tile]!, {r0, r1}\n\tmuls r0, %[at], r0\n\tadd r11, r0\n\tmuls r1, %[at], r1\n\tadd r12, r1\n\t" \
    "adds %[index], #1\n\t"

/* Adds the products of `length` weights of a channel, an even number, with the interleaved activations of four
 * pixels. */
static void tc_conv_2d_small_sums(const uint32_t *tile, const int8_t *weights, size_t length, uint32_t *sums)
{
    const int8_t *const end = weights + length;
    const uint32_t *at = sums; /* later a weight */
    int32_t index = -(int32_t)length;
    __asm__ volatile(
        ".syntax unified\n\t"
        "mov lr, %[at]\n\tldr r0, [%[at]]\n\tmov r8, r0\n\tldr r0, [%[at], #4]\n\tmov r10, r0\n\t"
        "ldr r0, [%[at], #8]\n\tmov r11, r0\n\tldr r0, [%[at], #12]\n\tmov r12, r0\n"
        "1:\n\t" TC_SMALL_WEIGHT TC_SMALL_WEIGHT "bne 1b\n\t"
        "mov %[at], lr\n\tmov r0, r8\n\tstr r0, [%[at]]\n\tmov r0, r10\n\tstr r0, [%[at], #4]\n\t"
        "mov r0, r11\n\tstr r0, [%[at], #8]\n\tmov r0, r12\n\tstr r0, [%[at], #12]\n\t"
        : [tile] "+&l"(tile), [index] "+&l"(index), [at] "+&l"(at)
        : [end] "l"(end)
        : "r0", "r1", "r8", "r10", "r11", "r12", "lr", "cc", "memory");
}
#undef TC_SMALL_WEIGHT
/* clang-format on */

#else

static void tc_conv_2d_small_sums(const uint32_t *tile, const int8_t *weights, size_t length, uint32_t *sums)
{
    uint32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
    for (; length > 0; length -= 2, weights += 2, tile += 2 * TC_SMALL_PIXELS) {
        const uint32_t first = (uint32_t)(int32_t)weights[0], second = (uint32_t)(int32_t)weights[1];
        sum0 += tile[0] * first + tile[4] * second;
        sum1 += tile[1] * first + tile[5] * second;
        sum2 += tile[2] * first + tile[6] * second;
        sum3 += tile[3] * first + tile[7] * second;
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

#endif

/* All channels of `count` pixels. */
static void tc_conv_2d_small_tile(const tc_conv_2d_small_scalar_t *op, const int8_t *weights, const uint32_t *tile,
                                  int8_t *const *outs, unsigned count)
{
    const tc_scalar_output_t output = tc_scalar_output(op->output_zero_point, op->activation_min, op->activation_max);
    const int32_t *factors = op->factors;
    for (unsigned c = 0; c < op->output_channels; c++, factors += 2, weights += op->length) {
        const tc_scalar_scale_t scale = tc_scalar_scale(output, factors);
        const uint32_t start = (uint32_t)(factors[0] >> 5);
        uint32_t sums[TC_SMALL_PIXELS] = {start, start, start, start};
        tc_conv_2d_small_sums(tile, weights, op->length, sums);
        for (unsigned p = 0; p < count; p++) {
            outs[p][c] = tc_scalar_int8((int32_t)sums[p], scale);
        }
    }
}

/* Expands `count` activations of a pixel; with a step of 0 the same one each time. */
static inline uint32_t *tc_conv_2d_small_copy(const int8_t *from, size_t step, size_t count, uint32_t *to)
{
    for (; count > 0; count--, from += step, to += TC_SMALL_PIXELS) {
        *to = (uint32_t)(int32_t)*from;
    }
    return to;
}

/* Expands the window at (top, left) as one of the tile's pixels. */
static void tc_conv_2d_small_expand(const tc_conv_2d_small_scalar_t *op, const tc_input_t *in, int32_t top,
                                    int32_t left, uint32_t *to)
{
    const size_t channels = op->input_channels;
    const int whole = op->dilation_width == 1 && left >= 0 && left + op->kernel_width <= op->input_width;
    const unsigned runs = whole ? 1u : op->kernel_width; /* runs of contiguous cells */
    const size_t length = whole ? op->kernel_width * channels : channels;
    uint32_t *const end = to + TC_SMALL_PIXELS * (size_t)op->length;
    for (unsigned ky = op->kernel_height; ky > 0; ky--, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        const int8_t *const row = inside ? tc_input_row(in, (uint16_t)top) : NULL;
        int32_t x = left;
        for (unsigned run = runs; run > 0; run--, x += op->dilation_width) {
            if (inside && x >= 0 && x < op->input_width) {
                to = tc_conv_2d_small_copy(row + (size_t)x * channels, 1, length, to);
            } else {
                to = tc_conv_2d_small_copy(&op->input_zero_point, 0, length, to);
            }
        }
    }
    if (to != end) { /* an odd number of weights is padded with 0 */
        *to = 0;
    }
}

/* Output rows [first, last). Scratch: the tile, 16 bytes per weight of a channel, aligned for uint32_t. */
static void tc_conv_2d_small_scalar(const tc_conv_2d_small_scalar_t *op, const tc_input_t *in, const tc_output_t *out,
                                    uint16_t first, uint16_t last, int8_t *scratch)
{
    uint32_t *const tile = (uint32_t *)(void *)scratch;
    const int8_t *const weights = tc_weights_read(op->weights, 0, op->output_channels * (size_t)op->length, NULL);
    int8_t *outs[TC_SMALL_PIXELS];
    unsigned held = 0;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (unsigned x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
            tc_conv_2d_small_expand(op, in, top, left, tile + held);
            outs[held++] = to;
            if (held == TC_SMALL_PIXELS || (x == 1 && y + 1 == last)) {
                tc_conv_2d_small_tile(op, weights, tile, outs, held);
                held = 0;
            }
        }
    }
}

#endif
