/* DEPTHWISE_CONV_2D of int16 on Armv7E-M, 3 x 3, horizontal stride 1. */
#ifndef TINYCOMP_DEPTHWISE_3X3_INT16_DSP_H
#define TINYCOMP_DEPTHWISE_3X3_INT16_DSP_H

#include "depthwise_3x3_int16.h"

typedef tc_depthwise_3x3_int16_t tc_depthwise_3x3_int16_dsp_t;

#if TC_DSP
TC_ASM_LONG_STRINGS
TC_DEPTHWISE_16_TILE(tc_depthwise_3x3_int16_dsp_tile, TC_DEPTHWISE_FIRST_ROWS, TC_DEPTHWISE_THIRD_ROW)
TC_ASM_LONG_STRINGS_END
#else
TC_DEPTHWISE_16_TILE_C(tc_depthwise_3x3_int16_dsp_tile, 1)
#endif

/* Output rows [first, last). Scratch: see depthwise_3x3_int16.h. */
static void tc_depthwise_3x3_int16_dsp(const tc_depthwise_3x3_int16_dsp_t *constants, const tc_input_t *in,
                                       const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_depthwise_3x3_int16(constants, in, out, first, last, scratch, 1, tc_depthwise_3x3_int16_dsp_tile);
}

#endif
