/* Sparse weights: a bitmap of the non-zero ones, and their values. */
#ifndef TINYCOMP_BITMAP_H
#define TINYCOMP_BITMAP_H

#include "divide.h"
#include "spread.h"
#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const int8_t *values;
    const uint8_t *bitmap;
    const uint16_t *starts; /* values before each block of channels; last: the total */
    uint16_t inverse;       /* with `shift`: division by the weights per block */
    uint8_t shift;
} tc_bitmap_t;

static __attribute__((unused)) const int8_t *tc_bitmap_read(const tc_weights_t *weights, tc_index_t first, size_t count,
                                                            int8_t *buffer)
{
    TC_FETCH(tc_bitmap_t, codec, (const tc_bitmap_t *)weights);
    const uint16_t *const starts = codec->starts + tc_divide_exactly(first, codec->shift, codec->inverse);
    const size_t start = TC_READ_U16(&starts[0]);
    const size_t values = TC_READ_U16(&starts[1]) - start;
    int8_t *const packed = buffer + (count - values);
    TC_COPY(packed, codec->values + start, values);
    tc_spread(codec->bitmap, first, count, packed, buffer);
    return buffer;
}

#endif
