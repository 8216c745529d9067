/* Non-zero weights to their places among the zeros. */
#ifndef TINYCOMP_SPREAD_H
#define TINYCOMP_SPREAD_H

#include "tinycomp.h"

/* Fills `to` with `count` weights, whose bits begin at bit `first` of the bitmap: a set bit takes the next of `values`.
 * These may be the last bytes of `to` itself: what is written never passes what is still to be read. */
static inline void tc_spread(const uint8_t *bitmap, size_t first, size_t count, const int8_t *values, int8_t *to)
{
    const uint8_t *from = bitmap + (first >> 3);
    unsigned bits = (unsigned)TC_READ_U8(from) >> (first & 7u);
    size_t some = 8u - (first & 7u); /* weights whose bits are held */
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
