/* The values of dense layers on int16: sums are scaled in double precision, like LiteRT's. */
#ifndef TINYCOMP_DENSE_INT16_H
#define TINYCOMP_DENSE_INT16_H

#include "channels.h"
#include "double_product.h"

typedef struct {
    const uint8_t *constants; /* packed: lower words of the biases, upper bits of the factors, shifts */
    const int32_t *lower;     /* lower bits of the factors */
    const int32_t *upper;     /* upper words of the biases; NULL if all are 0 */
} tc_dense_int16_t;

/* The value of channel c, from its sum without the bias. */
static __attribute__((noinline)) int32_t tc_dense_int16_value(tc_dense_int16_t of, unsigned c, int64_t sum)
{
    tc_channels_t channels = tc_channels_from(of.constants, c);
    const tc_channel_t channel = tc_channels_next(&channels);
    tc_double_t factor;
    factor.upper = (uint32_t)channel.multiplier;
    factor.lower = (uint32_t)TC_READ_I32(&of.lower[c]);
    factor.shift = (int8_t)channel.low;
    sum += channel.start;
    if (of.upper != NULL) {
        sum += (int64_t)TC_READ_I32(&of.upper[c]) * ((int64_t)1 << 32);
    }
    return tc_double_product(sum, factor);
}

#endif
