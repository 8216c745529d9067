/* Weights of -1, 0 and 1, four a byte, the first in the lowest bits. */
#ifndef TINYCOMP_TERNARY_H
#define TINYCOMP_TERNARY_H

#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *packed;
} tc_ternary_t;

static __attribute__((unused)) const int8_t *tc_ternary_read(const tc_weights_t *weights, size_t first, size_t count,
                                                             int8_t *buffer)
{
    TC_FETCH(tc_ternary_t, codec, (const tc_ternary_t *)weights);
    for (size_t i = 0; i < count; i++) {
        const size_t place = first + i;
        const int four = TC_READ_U8(&codec->packed[place / 4]);
        buffer[i] = (int8_t)(((four >> (2 * (place & 3))) & 3) - 1);
    }
    return buffer;
}

#endif
