/* Any function of one int8 value: a table of 256 results. Input and output may be the same tensor. */
#ifndef TINYCOMP_TABLE_H
#define TINYCOMP_TABLE_H

#include "tinycomp.h"

typedef struct {
    size_t size;         /* bytes a row */
    const int8_t *table; /* the result of q at q + 128 */
} tc_table_t;

/* Computes output rows [first, last). */
static void tc_table(const tc_table_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                     uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_table_t, k, constants);
    uint16_t y;
    size_t i;
    (void)scratch;
    for (y = first; y < last; y++) {
        const int8_t *x = tc_input_row(in, y);
        int8_t *result = tc_output_row(out, y);
        for (i = 0; i < k->size; i++) {
            result[i] = TC_READ_I8(k->table + (x[i] + 128));
        }
    }
}

#endif
