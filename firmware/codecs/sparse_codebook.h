/* Sparse weights with a codebook: a bitmap of the non-zero ones, and for each of these an index of 1 to 7 bits. */
#ifndef TINYCOMP_SPARSE_CODEBOOK_H
#define TINYCOMP_SPARSE_CODEBOOK_H

#include "divide.h"
#include "spread.h"
#include "tinycomp.h"
#include "unpack.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *table;
    const uint8_t *bitmap;
    const uint16_t *starts; /* indices before each block of channels; last: the total */
    uint16_t inverse;       /* with `shift`: division by the weights per block */
    uint8_t shift;
    uint8_t bits;
} tc_sparse_codebook_t;

static __attribute__((unused)) const int8_t *tc_sparse_codebook_read(const tc_weights_t *weights, tc_index_t first,
                                                                     size_t count, int8_t *buffer)
{
    TC_FETCH(tc_sparse_codebook_t, codec, (const tc_sparse_codebook_t *)weights);
    const uint16_t *const starts = codec->starts + tc_divide_exactly(first, codec->shift, codec->inverse);
    const size_t start = TC_READ_U16(&starts[0]);
    const size_t values = TC_READ_U16(&starts[1]) - start;
    int8_t *const packed = buffer + (count - values);
    tc_unpack(codec->indices, start, codec->bits, codec->table, values, packed);
    tc_spread(codec->bitmap, first, count, packed, buffer);
    return buffer;
}

#endif
