/* MAX_POOL_2D: the largest of the cells that lie inside the input. */
#ifndef TINYCOMP_MAX_POOL_2D_H
#define TINYCOMP_MAX_POOL_2D_H

#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t padding_top, padding_left;
    int8_t activation_min, activation_max;
} tc_max_pool_2d_t;

/* Output rows [first, last). No scratch. */
static void tc_max_pool_2d(const tc_max_pool_2d_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_max_pool_2d_t, op, constants);
    const size_t channels = op->channels;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        const tc_span_t rows = tc_span(top, op->input_height, op->kernel_height, 1);
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width) {
            const tc_span_t columns = tc_span(left, op->input_width, op->kernel_width, 1);
            const size_t offset = (size_t)(left + columns.begin) * channels;
            for (size_t c = 0; c < channels; c++) {
                int largest = op->activation_min;
                for (uint16_t ky = rows.begin; ky < rows.end; ky++) {
                    const int8_t *from = tc_input_row(in, (uint16_t)(top + ky)) + offset + c;
                    for (uint16_t kx = columns.begin; kx < columns.end; kx++, from += channels) {
                        largest = *from > largest ? *from : largest;
                    }
                }
                *to++ = (int8_t)(largest < op->activation_max ? largest : op->activation_max);
            }
        }
    }
}

#endif
