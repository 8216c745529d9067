/* Sigmoid and tanh of int16, as fractions with 15 bits: both interpolate a table of 256 entries of the sigmoid, whose
 * steps are 1/24. */
#ifndef TINYCOMP_CURVES_INT16_H
#define TINYCOMP_CURVES_INT16_H

#include "int16.h"
#include "tinycomp.h"

/* 1 / (1 + e^-x), for x in steps of 1/512 of the table's. */
static inline int16_t tc_sigmoid_int16(const uint16_t *table, int32_t x)
{
    const uint32_t magnitude = (uint32_t)((x < 0) ? -x : x), place = magnitude >> 9;
    uint32_t found = (uint32_t)0x7FFF << 10;
    if (place < 255) {
        const uint32_t low = TC_READ_U16(&table[place]), high = TC_READ_U16(&table[place + 1]);
        found = (low << 9) + (magnitude & 0x1FF) * (high - low);
    }
    found = (x >= 0) ? found + 0x200 : ((uint32_t)1 << 25) - found + 0x1FF;
    return (int16_t)(found >> 10);
}

/* 2 / (1 + e^-2x) - 1, for 2x in steps of 1/256 of the table's. */
static inline int16_t tc_tanh_int16_of(const uint16_t *table, int32_t x)
{
    const uint32_t magnitude = (uint32_t)((x < 0) ? -x : x), place = magnitude >> 8;
    int32_t found = (int32_t)0xFFFF << 8;
    if (place < 255) {
        const uint32_t low = TC_READ_U16(&table[place]), high = TC_READ_U16(&table[place + 1]);
        found = (int32_t)((low << 8) + (magnitude & 0xFF) * (high - low));
    }
    found -= (int32_t)1 << 23;
    found = (x >= 0) ? found + 0x80 : 0x7F - found;
    return (int16_t)(found >> 8);
}

#endif
