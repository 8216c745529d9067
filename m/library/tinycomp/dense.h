/* Uncompressed weights: read in place, or copied where constants are in program memory. */
#ifndef TINYCOMP_DENSE_H
#define TINYCOMP_DENSE_H

#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const int8_t *values;
} tc_dense_t;

static __attribute__((unused)) const int8_t *tc_dense_read(const tc_weights_t *weights, tc_index_t first, size_t count,
                                                           int8_t *buffer)
{
    TC_FETCH(tc_dense_t, codec, (const tc_dense_t *)weights);
#if TC_CONSTANTS_IN_PROGRAM_MEMORY
    TC_COPY(buffer, &codec->values[first], count);
    return buffer;
#else
    (void)count;
    (void)buffer;
    return &codec->values[first];
#endif
}

#endif
