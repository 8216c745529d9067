/* AVERAGE_POOL_2D of int16: the mean of a window's cells inside the input. */
#ifndef TINYCOMP_AVERAGE_POOL_2D_INT16_H
#define TINYCOMP_AVERAGE_POOL_2D_INT16_H

#include "division_int16.h"
#include "int16.h"
#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t padding_top, padding_left;
    int16_t activation_min, activation_max;
} tc_average_pool_2d_int16_t;

/* The result of channel c over a window at (top, left), of which the cells within both spans are inside the input. */
static int16_t tc_average_pool_2d_int16_value(const tc_average_pool_2d_int16_t *op, const tc_input_t *in, int32_t top,
                                              int32_t left, tc_span_t down, tc_span_t across, size_t c)
{
    int32_t found = 0;
    const uint32_t cells = (uint32_t)(down.end - down.begin) * (uint32_t)(across.end - across.begin);
    for (unsigned ky = down.begin; ky < down.end; ky++) {
        const int16_t *cell = tc_input_row_int16(in, (uint16_t)(top + (int32_t)ky)) + c;
        cell += (size_t)(left + (int32_t)across.begin) * op->channels;
        for (unsigned kx = across.begin; kx < across.end; kx++, cell += op->channels) {
            found += *cell;
        }
    }
    return tc_division_int16(found, cells, op->activation_min, op->activation_max);
}

/* Output rows [first, last). No scratch. */
static void tc_average_pool_2d_int16(const tc_average_pool_2d_int16_t *constants, const tc_input_t *in,
                                     const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_average_pool_2d_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        const tc_span_t down = tc_span(top, op->input_height, op->kernel_height, 1);
        int32_t left = -(int32_t)op->padding_left;
        int16_t *to = tc_output_row_int16(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width) {
            const tc_span_t across = tc_span(left, op->input_width, op->kernel_width, 1);
            for (size_t c = 0; c < op->channels; c++) {
                *to++ = tc_average_pool_2d_int16_value(op, in, top, left, down, across, c);
            }
        }
    }
}

#endif
