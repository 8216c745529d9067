/* Non-zero weights to their places among the zeros. */
#ifndef TINYCOMP_SPREAD_H
#define TINYCOMP_SPREAD_H

#include "tinycomp.h"

/* Fills `to` with `count` weights, whose bits begin at bit `first` of the bitmap: a set bit takes the next of `values`.
 * These may be the last bytes of `to` itself: what is written never passes what is still to be read. */
static inline void tc_spread(const uint8_t *bitmap, size_t first, size_t count, const int8_t *values, int8_t *to)
{
    const uint8_t *from = bitmap + (first >> 3);
    const int8_t *const end = to + count;
    unsigned bits = ((unsigned)TC_READ_U8(from) | 256u) >> (first & 7u); /* the 256 marks the end of the byte */
    while (to != end) {
        if (bits == 1) {
            from++;
            bits = (unsigned)TC_READ_U8(from) | 256u;
        }
        if ((bits & 1u) != 0) {
            *to++ = *values++;
        } else {
            *to++ = 0;
        }
        bits >>= 1;
    }
}

#endif
