/* Instructions of Armv7E-M's DSP extension, one inline function each; on other targets equivalent portable code, so
 * that the kernels run on any host too.
 *
 * A word holds two int16 halves, the lower one first. Additions wrap around. */
#ifndef TINYCOMP_DSP_H
#define TINYCOMP_DSP_H

#include "assembly.h"
#include "tinycomp.h"

/* Thumb code, little-endian. */
#if TC_ASM && defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(__ARM_BIG_ENDIAN)
#define TC_DSP 1
#else
#define TC_DSP 0
#endif

/* Loads four bytes from any address. */
static inline uint32_t tc_load_word(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

#if TC_DSP

/* Bytes 0 and 2 as int16 halves. */
static inline uint32_t tc_sxtb16(uint32_t x)
{
    uint32_t y;
    __asm__("sxtb16 %0, %1" : "=r"(y) : "r"(x));
    return y;
}

/* Bytes 1 and 3 as int16 halves. */
static inline uint32_t tc_sxtb16_odd(uint32_t x)
{
    uint32_t y;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x));
    return y;
}

/* Adds bytes 0 and 2 to the halves; bytes 1 and 3. */
static inline uint32_t tc_sxtab16(uint32_t sum, uint32_t x)
{
    uint32_t y;
    __asm__("sxtab16 %0, %1, %2" : "=r"(y) : "r"(sum), "r"(x));
    return y;
}

static inline uint32_t tc_sxtab16_odd(uint32_t sum, uint32_t x)
{
    uint32_t y;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(y) : "r"(sum), "r"(x));
    return y;
}

/* Swaps the bytes of each half. */
static inline uint32_t tc_rev16(uint32_t x)
{
    uint32_t y;
    __asm__("rev16 %0, %1" : "=r"(y) : "r"(x));
    return y;
}

/* Packs the lower halves of a and b; the upper ones. */
static inline uint32_t tc_pack_low(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

static inline uint32_t tc_pack_high(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(y) : "r"(b), "r"(a));
    return y;
}

/* sum + the products of both halves. */
static inline uint32_t tc_smlad(uint32_t a, uint32_t b, uint32_t sum)
{
    uint32_t y;
    __asm__("smlad %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
    return y;
}

/* sum + the product's high word, rounded to nearest, ties up. */
static inline int32_t tc_smmlar(int32_t a, int32_t b, int32_t sum)
{
    int32_t y;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
    return y;
}

/* The product's high word, rounded to nearest, ties up. */
static inline int32_t tc_smmulr(int32_t a, int32_t b)
{
    int32_t y;
    __asm__("smmulr %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

/* sum + the product's high word. */
static inline int32_t tc_smmla(int32_t a, int32_t b, int32_t sum)
{
    int32_t y;
    __asm__("smmla %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
    return y;
}

static inline int32_t tc_saturate_to_int8(int32_t x)
{
    int32_t y;
    __asm__("ssat %0, #8, %1" : "=r"(y) : "r"(x));
    return y;
}

/* x / 2, rounded down, saturated to int8. */
static inline int32_t tc_halve_to_int8(int32_t x)
{
    int32_t y;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(y) : "r"(x));
    return y;
}

/* x / 4096, likewise. */
static inline int32_t tc_shift_to_int8(int32_t x)
{
    int32_t y;
    __asm__("ssat %0, #8, %1, asr #12" : "=r"(y) : "r"(x));
    return y;
}

#else

static inline uint32_t tc_halves(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFFu) | ((uint32_t)high << 16);
}

static inline uint32_t tc_sxtb16(uint32_t x)
{
    return tc_halves((int8_t)x, (int8_t)(x >> 16));
}

static inline uint32_t tc_sxtb16_odd(uint32_t x)
{
    return tc_halves((int8_t)(x >> 8), (int8_t)(x >> 24));
}

static inline uint32_t tc_sxtab16(uint32_t sum, uint32_t x)
{
    return tc_halves((int16_t)sum + (int8_t)x, (int16_t)(sum >> 16) + (int8_t)(x >> 16));
}

static inline uint32_t tc_sxtab16_odd(uint32_t sum, uint32_t x)
{
    return tc_sxtab16(sum, x >> 8);
}

static inline uint32_t tc_rev16(uint32_t x)
{
    return ((x & 0x00FF00FFu) << 8) | ((x >> 8) & 0x00FF00FFu);
}

static inline uint32_t tc_pack_low(uint32_t a, uint32_t b)
{
    return (a & 0xFFFFu) | (b << 16);
}

static inline uint32_t tc_pack_high(uint32_t a, uint32_t b)
{
    return (a >> 16) | (b & 0xFFFF0000u);
}

static inline uint32_t tc_smlad(uint32_t a, uint32_t b, uint32_t sum)
{
    const int32_t low = (int16_t)a * (int16_t)b;
    const int32_t high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
    return sum + (uint32_t)low + (uint32_t)high;
}

static inline int32_t tc_smmlar(int32_t a, int32_t b, int32_t sum)
{
    const int64_t product = ((int64_t)a * b) + INT64_C(2147483648);
    return (int32_t)((uint32_t)sum + (uint32_t)(product >> 32));
}

static inline int32_t tc_smmulr(int32_t a, int32_t b)
{
    return tc_smmlar(a, b, 0);
}

static inline int32_t tc_smmla(int32_t a, int32_t b, int32_t sum)
{
    return (int32_t)((uint32_t)sum + (uint32_t)(((int64_t)a * b) >> 32));
}

static inline int32_t tc_saturate_to_int8(int32_t x)
{
    return tc_clamp(x, -128, 127);
}

static inline int32_t tc_halve_to_int8(int32_t x)
{
    return tc_clamp(x >> 1, -128, 127);
}

static inline int32_t tc_shift_to_int8(int32_t x)
{
    return tc_clamp(x >> 12, -128, 127);
}

#endif

#endif
