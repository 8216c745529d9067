/* Of recurrent layers with a mask: a step whose mask is zero leaves the state as it is. */
#ifndef TINYCOMP_RECURRENT_MASK_H
#define TINYCOMP_RECURRENT_MASK_H

#include "tinycomp.h"

/* 1: no layer has a mask (tinycomp/kernels/_facts.py). */
#ifndef TC_RECURRENT_UNMASKED
#define TC_RECURRENT_UNMASKED 0
#endif

/* Whether a row counts. masked: 1 if the layer's second input is a mask, which stores `zero` for rows that do not. */
static inline bool tc_row_counts(const tc_input_t *in, uint8_t masked, int8_t zero, uint16_t y)
{
    return TC_RECURRENT_UNMASKED || masked == 0u || *tc_input_row(&in[1], y) != zero;
}

#endif
