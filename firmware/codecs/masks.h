/* Weights with a pattern of zeros: per group of weights an index into a table of masks, a bit for each weight that is
 * stored, the first one lowest; and these weights. */
#ifndef TINYCOMP_MASKS_H
#define TINYCOMP_MASKS_H

#include "divide.h"
#include "tinycomp.h"

typedef struct {
    tc_weights_t weights;
    const int8_t *values;
    const uint8_t *indices; /* without gaps, least significant bit first */
    const uint16_t *masks;
    const uint16_t *starts; /* values before each block of channels; last: the total */
    uint16_t length;        /* weights per channel; its last group may be shorter */
    uint16_t groups;        /* per block of channels */
    uint16_t inverse;       /* with `shift`: division by the weights per block */
    uint8_t shift;
    uint8_t group; /* weights */
    uint8_t bits;  /* per index, at most 8 */
} tc_masks_t;

/* Fills `to` with `count` weights from bit `position` of the indices on. The values may be the last bytes of `to`
 * itself: writes never overtake reads. */
static inline void tc_masks_spread(const tc_masks_t *codec, uint32_t position, size_t count, const int8_t *values,
                                   int8_t *to)
{
    const uint16_t *const masks = codec->masks;
    const uint8_t *indices = codec->indices + (size_t)(position >> 3);
    const unsigned bits = codec->bits, low = (1u << bits) - 1u;
    const size_t group = codec->group, length = codec->length;
    const int8_t *const last = to + count;
    unsigned window = (unsigned)TC_READ_U8(indices) >> (position & 7u), held = 8u - (unsigned)(position & 7u);
    for (size_t left = length; to != last;) {
        if (held < bits) {
            indices++;
            window |= (unsigned)TC_READ_U8(indices) << held;
            held += 8;
        }
        const size_t some = left < group ? left : group;
        const int8_t *const end = to + some;
        unsigned mask = TC_READ_U16(&masks[window & low]);
        window >>= bits;
        held -= bits;
        left = left == some ? length : left - some;
        for (; to != end; mask >>= 1) {
            int8_t value = 0;
            if ((mask & 1u) != 0) {
                value = *values++;
            }
            *to++ = value;
        }
    }
}

static __attribute__((unused)) const int8_t *tc_masks_read(const tc_weights_t *weights, tc_index_t first, size_t count,
                                                           int8_t *buffer)
{
    TC_FETCH(tc_masks_t, codec, (const tc_masks_t *)weights);
    const uint16_t block = tc_divide_exactly(first, codec->shift, codec->inverse);
    const uint16_t *const starts = codec->starts + block;
    const size_t start = TC_READ_U16(&starts[0]);
    const size_t values = TC_READ_U16(&starts[1]) - start;
    int8_t *const packed = buffer + (count - values);
    TC_COPY(packed, codec->values + start, values);
    tc_masks_spread(codec, (uint32_t)block * codec->groups * codec->bits, count, packed, buffer);
    return buffer;
}

#endif
