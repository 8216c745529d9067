/* AVERAGE_POOL_2D: the mean of the cells that lie inside the input, rounded half away from zero.
 *
 * No division instruction is needed: whole windows multiply by a reciprocal, the others divide bit by bit. */
#ifndef TINYCOMP_AVERAGE_POOL_2D_H
#define TINYCOMP_AVERAGE_POOL_2D_H

#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t padding_top, padding_left;
    int8_t activation_min, activation_max;
    uint32_t reciprocal; /* of the cells of a whole window: x / cells == (x * reciprocal >> 31) >> reciprocal_shift */
    uint8_t reciprocal_shift;
} tc_average_pool_2d_t;

/* x / cells, where the quotient has at most 8 bits. */
static uint32_t tc_average_pool_2d_divide(uint32_t x, uint32_t cells)
{
    uint32_t quotient = 0;
    for (unsigned bit = 8; bit-- > 0;) {
        if (x >= cells << bit) {
            x -= cells << bit;
            quotient |= (uint32_t)1 << bit;
        }
    }
    return quotient;
}

static int8_t tc_average_pool_2d_mean(const tc_average_pool_2d_t *op, int32_t sum, uint32_t cells)
{
    const uint32_t magnitude = (uint32_t)(sum < 0 ? -sum : sum) + cells / 2;
    int32_t mean;
    if (cells == (uint32_t)op->kernel_height * op->kernel_width) {
        mean = (int32_t)((uint32_t)(((uint64_t)magnitude * op->reciprocal) >> 31) >> op->reciprocal_shift);
    } else {
        mean = (int32_t)tc_average_pool_2d_divide(magnitude, cells);
    }
    return tc_clamp(sum < 0 ? -mean : mean, op->activation_min, op->activation_max);
}

/* Output rows [first, last). No scratch. */
static void tc_average_pool_2d(const tc_average_pool_2d_t *constants, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_average_pool_2d_t, op, constants);
    const size_t channels = op->channels;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        const tc_span_t rows = tc_span(top, op->input_height, op->kernel_height, 1);
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width) {
            const tc_span_t columns = tc_span(left, op->input_width, op->kernel_width, 1);
            const unsigned width = (unsigned)(columns.end - columns.begin);
            const uint32_t cells = (uint32_t)(rows.end - rows.begin) * width;
            const size_t offset = (size_t)(left + columns.begin) * channels;
            for (size_t c = 0; c < channels; c++) {
                int32_t sum = 0;
                for (uint16_t ky = rows.begin; ky < rows.end; ky++) {
                    const int8_t *from = tc_input_row(in, (uint16_t)(top + ky)) + offset + c;
                    for (unsigned kx = 0; kx < width; kx++, from += channels) {
                        sum += *from;
                    }
                }
                *to++ = tc_average_pool_2d_mean(op, sum, cells);
            }
        }
    }
}

#endif
