/* Of recurrent layers on int16 with a mask; see recurrent_mask.h. */
#ifndef TINYCOMP_RECURRENT_MASK_INT16_H
#define TINYCOMP_RECURRENT_MASK_INT16_H

#include "int16.h"
#include "recurrent_mask.h"

/* Whether a row counts. */
static inline bool tc_row_counts_int16(const tc_input_t *in, uint8_t masked, int8_t zero, uint16_t y)
{
    return TC_RECURRENT_UNMASKED || masked == 0u || *tc_input_row_int16(&in[1], y) != zero;
}

#endif
