/* FULLY_CONNECTED on Armv7E-M: what its kernels share. Sums are 256-fold; the multiplier's high word rounds them once. */
#ifndef TINYCOMP_FULLY_CONNECTED_OUTPUTS_H
#define TINYCOMP_FULLY_CONNECTED_OUTPUTS_H

#include "dsp.h"
#include "tinycomp.h"

#define TC_FULLY_CONNECTED_BLOCK 8

/* Whether outputs have no bounds but those of int8. */
#ifndef TC_FULLY_CONNECTED_UNCLAMPED
#define TC_FULLY_CONNECTED_UNCLAMPED 0
#endif

typedef struct {
    uint16_t width; /* vectors a row */
    uint16_t input_size, output_size;
    uint8_t channel_step; /* 1: one factor an output; 0: one for all */
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *start; /* of each output's sum */
    const int32_t *multiplier;
    const int8_t *shift; /* to the right, less one, of a sum's product with the multiplier, divided by 2^32 */
} tc_fully_connected_dsp_t;

/* Sums as int8. A sum is 256-fold: of its product with the multiplier, the low word and `shift` + 1 bits more go. */
static inline void tc_fully_connected_store(const tc_fully_connected_dsp_t *op, unsigned c, const uint32_t *sums,
                                            unsigned outputs, int8_t *to)
{
    const int32_t rounding = 2 * op->output_zero_point + 1;
    const unsigned step = op->channel_step;
    const int32_t *multiplier = op->multiplier + step * c;
    const int8_t *shift = op->shift + step * c;
    for (const uint32_t *const end = sums + outputs; sums != end; multiplier += step, shift += step) {
        const int32_t offset = (int32_t)((uint32_t)rounding << *shift);
        const int32_t product = tc_smmla((int32_t)*sums++, *multiplier, offset);
        *to++ = (int8_t)tc_halve_to_int8(product >> *shift);
    }
}

/* Bounds that int8 does not have by itself. */
static inline void tc_fully_connected_clamp(const tc_fully_connected_dsp_t *op, int8_t *to)
{
    const int clamped = !TC_FULLY_CONNECTED_UNCLAMPED && (op->activation_min != -128 || op->activation_max != 127);
    for (unsigned c = 0; c < op->output_size && clamped; c++) {
        to[c] = tc_clamp(to[c], op->activation_min, op->activation_max);
    }
}

/* A vector as kernels read it, by whole groups of four: in `filled`, with zeros behind it, where it is none. */
static inline const int8_t *tc_fully_connected_input(const tc_fully_connected_dsp_t *op, const int8_t *from,
                                                     int8_t *filled)
{
    const size_t size = op->input_size;
    if (size % 4 == 0) {
        return from;
    }
    for (size_t i = 0; i < (size + 3) / 4 * 4; i++) {
        filled[i] = i < size ? from[i] : 0;
    }
    return filled;
}

#endif
