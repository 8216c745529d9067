/* CONV_2D of int16 on Armv8.1-M with MVE: four channels of two pixels at a time, eight products per instruction, 15
 * instructions for 64 products.
 *
 * Weights are stored in blocks of four channels: first the remainder of the length, 1 to 8 weights of each channel, then
 * repeatedly eight weights of each. The last block is the last four channels, and may overlap the block before it. Sums
 * fit in 32 bits; the high word of a sum's product with its multiplier is the output. */
#ifndef TINYCOMP_CONV_2D_INT16_MVE_H
#define TINYCOMP_CONV_2D_INT16_MVE_H

#include "gather_int16.h"
#include "mve.h"

#define TC_GEMM_INT16_BLOCK 4u

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels; /* at least four */
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    uint8_t single; /* 1: windows are single cells of the input; 0: they are gathered */
    const tc_weights_t *weights;
    const int32_t *factors; /* of each block: what sums start at, multipliers */
} tc_conv_2d_int16_mve_t;

/* Two pixels, and blocks of channels. */
typedef struct {
    const int16_t *pixels[2];
    size_t rest, eights; /* of a pixel's length */
    const int8_t *weights;
    const int32_t *factors;
    int16_t *outs[2];
    size_t blocks;
    int32_t low, high;
} tc_gemm_int16_mve_t;

#if TC_MVE

/* The assembly relies on these member offsets of tc_gemm_int16_mve_t. */
typedef char tc_assert_gemm_int16_offsets
    [offsetof(tc_gemm_int16_mve_t, outs) == 24 && offsetof(tc_gemm_int16_mve_t, high) == 40 ? 1 : -1];

/* clang-format off */
#define TC_GEMM_INT16_FIRST(sum, other) \
    "vldrb.s16 q2, [r5]\n\tadd r5, r5, r9\n\tvmladav.s16 " sum ", q0, q2\n\tvmladav.s16 " other ", q1, q2\n\t"
#define TC_GEMM_INT16_NEXT(sum, other) \
    "vldrb.s16 q2, [r5], #8\n\tvmladava.s16 " sum ", q0, q2\n\tvmladava.s16 " other ", q1, q2\n\t"

/* The outputs of all blocks; weights, factors and outs move on. Sums take all even registers. */
TC_ASM_LONG_STRINGS
static __attribute__((noinline)) void tc_gemm_int16_mve(tc_gemm_int16_mve_t *gemm)
{
    register tc_gemm_int16_mve_t *r0 __asm__("r0") = gemm;
    __asm__ volatile(
        TC_ASM_STACK("tc_gemm_int16_mve", "36") TC_THUMB_SAVE
        "mov r7, r0\n\tldr r9, [r7, #8]\n\tldr r5, [r7, #16]\n\tvctp.16 r9\n"
        "1:\n\t"
        "ldrd r1, r3, [r7]\n\tvpstt\n\tvldrht.16 q0, [r1]\n\tvldrht.16 q1, [r3]\n\t"
        "add r1, r1, r9, lsl #1\n\tadd r3, r3, r9, lsl #1\n\t"
        TC_GEMM_INT16_FIRST("r0", "r8") TC_GEMM_INT16_FIRST("r2", "r10")
        TC_GEMM_INT16_FIRST("r4", "r12") TC_GEMM_INT16_FIRST("r6", "r14")
        "ldr r11, [r7, #12]\n\tcmp r11, #0\n\tbeq 3f\n"
        "2:\n\t"
        "vldrh.16 q0, [r1], #16\n\tvldrh.16 q1, [r3], #16\n\t"
        TC_GEMM_INT16_NEXT("r0", "r8") TC_GEMM_INT16_NEXT("r2", "r10")
        TC_GEMM_INT16_NEXT("r4", "r12") TC_GEMM_INT16_NEXT("r6", "r14")
        "subs r11, r11, #1\n\tbne 2b\n"
        "3:\n\t"
        "vmov q0[2], q0[0], r0, r4\n\tvmov q0[3], q0[1], r2, r6\n\t"
        "vmov q1[2], q1[0], r8, r12\n\tvmov q1[3], q1[1], r10, r14\n\t"
        "ldr r0, [r7, #20]\n\tvldrw.32 q2, [r0], #16\n\tvldrw.32 q3, [r0], #16\n\tstr r0, [r7, #20]\n\t"
        "vadd.i32 q0, q0, q2\n\tvadd.i32 q1, q1, q2\n\tvrmulh.s32 q0, q0, q3\n\tvrmulh.s32 q1, q1, q3\n\t"
        "ldrd r0, r2, [r7, #36]\n\tvdup.32 q2, r0\n\tvdup.32 q3, r2\n\t"
        "vmax.s32 q0, q0, q2\n\tvmax.s32 q1, q1, q2\n\tvmin.s32 q0, q0, q3\n\tvmin.s32 q1, q1, q3\n\t"
        "ldrd r0, r2, [r7, #24]\n\tvstrh.32 q0, [r0], #8\n\tvstrh.32 q1, [r2], #8\n\tstrd r0, r2, [r7, #24]\n\t"
        "ldr r0, [r7, #32]\n\tsubs r0, r0, #1\n\tstr r0, [r7, #32]\n\tbne 1b\n\t"
        "str r5, [r7, #16]\n\t"
        TC_THUMB_RESTORE
        : "+r"(r0)
        :
        : "r1", "r2", "r3", "r12", "q0", "q1", "q2", "q3", TC_MVE_P0 "cc", "memory");
}
TC_ASM_LONG_STRINGS_END
/* clang-format on */

#else

/* One channel of a block; place: 0 to 3. */
static inline int16_t tc_gemm_int16_mve_value(const tc_gemm_int16_mve_t *gemm, const int16_t *pixel, size_t place)
{
    const size_t length = gemm->rest + 8 * gemm->eights;
    int32_t sum = gemm->factors[place];
    for (size_t i = 0; i < length; i++) {
        const size_t rest = gemm->rest, after = i - rest;
        const size_t at = i < rest ? place * rest + i : 4 * rest + after / 8 * 32 + place * 8 + after % 8;
        sum += pixel[i] * gemm->weights[at];
    }
    sum = (int32_t)(((int64_t)sum * gemm->factors[4 + place] + INT64_C(2147483648)) >> 32);
    return tc_clamp_int16(sum, gemm->low, gemm->high);
}

static void tc_gemm_int16_mve(tc_gemm_int16_mve_t *gemm)
{
    for (; gemm->blocks > 0; gemm->blocks--) {
        for (size_t i = 0; i < 2; i++) {
            for (size_t place = 0; place < TC_GEMM_INT16_BLOCK; place++) {
                *gemm->outs[i]++ = tc_gemm_int16_mve_value(gemm, gemm->pixels[i], place);
            }
        }
        gemm->weights += TC_GEMM_INT16_BLOCK * (gemm->rest + 8 * gemm->eights);
        gemm->factors += 2 * TC_GEMM_INT16_BLOCK;
    }
}

#endif

/* All channels of two pixels. */
static inline void tc_conv_2d_int16_mve_pair(const tc_conv_2d_int16_mve_t *op, const tc_gemm_int16_mve_t *start,
                                             const int16_t *const *pixels, int16_t *const *outs)
{
    const unsigned channels = op->output_channels;
    tc_gemm_int16_mve_t gemm = *start;
    gemm.pixels[0] = pixels[0];
    gemm.pixels[1] = pixels[1];
    gemm.outs[0] = outs[0];
    gemm.outs[1] = outs[1];
    gemm.blocks = channels / TC_GEMM_INT16_BLOCK;
    tc_gemm_int16_mve(&gemm);
    if (channels % TC_GEMM_INT16_BLOCK != 0) {
        gemm.outs[0] = outs[0] + (channels - TC_GEMM_INT16_BLOCK);
        gemm.outs[1] = outs[1] + (channels - TC_GEMM_INT16_BLOCK);
        gemm.blocks = 1;
        tc_gemm_int16_mve(&gemm);
    }
}

/* Copies the window at (top, left). */
static void tc_conv_2d_int16_mve_window(const tc_windows_int16_t *windows, const tc_input_t *in, int32_t top,
                                        int32_t left, int16_t *window)
{
    const size_t length = (size_t)windows->kernel_width * windows->input_channels;
    const int32_t reach = (windows->kernel_height - 1) * windows->dilation_height;
    if (windows->dilation_width != 1 || left < 0 || left + windows->kernel_width > windows->input_width || top < 0 ||
        top + reach >= windows->input_height) {
        tc_gather_int16(windows, in, top, left, window);
        return;
    }
    for (unsigned ky = windows->kernel_height; ky > 0; ky--, top += windows->dilation_height, window += length) {
        const int16_t *const from = tc_input_row_int16(in, (uint16_t)top) + (size_t)left * windows->input_channels;
        tc_mve_copy((int8_t *)window, (const int8_t *)from, 2 * length);
    }
}

/* Pixels that wait for a second one. */
typedef struct {
    unsigned held;
    const int16_t *pixels[2];
    int16_t *outs[2];
} tc_conv_2d_int16_waiting_t;

/* Output rows [first, last). Scratch: two windows, unless they are single cells. */
static void tc_conv_2d_int16_mve(const tc_conv_2d_int16_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t length = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const tc_windows_int16_t windows = {op->input_height, op->input_width,     op->input_channels, op->kernel_height,
                                        op->kernel_width, op->dilation_height, op->dilation_width};
    int16_t *const gathered = (int16_t *)(void *)scratch;
    tc_conv_2d_int16_waiting_t waiting = {0, {NULL, NULL}, {NULL, NULL}};
    tc_gemm_int16_mve_t gemm;
    memset(&gemm, 0, sizeof gemm);
    gemm.rest = (length - 1) % 8 + 1;
    gemm.eights = (length - 1) / 8;
    gemm.weights = tc_weights_read(op->weights, 0, 0, NULL);
    gemm.factors = op->factors;
    gemm.low = op->activation_min;
    gemm.high = op->activation_max;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        const int16_t *const row = op->single != 0 ? tc_input_row_int16(in, (uint16_t)top) : NULL;
        int32_t left = -(int32_t)op->padding_left;
        int16_t *to = tc_output_row_int16(out, y);
        for (unsigned x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
            int16_t *const window = gathered + waiting.held * length;
            if (row == NULL) {
                tc_conv_2d_int16_mve_window(&windows, in, top, left, window);
            }
            waiting.pixels[waiting.held] = row == NULL ? window : row + (size_t)left * op->input_channels;
            waiting.outs[waiting.held] = to;
            if (++waiting.held == 2) {
                tc_conv_2d_int16_mve_pair(op, &gemm, waiting.pixels, waiting.outs);
                waiting.held = 0;
            }
        }
    }
    if (waiting.held != 0) { /* the last one twice */
        waiting.pixels[1] = waiting.pixels[0];
        waiting.outs[1] = waiting.outs[0];
        tc_conv_2d_int16_mve_pair(op, &gemm, waiting.pixels, waiting.outs);
    }
}

#endif
