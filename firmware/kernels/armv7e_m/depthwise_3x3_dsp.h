/* DEPTHWISE_CONV_2D on Armv7E-M, 3 x 3, horizontal stride 1, tiles of six outputs: 42 instructions for 54 products. */
#ifndef TINYCOMP_DEPTHWISE_3X3_DSP_H
#define TINYCOMP_DEPTHWISE_3X3_DSP_H

#include "depthwise_3x3.h"

typedef tc_depthwise_3x3_t tc_depthwise_3x3_dsp_t;

#if TC_DSP
/* clang-format off */
TC_ASM_LONG_STRINGS
TC_DEPTHWISE_FUNCTION(tc_depthwise_3x3_dsp_row,
    TC_DEPTHWISE_TILES_OF_SIX(
        "1",
        "ldr r9, [r11, #0]\n\tsmlad r0, r9, r6, r12\n\tldr r9, [r11, #16]\n\tsmlad r1, r9, r6, r12\n\t"
        "smlad r0, r9, r7, r0\n\tldr r9, [r11, #48]\n\tsmlad r2, r9, r6, r12\n\tsmlad r1, r9, r7, r1\n\t"
        "smlad r0, r9, r8, r0\n\tldr r9, [r11, #64]\n\tsmlad r3, r9, r6, r12\n\tsmlad r2, r9, r7, r2\n\t"
        "smlad r1, r9, r8, r1\n\tldr r9, [r11, #96]\n\tsmlad r4, r9, r6, r12\n\tsmlad r3, r9, r7, r3\n\t"
        "smlad r2, r9, r8, r2\n\tldr r9, [r11, #112]\n\tsmlad r5, r9, r6, r12\n\tsmlad r4, r9, r7, r4\n\t"
        "smlad r3, r9, r8, r3\n\tldr r9, [r11, #144]\n\tsmlad r5, r9, r7, r5\n\tsmlad r4, r9, r8, r4\n\t"
        "ldr r9, [r11, #160]\n\tsmlad r5, r9, r8, r5\n\t",
        "ldr r9, [r11, #32]\n\tsmlad r0, r9, r6, r0\n\tsmlatb r1, r9, r6, r1\n\tldr r9, [r11, #80]\n\t"
        "smlabt r0, r9, r7, r0\n\tsmlad r1, r9, r7, r1\n\tsmlad r2, r9, r6, r2\n\tsmlatb r3, r9, r6, r3\n\t"
        "ldr r9, [r11, #128]\n\tsmlabt r2, r9, r7, r2\n\tsmlad r3, r9, r7, r3\n\tsmlad r4, r9, r6, r4\n\t"
        "smlatb r5, r9, r6, r5\n\tldr r9, [r11, #176]\n\tsmlabt r4, r9, r7, r4\n\tsmlad r5, r9, r7, r5\n\t"))
TC_ASM_LONG_STRINGS_END
/* clang-format on */
#else
static void tc_depthwise_3x3_dsp_row(const tc_depthwise_plan_t *plan, tc_depthwise_blocks_t *blocks)
{
    tc_depthwise_blocks(plan, blocks, 1);
}
#endif

/* Output rows [first, last). Scratch: see depthwise_3x3.h. */
static void tc_depthwise_3x3_dsp(const tc_depthwise_3x3_dsp_t *constants, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_depthwise_3x3(constants, in, out, first, last, scratch, tc_depthwise_3x3_dsp_row, 6, 1);
}

#endif
