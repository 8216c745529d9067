/* DEPTHWISE_CONV_2D on Armv7E-M, 3 x 3, horizontal stride 1, tiles of six outputs: 42 instructions for 54 products. */
#ifndef TINYCOMP_DEPTHWISE_3X3_DSP_H
#define TINYCOMP_DEPTHWISE_3X3_DSP_H

#include "depthwise_3x3.h"
#include "depthwise_3x3_products.h"

typedef tc_depthwise_3x3_t tc_depthwise_3x3_dsp_t;

#if TC_DSP
/* clang-format off */
TC_ASM_LONG_STRINGS
TC_DEPTHWISE_FUNCTION(tc_depthwise_3x3_dsp_row,
    TC_DEPTHWISE_TILES_OF_SIX(
        "1", TC_DEPTHWISE_FIRST_ROWS, TC_DEPTHWISE_THIRD_ROW))
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
