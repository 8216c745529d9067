/* CONV_2D on Armv8.1-M with MVE: three output channels of two pixels at a time, sixteen products an instruction, 12
 * instructions for 96. Weights lie as the portable kernel has them; what is left of sixteen is predicated away.
 *
 * A window of one cell is read where it lies, others are gathered into scratch. */
#ifndef TINYCOMP_CONV_2D_MVE_H
#define TINYCOMP_CONV_2D_MVE_H

#include "mve.h"
#include "tinycomp.h"

#define TC_CONV_CHANNELS 48u /* that have room in the sums, a multiple of three and of sixteen */

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *bias;       /* with the input zero point folded in */
    const int32_t *multiplier; /* and the shifts in the order of mve.h */
    const int8_t *shift;
} tc_conv_2d_mve_t;

/* A block of channels, what its sums start at, and the sums of two pixels. */
typedef struct {
    int32_t bias[TC_CONV_CHANNELS];
    int32_t sums[2][TC_CONV_CHANNELS];
} tc_conv_sums_t;

#if TC_MVE

/* What the assembly reads and changes, in the order in which it has it. */
typedef struct {
    const int8_t *first, *second;
    size_t length, step; /* from where a channel's weights end, rounded up, to those of three channels on */
    int32_t *end;
    const int8_t *weights[3];
    int32_t *sums;
} tc_conv_state_t;

/* Sums of the channels in whole threes up to state->end. */
static inline void tc_conv_threes(tc_conv_state_t *state)
{
    tc_conv_state_t *volatile const at = state;
    __asm__ volatile(
        "ldr r11, %[at]\n\tldrd r5, r7, [r11, #20]\n\tldrd r9, r12, [r11, #28]\n"
        "1:\n\t"
        "ldrd r1, r3, [r11]\n\tldrd r0, r2, [r12]\n\tldr r4, [r12, #8]\n\t"
        "mov r6, r0\n\tmov r8, r2\n\tmov r10, r4\n\tldr lr, [r11, #8]\n\tdlstp.8 lr, lr\n"
        "2:\n\t"
        "vldrb.8 q0, [r1], #16\n\tvldrb.8 q2, [r5], #16\n\tvmladava.s8 r0, q0, q2\n\t"
        "vldrb.8 q3, [r7], #16\n\tvmladava.s8 r2, q0, q3\n\t"
        "vldrb.8 q4, [r9], #16\n\tvmladava.s8 r4, q0, q4\n\t"
        "vldrb.8 q1, [r3], #16\n\tvmladava.s8 r6, q1, q2\n\tvmladava.s8 r8, q1, q3\n\tvmladava.s8 r10, q1, q4\n\t"
        "letp lr, 2b\n\t"
        "ldrd r1, r3, [r11, #12]\n\t"
        "strd r0, r2, [r12, #192]\n\tstr r4, [r12, #200]\n\tstrd r6, r8, [r12, #384]\n\tstr r10, [r12, #392]\n\t"
        "add r12, r12, #12\n\tadd r5, r5, r1\n\tadd r7, r7, r1\n\tadd r9, r9, r1\n\tcmp r12, r3\n\tbne 1b\n\t"
        "strd r5, r7, [r11, #20]\n\tstrd r9, r12, [r11, #28]\n\t"
        :
        : [at] "m"(at)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2", "q3",
          "q4", "cc", "memory");
}

/* The channels that are no whole three take the last one's weights more than once. */
static void tc_conv_products(tc_conv_sums_t *block, const int8_t *const *pixels, const int8_t *weights,
                             unsigned channels, size_t length)
{
    const size_t rounded = (length + 15) & ~(size_t)15;
    const unsigned whole = channels - channels % 3;
    tc_conv_state_t state = {pixels[0],
                             pixels[1],
                             length,
                             3 * length - rounded,
                             block->bias + whole,
                             {weights, weights + length, weights + 2 * length},
                             block->bias};
    if (whole != 0) {
        tc_conv_threes(&state);
    }
    if (whole != channels) {
        state.weights[1] -= channels - whole == 1 ? length : 0;
        state.weights[2] = state.weights[1];
        state.end += 3;
        tc_conv_threes(&state);
    }
}

#else

static void tc_conv_products(tc_conv_sums_t *block, const int8_t *const *pixels, const int8_t *weights,
                             unsigned channels, size_t length)
{
    for (unsigned c = 0; c < channels; c++, weights += length) {
        for (unsigned pixel = 0; pixel < 2; pixel++) {
            int32_t sum = block->bias[c];
            for (size_t i = 0; i < length; i++) {
                sum += pixels[pixel][i] * weights[i];
            }
            block->sums[pixel][c] = sum;
        }
    }
}

#endif

/* The window at (top, left), cells beyond a border hold the zero point. */
static void tc_conv_gather(const tc_conv_2d_mve_t *op, const tc_input_t *in, int32_t top, int32_t left, int8_t *to)
{
    const size_t channels = op->input_channels, length = op->kernel_width * channels;
    const int whole = op->dilation_width == 1 && left >= 0 && left + op->kernel_width <= op->input_width;
    for (unsigned ky = op->kernel_height; ky > 0; ky--, top += op->dilation_height) {
        const int8_t *row;
        if (top < 0 || top >= op->input_height) {
            tc_mve_fill(to, op->input_zero_point, length);
            to += length;
            continue;
        }
        row = tc_input_row(in, (uint16_t)top);
        if (whole) {
            tc_mve_copy(to, row + (size_t)left * channels, length);
            to += length;
            continue;
        }
        for (int32_t kx = 0, x = left; kx < op->kernel_width; kx++, x += op->dilation_width, to += channels) {
            if (x >= 0 && x < op->input_width) {
                tc_mve_copy(to, row + (size_t)x * channels, channels);
            } else {
                tc_mve_fill(to, op->input_zero_point, channels);
            }
        }
    }
}

/* The first `count` of two pixels. */
static void tc_conv_pixels(const tc_mve_factors_t *factors, tc_conv_sums_t *block, const int8_t *const *pixels,
                           const int8_t *weights, unsigned first, unsigned channels, size_t length, int8_t *const *outs,
                           unsigned count)
{
    tc_conv_products(block, pixels, weights, channels, length);
    for (unsigned i = 0; i < count; i++) {
        tc_mve_requantize(factors, block->sums[i], first, channels, outs[i]);
    }
}

/* Output rows [first, last). Scratch: sums, two windows unless they are read where they lie, a block of weights. */
static void tc_conv_2d_mve(const tc_conv_2d_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                           uint16_t last, int8_t *scratch)
{
    const size_t length = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const int lies = length == op->input_channels && op->padding_top == 0 && op->padding_left == 0;
    tc_conv_sums_t *const block = (tc_conv_sums_t *)(void *)scratch;
    int8_t *const windows = scratch + sizeof *block;
    int8_t *const buffer = windows + (lies ? 0 : 2 * length);
    const tc_mve_factors_t factors = {op->multiplier, op->shift, op->output_zero_point, op->activation_min,
                                      op->activation_max};
    unsigned channels;
    for (unsigned c = 0; c < op->output_channels; c += channels) {
        const int8_t *weights;
        const int8_t *pixels[2] = {windows, windows + length};
        int8_t *outs[2];
        unsigned held = 0;
        channels = op->output_channels - c < TC_CONV_CHANNELS ? op->output_channels - c : TC_CONV_CHANNELS;
        weights = tc_weights_read(op->weights, c * length, channels * length, buffer);
        memcpy(block->bias, op->bias + c, channels * sizeof(int32_t));
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            const int8_t *const row = lies ? tc_input_row(in, (uint16_t)top) : NULL;
            int32_t left = -(int32_t)op->padding_left;
            int8_t *to = tc_output_row(out, y) + c;
            for (unsigned x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
                if (lies) {
                    pixels[held] = row + (size_t)left * length;
                } else {
                    tc_conv_gather(op, in, top, left, windows + held * length);
                }
                outs[held++] = to;
                if (held == 2) {
                    tc_conv_pixels(&factors, block, pixels, weights, c, channels, length, outs, 2);
                    held = 0;
                }
            }
        }
        if (held == 1) {
            pixels[1] = pixels[0];
            tc_conv_pixels(&factors, block, pixels, weights, c, channels, length, outs, 1);
        }
    }
}

#endif
