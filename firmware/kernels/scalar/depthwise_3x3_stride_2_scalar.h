/* DEPTHWISE_CONV_2D, 3 x 3, horizontal stride 2, on cores without SIMD. */
#ifndef TINYCOMP_DEPTHWISE_3X3_STRIDE_2_SCALAR_H
#define TINYCOMP_DEPTHWISE_3X3_STRIDE_2_SCALAR_H

#include "depthwise_3x3_lines.h"

typedef tc_depthwise_3x3_t tc_depthwise_3x3_stride_2_scalar_t;

/* There is one partial sum, `next`, which has its first column. At most one output extends beyond the right border, by
 * one or two columns; padding_left is 0 or 1. */
static __attribute__((noinline)) void tc_depthwise_3x3_stride_2_scalar_lines(const tc_depthwise_3x3_t *op,
                                                                             tc_depthwise_line_t *line, unsigned count)
{
#if TC_DEPTHWISE_ASSEMBLY
    tc_depthwise_state_t state;
    tc_depthwise_begin(&state, op, line, count, 2u * op->inside + (op->padding_left == 0));
    register tc_depthwise_state_t *r0 __asm__("r0") = &state;
    /* clang-format off */
    __asm__ volatile(TC_ASM_STACK("tc_depthwise_3x3_stride_2_scalar_lines", "36") TC_DEPTHWISE_BEGIN
        "1:\n\t" TC_DEPTHWISE_CHANNEL TC_DEPTHWISE_BIAS("r0") "cmp r2, #0\n\tbne 2f\n\t"
        TC_DEPTHWISE_ROW_0 TC_DEPTHWISE_ADD("r0", "r0", "0") TC_DEPTHWISE_ROW_1 TC_DEPTHWISE_ADD("r0", "r0", "12")
        TC_DEPTHWISE_ROW_2 TC_DEPTHWISE_ADD("r0", "r0", "24") TC_DEPTHWISE_ADVANCE "b 4f\n"
        "2:\n\t" TC_DEPTHWISE_BORDER("r0", "r0", "0", "12", "24") "b 4f\n"
        "5:\n\t"
        TC_DEPTHWISE_ROW_0 TC_DEPTHWISE_ADD("r2", "r0", "4") TC_DEPTHWISE_ROW_1 TC_DEPTHWISE_ADD("r2", "r2", "16")
        TC_DEPTHWISE_ROW_2 TC_DEPTHWISE_ADD("r2", "r2", "28") TC_DEPTHWISE_ADVANCE TC_DEPTHWISE_BIAS("r0")
        TC_DEPTHWISE_ROW_0 TC_DEPTHWISE_ADD("r2", "r2", "8") TC_DEPTHWISE_ADD("r0", "r0", "0")
        TC_DEPTHWISE_ROW_1 TC_DEPTHWISE_ADD("r2", "r2", "20") TC_DEPTHWISE_ADD("r0", "r0", "12")
        TC_DEPTHWISE_ROW_2 TC_DEPTHWISE_ADD("r2", "r2", "32") TC_DEPTHWISE_ADD("r0", "r0", "24") TC_DEPTHWISE_ADVANCE
        "6:\n\t" TC_DEPTHWISE_STORE
        "4:\n\tcmp r5, lr\n\tbne 5b\n\t"
        "ldr r3, [r7, #124]\n\tcmp r3, #0\n\tbeq 8f\n\tmovs r4, #0\n\tstr r4, [r7, #124]\n\t"
        "cmp r3, #1\n\tbne 7f\n\t"
        TC_DEPTHWISE_ROW_0 TC_DEPTHWISE_ADD("r2", "r0", "4") TC_DEPTHWISE_ROW_1 TC_DEPTHWISE_ADD("r2", "r2", "16")
        TC_DEPTHWISE_ROW_2 TC_DEPTHWISE_ADD("r2", "r2", "28")
        TC_DEPTHWISE_BORDER("r2", "r2", "8", "20", "32") "b 6b\n"
        "7:\n\t" TC_DEPTHWISE_BORDER("r2", "r0", "4", "16", "28")
        TC_DEPTHWISE_BORDER("r2", "r2", "8", "20", "32") "b 6b\n"
        "8:\n\t" TC_DEPTHWISE_END
        : "+l"(r0) : : TC_DEPTHWISE_CLOBBERS);
    /* clang-format on */
#else
    for (; count > 0; count--, tc_depthwise_next(line)) {
        const int8_t *const w = line->weights;
        const int32_t w00 = w[0], w01 = w[1], w02 = w[2], w10 = w[3], w11 = w[4], w12 = w[5];
        const int32_t w20 = w[6], w21 = w[7], w22 = w[8];
        const int32_t bias = line->factors[0] >> 5, zero_point = op->input_zero_point;
        const size_t step = op->channels;
        const tc_scalar_scale_t scale = tc_scalar_scale(tc_depthwise_output(op), line->factors);
        const int8_t *row0 = line->row[0], *row1 = line->row[1], *row2 = line->row[2];
        int8_t *to = line->out, *const end = to + op->inside * step;
        int32_t next = bias + zero_point * (w00 + w10 + w20);
        if (op->padding_left == 0) {
            next = bias + *row0 * w00 + *row1 * w10 + *row2 * w20;
            row0 += step;
            row1 += step;
            row2 += step;
        }
        for (; to != end; to += step) {
            int32_t x0 = *row0, x1 = *row1, x2 = *row2;
            int32_t sum = next + x0 * w01 + x1 * w11 + x2 * w21;
            row0 += step;
            row1 += step;
            row2 += step;
            x0 = *row0;
            x1 = *row1;
            x2 = *row2;
            row0 += step;
            row1 += step;
            row2 += step;
            sum += x0 * w02 + x1 * w12 + x2 * w22;
            next = bias + x0 * w00 + x1 * w10 + x2 * w20;
            *to = tc_scalar_int8(sum, scale);
        }
        if (op->beyond != 0) {
            next += op->beyond == 1 ? *row0 * w01 + *row1 * w11 + *row2 * w21 : zero_point * (w01 + w11 + w21);
            *to = tc_scalar_int8(next + zero_point * (w02 + w12 + w22), scale);
        }
    }
#endif
}

/* Output rows [first, last). Scratch: see depthwise_3x3_lines.h. */
static void tc_depthwise_3x3_stride_2_scalar(const tc_depthwise_3x3_stride_2_scalar_t *op, const tc_input_t *in,
                                             const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    tc_depthwise_3x3(op, in, out, first, last, scratch, tc_depthwise_3x3_stride_2_scalar_lines);
}

#endif
