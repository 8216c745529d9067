/* The functions that GCC's runtime for the LX106 expects in the ROM of the ESP8266: integer products and quotients, and
 * single precision floating point (round to nearest even; subnormal numbers are zero, no NaN). */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPONENT_MAX 255
#define BIAS 127
#define FRACTION_BITS 23
#define GUARD_BITS 7 /* guard bits below the fraction, for rounding: 24 + 7 bits */
#define SIGN 0x80000000U

uint64_t __umulsidi3(uint32_t a, uint32_t b);
uint64_t __muldi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t a, uint32_t b);
uint32_t __umodsi3(uint32_t a, uint32_t b);
uint64_t __udivmoddi4(uint64_t a, uint64_t b, uint64_t *remainder); /* of GCC's runtime */
uint64_t __udivdi3(uint64_t a, uint64_t b);
uint64_t __umoddi3(uint64_t a, uint64_t b);
float __mulsf3(float a, float b);
float __addsf3(float a, float b);
float __subsf3(float a, float b);
float __floatsisf(int32_t a);

uint64_t __umulsidi3(uint32_t a, uint32_t b)
{
    const uint32_t low = (a & 0xffffU) * (b & 0xffffU);
    const uint32_t middle = (a >> 16) * (b & 0xffffU) + (low >> 16);
    const uint32_t other = (a & 0xffffU) * (b >> 16) + (middle & 0xffffU);
    const uint32_t high = (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16);
    return (uint64_t)high << 32 | (other << 16 | (low & 0xffffU));
}

uint64_t __muldi3(uint64_t a, uint64_t b)
{
    const uint32_t crossed = (uint32_t)(a >> 32) * (uint32_t)b + (uint32_t)a * (uint32_t)(b >> 32);
    return __umulsidi3((uint32_t)a, (uint32_t)b) + ((uint64_t)crossed << 32);
}

static uint32_t divide(uint32_t a, uint32_t b, uint32_t *remainder)
{
    uint32_t quotient = 0;
    uint32_t rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t carry = rest >> 31;
        rest = rest << 1 | (a >> bit & 1U);
        if (carry != 0U || rest >= b) {
            rest -= b;
            quotient |= 1U << bit;
        }
    }
    *remainder = rest;
    return quotient;
}

uint32_t __udivsi3(uint32_t a, uint32_t b)
{
    uint32_t remainder;
    return divide(a, b, &remainder);
}

uint32_t __umodsi3(uint32_t a, uint32_t b)
{
    uint32_t remainder;
    divide(a, b, &remainder);
    return remainder;
}

uint64_t __udivdi3(uint64_t a, uint64_t b)
{
    return __udivmoddi4(a, b, NULL);
}

uint64_t __umoddi3(uint64_t a, uint64_t b)
{
    uint64_t remainder;
    __udivmoddi4(a, b, &remainder);
    return remainder;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int exponent_of(uint32_t bits)
{
    return (int)(bits >> FRACTION_BITS & 0xffU);
}

/* The significand with guard bits; 0 for zero. */
static uint32_t significand_of(uint32_t bits)
{
    const uint32_t fraction = (bits & 0x7fffffU) | 0x800000U;
    return exponent_of(bits) == 0 ? 0U : fraction << GUARD_BITS;
}

/* A right shift with a sticky lowest bit. */
static uint32_t shift_right(uint32_t x, int count)
{
    if (count > 31) {
        return x != 0U;
    }
    return x >> count | ((x & ((1U << count) - 1U)) != 0U);
}

/* Takes a significand with guard bits, and any number of leading zeros or one extra bit. */
static float pack(uint32_t sign, int exponent, uint32_t significand)
{
    if (significand == 0U) {
        return float_of(sign);
    }
    for (; significand >> 31 != 0U; exponent++) {
        significand = shift_right(significand, 1);
    }
    for (; significand >> 30 == 0U; exponent--) {
        significand <<= 1;
    }
    const uint32_t half = 1U << (GUARD_BITS - 1);
    const uint32_t odd = significand >> GUARD_BITS & 1U;
    uint32_t rounded = (significand + half - 1U + odd) >> GUARD_BITS;
    if (rounded >> 24 != 0U) {
        rounded >>= 1;
        exponent++;
    }
    if (exponent <= 0) {
        return float_of(sign);
    }
    if (exponent >= EXPONENT_MAX) {
        return float_of(sign | (uint32_t)EXPONENT_MAX << FRACTION_BITS);
    }
    return float_of(sign | (uint32_t)exponent << FRACTION_BITS | (rounded & 0x7fffffU));
}

float __mulsf3(float a, float b)
{
    const uint32_t x = bits_of(a);
    const uint32_t y = bits_of(b);
    const uint64_t product = __umulsidi3(significand_of(x), significand_of(y)); /* 1.0 is bit 60 */
    const uint32_t significand = (uint32_t)(product >> 30) | ((product & 0x3fffffffU) != 0U);
    return pack((x ^ y) & SIGN, exponent_of(x) + exponent_of(y) - BIAS, significand);
}

float __addsf3(float a, float b)
{
    uint32_t x = bits_of(a);
    uint32_t y = bits_of(b);
    if ((x & ~SIGN) < (y & ~SIGN)) {
        const uint32_t smaller = x;
        x = y;
        y = smaller;
    }
    const uint32_t large = significand_of(x);
    const uint32_t small = shift_right(significand_of(y), exponent_of(x) - exponent_of(y));
    if (((x ^ y) & SIGN) == 0U) {
        return pack(x & SIGN, exponent_of(x), large + small);
    }
    return pack(large == small ? 0U : x & SIGN, exponent_of(x), large - small);
}

float __subsf3(float a, float b)
{
    return __addsf3(a, float_of(bits_of(b) ^ SIGN));
}

float __floatsisf(int32_t a)
{
    const uint32_t magnitude = a < 0 ? 0U - (uint32_t)a : (uint32_t)a;
    return pack(a < 0 ? SIGN : 0U, BIAS + 30, magnitude);
}
