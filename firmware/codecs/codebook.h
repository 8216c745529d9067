/* Codebook: one table for the layer, and an index of 1 to 7 bits per weight. */
#ifndef TINYCOMP_CODEBOOK_H
#define TINYCOMP_CODEBOOK_H

#include "tinycomp.h"
#include "unpack.h"

typedef struct {
    tc_weights_t weights;
    const uint8_t *indices;
    const int8_t *table;
    uint8_t bits;
} tc_codebook_t;

static __attribute__((unused)) const int8_t *tc_codebook_read(const tc_weights_t *weights, tc_index_t first,
                                                              size_t count, int8_t *buffer)
{
    TC_FETCH(tc_codebook_t, codec, (const tc_codebook_t *)weights);
    tc_unpack(codec->indices, first, codec->bits, codec->table, count, buffer);
    return buffer;
}

#endif
