/* Operations on the four int8 values of a word on Armv7E-M, with equivalent portable code. */
#ifndef TINYCOMP_BYTES_H
#define TINYCOMP_BYTES_H

#include "dsp.h"
#include "tinycomp.h"

/* Four copies of a value. */
static inline uint32_t tc_four_bytes(int8_t value)
{
    return (uint8_t)value * 0x01010101u;
}

#if TC_DSP

/* The maximum of each pair of bytes; the minimum. */
static inline uint32_t tc_max_bytes(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(y) : "r"(a), "r"(b) : "cc");
    return y;
}

static inline uint32_t tc_min_bytes(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(y) : "r"(a), "r"(b) : "cc");
    return y;
}

#else

static inline uint32_t tc_max_bytes(uint32_t a, uint32_t b)
{
    uint32_t y = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        const uint32_t mask = (uint32_t)0xFF << shift;
        y |= ((int8_t)(a >> shift) > (int8_t)(b >> shift) ? a : b) & mask;
    }
    return y;
}

static inline uint32_t tc_min_bytes(uint32_t a, uint32_t b)
{
    return ~tc_max_bytes(~a, ~b);
}

#endif

#endif
