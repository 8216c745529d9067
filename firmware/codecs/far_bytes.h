/* Uncompressed weights in far memory, copied block by block. */
#ifndef TINYCOMP_FAR_BYTES_H
#define TINYCOMP_FAR_BYTES_H

#include "far_memory.h"
#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const tc_far_t *values;
} tc_far_bytes_t;

static __attribute__((unused)) const int8_t *tc_far_bytes_read(const tc_weights_t *weights, tc_index_t first,
                                                               size_t count, int8_t *buffer)
{
    TC_FETCH(tc_far_bytes_t, codec, (const tc_far_bytes_t *)weights);
    TC_FAR_COPY(buffer, codec->values, first, count);
    return buffer;
}

#endif
