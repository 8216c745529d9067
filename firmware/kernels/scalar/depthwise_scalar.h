/* DEPTHWISE_CONV_2D, any window, on cores without SIMD, four channels at a time.
 *
 * The addresses of a window's cells are found once for all channels. Weights are stored in blocks of four channels (the
 * last block is the last four), and in a block cell by cell. */
#ifndef TINYCOMP_DEPTHWISE_SCALAR_H
#define TINYCOMP_DEPTHWISE_SCALAR_H

#include "address.h"
#include "factors.h"
#include "requantize.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_BLOCK 4

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t blocks; /* per read of weights */
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    const void *factors; /* per channel: bias * 32 + right shift + 1, multiplier */
} tc_depthwise_scalar_t;

/* Blocks of one output pixel, from `channel` on. The number after each member is the offset that the assembly relies
 * on. */
typedef struct {
    const tc_address_t *cells, *end; /* 0, 4 */
    const int8_t *weights;           /* 8 */
    size_t channel;                  /* 12 */
    size_t last;                     /* 16: the last block's channel */
    size_t count;                    /* 20: blocks */
    int8_t *out;                     /* 24 */
    const int32_t *factors;          /* 28: of channel 0 */
    tc_scalar_output_t output;       /* 32: rounding; 36, 40: low, high */
} tc_depthwise_blocks_t;

/* Finds the addresses of the cells (channel 0) of the window at (top, left); `border` for those outside the input. */
static void tc_depthwise_cells(const tc_depthwise_scalar_t *op, const tc_input_t *in, int32_t top, int32_t left,
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
}

#if TC_SCALAR_ARMV6M

/* clang-format off */
/* Adds the product of an activation and a weight, at the same index from the cell's and the weights' addresses. */
#define TC_DEPTHWISE_TAP(channel, sum)                                                             \
    "ldrsb r2, [r0, " channel "]\n\tldrsb r3, [r1, " channel "]\n\tmuls r2, r3\n\tadd " sum ", " sum ", r2\n\t"
#define TC_DEPTHWISE_START(offset, sum) "ldr r0, [r2, #" offset "]\n\tasrs r0, r0, #5\n\tmov " sum ", r0\n\t"
/* Requantizes a sum; r5 is the output, r6 the factors, r7 the state. */
#define TC_DEPTHWISE_VALUE(sum, i)                                                                 \
    "mov r0, " sum "\n\tldm r6!, {r1, r2}\n\tlsls r1, r1, #27\n\tlsrs r1, r1, #27\n\t"              \
    "lsls r3, r2, #21\n\tlsrs r3, r3, #21\n\tmuls r3, r0\n\tasrs r3, r3, #11\n\t"                   \
    "lsls r4, r2, #10\n\tlsrs r4, r4, #21\n\tmuls r4, r0\n\tadds r3, r3, r4\n\tasrs r3, r3, #11\n\t" \
    "lsrs r2, r2, #22\n\tmuls r2, r0\n\tadds r3, r3, r2\n\tasrs r3, r3, #8\n\t"                     \
    "ldr r2, [r7, #32]\n\tlsls r2, r1\n\tasrs r2, r2, #1\n\tadds r2, r2, #1\n\tadds r3, r3, r2\n\t" \
    "cmp r0, #0\n\tbge 9f\n\tsubs r3, r3, #2\n9:\n\tasrs r3, r1\n\t"                                \
    "ldr r2, [r7, #36]\n\tcmp r3, r2\n\tbge 9f\n\tmov r3, r2\n9:\n\t"                               \
    "ldr r2, [r7, #40]\n\tcmp r3, r2\n\tble 9f\n\tmov r3, r2\n9:\n\tstrb r3, [r5, #" i "]\n\t"

static __attribute__((noinline)) void tc_depthwise_blocks(tc_depthwise_blocks_t blocks)
{
    register tc_depthwise_blocks_t *r0 __asm__("r0") = &blocks;
    __asm__ volatile(
        ".syntax unified\n\t" TC_ASM_STACK("tc_depthwise_blocks", "36") TC_ARMV6M_SAVE
        "1:\n\t" /* a block: r4-r7 are channels, r8-r11 their sums, r12 the cells, lr their end */
        "ldr r7, [sp, #16]\n\tldr r4, [r7, #12]\n\tldr r0, [r7, #16]\n\tcmp r4, r0\n\tbls 2f\n\tmov r4, r0\n"
        "2:\n\t"
        "ldr r1, [r7, #8]\n\tsubs r1, r1, r4\n\tldr r0, [r7, #0]\n\tmov r12, r0\n\tldr r0, [r7, #4]\n\tmov lr, r0\n\t"
        "lsls r2, r4, #3\n\tldr r0, [r7, #28]\n\tadds r2, r2, r0\n\t"
        TC_DEPTHWISE_START("0", "r8") TC_DEPTHWISE_START("8", "r9") TC_DEPTHWISE_START("16", "r10")
        TC_DEPTHWISE_START("24", "r11") "adds r5, r4, #1\n\tadds r6, r4, #2\n\tadds r7, r4, #3\n"
        "3:\n\t" /* a cell */
        "mov r2, r12\n\tldm r2!, {r0}\n\tmov r12, r2\n\t"
        TC_DEPTHWISE_TAP("r4", "r8") TC_DEPTHWISE_TAP("r5", "r9") TC_DEPTHWISE_TAP("r6", "r10")
        TC_DEPTHWISE_TAP("r7", "r11") "adds r1, r1, #4\n\tcmp r12, lr\n\tbne 3b\n\t"
        "ldr r7, [sp, #16]\n\tadds r1, r1, r4\n\tstr r1, [r7, #8]\n\t"
        "ldr r5, [r7, #24]\n\tadds r5, r5, r4\n\tldr r6, [r7, #28]\n\tlsls r4, r4, #3\n\tadds r6, r6, r4\n\t"
        TC_DEPTHWISE_VALUE("r8", "0") TC_DEPTHWISE_VALUE("r9", "1") TC_DEPTHWISE_VALUE("r10", "2")
        TC_DEPTHWISE_VALUE("r11", "3")
        "ldr r0, [r7, #12]\n\tadds r0, r0, #4\n\tstr r0, [r7, #12]\n\t"
        "ldr r0, [r7, #20]\n\tsubs r0, r0, #1\n\tstr r0, [r7, #20]\n\tbeq 4f\n\tb 1b\n"
        "4:\n\t" TC_ARMV6M_RESTORE
        : "+l"(r0)
        :
        : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
}
/* clang-format on */

#else

static __attribute__((noinline)) void tc_depthwise_blocks(tc_depthwise_blocks_t blocks)
{
    const int8_t *w = blocks.weights;
    for (; blocks.count > 0; blocks.count--, blocks.channel += TC_DEPTHWISE_BLOCK) {
        const size_t c = blocks.channel < blocks.last ? blocks.channel : blocks.last;
        const int32_t *const factors = blocks.factors + 2 * c;
        int8_t *const to = blocks.out + c;
        int32_t s0 = factors[0] >> 5, s1 = factors[2] >> 5, s2 = factors[4] >> 5, s3 = factors[6] >> 5;
        for (const tc_address_t *cell = blocks.cells; cell != blocks.end; w += TC_DEPTHWISE_BLOCK) {
            const int8_t *const x = tc_address_pointer(*cell++) + c;
            s0 += x[0] * w[0];
            s1 += x[1] * w[1];
            s2 += x[2] * w[2];
            s3 += x[3] * w[3];
        }
        to[0] = tc_scalar_int8(s0, tc_scalar_scale(blocks.output, factors));
        to[1] = tc_scalar_int8(s1, tc_scalar_scale(blocks.output, factors + 2));
        to[2] = tc_scalar_int8(s2, tc_scalar_scale(blocks.output, factors + 4));
        to[3] = tc_scalar_int8(s3, tc_scalar_scale(blocks.output, factors + 6));
    }
}

#endif

/* Output rows [first, last); at least four channels. Scratch: if factors are packed, all of them; an address (at most
 * eight bytes) per window cell, one cell, and the weights of a read if they are decoded. */
static void tc_depthwise_scalar(const tc_depthwise_scalar_t *op, const tc_input_t *in, const tc_output_t *out,
                                uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t window = (size_t)op->kernel_height * op->kernel_width;
    const size_t all = ((size_t)op->channels + TC_DEPTHWISE_BLOCK - 1) / TC_DEPTHWISE_BLOCK;
    const size_t size = window * TC_DEPTHWISE_BLOCK;
    int8_t *const room = scratch + tc_factors_room(op->packed, op->channels);
    tc_address_t *const cells = (tc_address_t *)(void *)room;
    int8_t *const border = room + window * 8, *const buffer = border + op->channels;
    tc_depthwise_blocks_t blocks;
    blocks.cells = cells;
    blocks.end = cells + window;
    blocks.last = op->channels - (size_t)TC_DEPTHWISE_BLOCK;
    blocks.factors = tc_factors(op->factors, op->packed, 0, op->channels, scratch);
    blocks.output = tc_scalar_output(op->output_zero_point, op->activation_min, op->activation_max);
    tc_fill(border, op->input_zero_point, op->channels);
    for (size_t block = 0; block < all; block += op->blocks) {
        blocks.channel = block * TC_DEPTHWISE_BLOCK;
        blocks.count = all - block < op->blocks ? all - block : op->blocks;
        blocks.weights = tc_weights_read(op->weights, block * size, blocks.count * size, buffer);
        for (uint16_t y = first; y < last; y++) {
            int32_t left = -(int32_t)op->padding_left;
            blocks.out = tc_output_row(out, y);
            for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width) {
                tc_depthwise_cells(op, in, (int32_t)y * op->stride_height - op->padding_top, left, border, cells);
                tc_depthwise_blocks(blocks);
                blocks.out += op->channels;
            }
        }
    }
}

#endif
