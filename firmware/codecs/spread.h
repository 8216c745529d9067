/* Scatters non-zero weights to their positions among the zeros. */
#ifndef TINYCOMP_SPREAD_H
#define TINYCOMP_SPREAD_H

#include "tinycomp.h"

/* Fills `to` with `count` weights, from bit `first` of the bitmap on: each set bit takes the next of `values`. The
 * values may be the last bytes of `to` itself: writes never overtake reads. */
static inline void tc_spread(const uint8_t *bitmap, tc_index_t first, size_t count, const int8_t *values, int8_t *to)
{
    const uint8_t *from = bitmap + (first >> 3);
    unsigned bits = (unsigned)TC_READ_U8(from) >> (first & 7u);
    size_t some = 8u - (unsigned)(first & 7u); /* weights whose bits are loaded */
    while (count != 0) {
        some = some < count ? some : count;
        count -= some;
        for (const int8_t *const end = to + some; to != end; bits >>= 1) {
            int8_t value = 0;
            if ((bits & 1u) != 0) {
                value = *values++;
            }
            *to++ = value;
        }
        if (count != 0) {
            from++;
            bits = TC_READ_U8(from);
            some = 8;
        }
    }
}

#endif
