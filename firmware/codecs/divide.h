/* Exact division by a constant, odd << shift, without a divider; `inverse` is the odd part's inverse modulo 2^16.
 * n must be a multiple of the constant, and the quotient below 2^16. */
#ifndef TINYCOMP_DIVIDE_H
#define TINYCOMP_DIVIDE_H

#include "tinycomp.h"

static inline uint16_t tc_divide_exactly(tc_index_t n, unsigned shift, uint16_t inverse)
{
    return (uint16_t)((unsigned)(n >> shift) * inverse);
}

#endif
