/* Any function of one int8 value, by a lookup table of 256 results. */
#ifndef TINYCOMP_TABLE_H
#define TINYCOMP_TABLE_H

#include "tinycomp.h"

typedef struct {
    size_t size;         /* bytes per row */
    const int8_t *table; /* the result for q is at q + 128 */
} tc_table_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_table(const tc_table_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                     uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_table_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *x = tc_input_row(in, y);
        int8_t *result = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i++) {
            result[i] = TC_READ_I8(op->table + (x[i] + 128));
        }
    }
}

#endif
