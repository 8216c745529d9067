/* AVERAGE_POOL_2D with one window over the whole input: its constants, and a mean. */
#ifndef TINYCOMP_AVERAGE_POOL_MEAN_H
#define TINYCOMP_AVERAGE_POOL_MEAN_H

#include "tinycomp.h"

typedef struct {
    uint16_t height; /* input rows */
    uint16_t width;  /* positions a row */
    uint16_t channels;
    int8_t activation_min, activation_max;
    uint32_t reciprocal; /* of height * width: x / cells = x * reciprocal >> (31 + reciprocal_shift) */
    uint8_t reciprocal_shift;
} tc_average_pool_global_t;

/* The rounded mean of all cells, within the bounds. */
static inline int8_t tc_average_pool_mean(const tc_average_pool_global_t *op, int32_t sum)
{
    const uint32_t half = (uint32_t)op->height * op->width / 2;
    const uint32_t magnitude = (uint32_t)(sum < 0 ? -sum : sum) + half;
    const uint32_t product = (uint32_t)(((uint64_t)magnitude * op->reciprocal) >> 31);
    const int32_t mean = (int32_t)(product >> op->reciprocal_shift);
    return tc_clamp(sum < 0 ? -mean : mean, op->activation_min, op->activation_max);
}

#endif
