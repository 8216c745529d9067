/* What a unit of an integer LSTM makes of the sums of its gates. */
#ifndef TINYCOMP_LSTM_UNIT_H
#define TINYCOMP_LSTM_UNIT_H

#include "functions_16.h"
#include "tinycomp.h"

typedef struct {
    int32_t multiplier; /* of the product of output gate and cell, with the next */
    int shift;
    int cell_bits;      /* integer bits of the cell state */
    int32_t clip;       /* largest magnitude of the cell state; 0: unlimited */
    int32_t zero_point; /* of the output */
} tc_lstm_unit_t;

/* The next cell state and output of a unit, from the sums of its gates, `units` apart. */
static inline int8_t tc_lstm_unit(const tc_lstm_unit_t *unit, const int16_t *gates, size_t units, int16_t *cell)
{
    const int32_t entering = tc_sigmoid_16(gates[0]), forget = tc_sigmoid_16(gates[units]);
    const int32_t fresh = tc_tanh_16(gates[2 * units], 3), leaving = tc_sigmoid_16(gates[3 * units]);
    int32_t next = tc_rounding_shift_right(forget * *cell, 15);
    next = tc_saturate_16(next + tc_rounding_shift_right(entering * fresh, 15 + unit->cell_bits));
    if (unit->clip != 0) {
        next = next < -unit->clip ? -unit->clip : next > unit->clip ? unit->clip : next;
    }
    *cell = (int16_t)next;
    next = tc_requantize(leaving * tc_tanh_16(next, unit->cell_bits), unit->multiplier, unit->shift);
    return tc_clamp(next + unit->zero_point, -128, 127);
}

#endif
