/* DEPTHWISE_CONV_2D, 3 x 3, horizontal stride 2, with MAC16: see depthwise_lines_mac16.h. */
#ifndef TINYCOMP_DEPTHWISE_3X3_STRIDE_2_MAC16_H
#define TINYCOMP_DEPTHWISE_3X3_STRIDE_2_MAC16_H

#include "depthwise_lines_mac16.h"

typedef tc_depthwise_mac16_t tc_depthwise_3x3_stride_2_mac16_t;

static __attribute__((noinline)) TC_HOT void tc_depthwise_3x3_stride_2_mac16_low(const tc_depthwise_mac16_line_t *line)
{
#if TC_MAC16
    TC_DEPTHWISE_MAC16_LINE(TC_LL, TC_LH, "-12");
#else
    tc_depthwise_mac16_line_c(line, tc_mac16_low, 2);
#endif
}

static __attribute__((noinline)) TC_HOT void tc_depthwise_3x3_stride_2_mac16_high(const tc_depthwise_mac16_line_t *line)
{
#if TC_MAC16
    TC_DEPTHWISE_MAC16_LINE(TC_HL, TC_HH, "-12");
#else
    tc_depthwise_mac16_line_c(line, tc_mac16_high, 2);
#endif
}

/* Output rows [first, last). Scratch: see depthwise_lines_mac16.h. */
static void tc_depthwise_3x3_stride_2_mac16(const tc_depthwise_3x3_stride_2_mac16_t *constants, const tc_input_t *in,
                                            const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    static TC_CONST tc_depthwise_mac16_lines_t lines = {
        tc_depthwise_3x3_stride_2_mac16_low,
        tc_depthwise_3x3_stride_2_mac16_high,
        2,
    };
    tc_depthwise_mac16(constants, in, out, first, last, scratch, &lines);
}

#endif
