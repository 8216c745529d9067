/* DEPTHWISE_CONV_2D on Armv7E-M: how all layers of the library round; see rounding.h. */
#ifndef TINYCOMP_DEPTHWISE_ROUNDING_H
#define TINYCOMP_DEPTHWISE_ROUNDING_H

#include "factors.h"
#include "rounding.h"

/* 1: all layers round once. */
#ifndef TC_DEPTHWISE_ONCE
#define TC_DEPTHWISE_ONCE 0
#endif

static inline int8_t tc_depthwise_requantize(const int32_t *factor, int32_t rounding, uint32_t sum)
{
    return ((TC_DEPTHWISE_ONCE != 0) || (rounding == TC_ONCE)) ? tc_round_once(factor, sum)
                                                               : tc_round_twice(factor, rounding, sum);
}

#endif
