/* Common to generated code, kernels, codecs and ports: types, access to constants, rows, requantization.
 *
 * C99 and C++11. Every function is static: two libraries in one image never clash. */
#ifndef TINYCOMP_H
#define TINYCOMP_H

/* Generated code checks this: it needs the headers that it was generated with. */
#define TC_VERSION 1

/* 1: small code, whatever the compiler's options are (--optimize flash). */
#ifndef TC_SMALL
#define TC_SMALL 0
#endif
#if TC_SMALL && defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

/* Small functions of Thumb-1 release their stack by POP into r1 to r3, which GCC's callers are not told by its
 * allocation of registers across functions: they expect their values to be there still. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__) && !defined(__clang__)
#if TC_SMALL || defined(__OPTIMIZE_SIZE__)
#pragma GCC optimize("no-ipa-ra")
#endif
#endif

/* Begins a function that small code has once, and other code wherever it is called. */
#if TC_SMALL && defined(__GNUC__)
#define TC_SHARED static __attribute__((noinline, unused))
#else
#define TC_SHARED static inline
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Access to constants. On a Harvard core (AVR) a const object takes RAM unless it is placed in program memory and read
 * with special instructions; elsewhere these are plain reads. TC_FETCH declares `name`, a pointer to a readable copy of
 * a constant struct. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define TC_CONSTANTS_IN_PROGRAM_MEMORY 1
#define TC_CONST const PROGMEM
#define TC_READ_U8(p) pgm_read_byte(p)
#define TC_READ_I8(p) ((int8_t)pgm_read_byte(p))
#define TC_READ_U16(p) pgm_read_word(p)
#define TC_READ_I16(p) ((int16_t)pgm_read_word(p))
#define TC_READ_U32(p) pgm_read_dword(p)
#define TC_READ_I32(p) ((int32_t)pgm_read_dword(p))
#define TC_READ_F32(p) pgm_read_float(p)
#define TC_COPY(to, from, size) memcpy_P((to), (from), (size))
#define TC_FETCH(type, name, from)                \
    type name##_copy;                             \
    memcpy_P(&name##_copy, (from), sizeof(type)); \
    const type *const name = &name##_copy
#else
#define TC_CONSTANTS_IN_PROGRAM_MEMORY 0
#define TC_CONST const
#define TC_READ_U8(p) (*(p))
#define TC_READ_I8(p) (*(p))
#define TC_READ_U16(p) (*(p))
#define TC_READ_I16(p) (*(p))
#define TC_READ_U32(p) (*(p))
#define TC_READ_I32(p) (*(p))
#define TC_READ_F32(p) (*(p))
#define TC_COPY(to, from, size) memcpy((to), (from), (size))
#define TC_FETCH(type, name, from) const type *const name = (from)
#endif

/* 1: every tensor has all its rows in memory. Small code then leaves out the rings. */
#ifndef TC_NO_RINGS
#define TC_NO_RINGS 0
#endif

/* Rows of a tensor: row y is at base + (y modulo ring) * stride. ring is the tensor's height if the whole tensor is in
 * memory, fewer rows if they are streamed through a ring buffer. A tensor of one axis is one row. */
typedef struct {
    const int8_t *base;
    size_t stride;
#if !TC_NO_RINGS
    uint16_t ring;
#endif
} tc_input_t;

typedef struct {
    int8_t *base;
    size_t stride;
#if !TC_NO_RINGS
    uint16_t ring;
#endif
} tc_output_t;

/* Rows of a ring: as many as any tensor has, where there are no rings. */
#if TC_NO_RINGS
#define TC_RING(rows) ((void)(rows), (uint16_t)0xFFFF)
#else
#define TC_RING(rows) ((rows)->ring)
#endif

static inline uint16_t tc_slot(uint16_t y, uint16_t ring)
{
    while (!TC_NO_RINGS && y >= ring) { /* not %, which is a library call on cores without a divider */
        y = (uint16_t)(y - ring);
    }
    return y;
}

static inline const int8_t *tc_input_row(const tc_input_t *in, uint16_t y)
{
    return &in->base[tc_slot(y, TC_RING(in)) * in->stride];
}

static inline int8_t *tc_output_row(const tc_output_t *out, uint16_t y)
{
    return &out->base[tc_slot(y, TC_RING(out)) * out->stride];
}

/* memset and memcpy of a number of bytes that the compiler does not know. Small code has its own: those of C libraries
 * for cores of 32 bits take up to 300 bytes. The empty assembly keeps the compiler from calling them all the same. */
#if TC_SMALL && defined(__GNUC__) && !defined(__AVR__)
static __attribute__((noinline, unused)) void tc_fill(void *to, int value, size_t size)
{
    int8_t *at = (int8_t *)to;
    for (const int8_t *const end = at + size; at != end; at++) {
        *at = (int8_t)value;
        __asm__ volatile("" : "+&r"(at));
    }
}

static __attribute__((noinline, unused)) void tc_copy(void *to, const void *from, size_t size)
{
    int8_t *at = (int8_t *)to;
    const int8_t *next = (const int8_t *)from;
    for (const int8_t *const end = next + size; next != end; at++) {
        *at = *next++;
        __asm__ volatile("" : "+&r"(at));
    }
}
#else
static inline void tc_fill(void *to, int value, size_t size)
{
    memset(to, value, size);
}

static inline void tc_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}
#endif

/* Copies rows of whole words; the memcpy of small C libraries goes byte by byte. */
static inline void tc_move_words(int8_t *to, const int8_t *from, size_t size)
{
    uint32_t *words = (uint32_t *)(void *)to;
    const uint32_t *word = (const uint32_t *)(const void *)from, *const end = word + size / sizeof *word;
    for (; (size_t)(end - word) >= 4; word += 4, words += 4) {
        const uint32_t a = word[0], b = word[1], c = word[2], d = word[3];
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
    }
    while (word != end) {
        *words++ = *word++;
    }
}

/* The number of a weight in its layer. Generated code defines TC_INDEX_32 for an AVR if a layer has more than 65,536. */
#if defined(TC_INDEX_32) && defined(__AVR__)
typedef uint32_t tc_index_t;
#else
typedef size_t tc_index_t;
#endif

/* Weights as a codec stores them: the first member of every codec's struct. `read` returns the address of `count`
 * weights from index `first` on: in flash itself, or decoded into `buffer` (at least count bytes). A codec with a
 * workspace keeps it at the start of the buffer; each kernel call first reads 0 weights, which fills the workspace. */
typedef struct tc_weights tc_weights_t;
typedef const int8_t *(*tc_weights_read_t)(const tc_weights_t *weights, tc_index_t first, size_t count, int8_t *buffer);
struct tc_weights {
    tc_weights_read_t read;
};

static inline const int8_t *tc_weights_read(const tc_weights_t *weights, tc_index_t first, size_t count, int8_t *buffer)
{
    TC_FETCH(tc_weights_t, codec, weights);
    return codec->read(weights, first, count, buffer);
}

/* Requantization (docs/numerics.md). A real factor is multiplier * 2^(shift - 31), the multiplier in [2^30, 2^31). All
 * functions need arithmetic right shifts: asserted here. */
typedef char tc_assert_arithmetic_shift[((-1) >> 1) == -1 ? 1 : -1];

/* floor((2ab + 2^31) / 2^32): the saturating rounding doubling high multiply, without the saturation for
 * a = b = -2^31, as multipliers are positive. */
TC_SHARED int32_t tc_rounding_doubling_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)((((int64_t)a * b) + 0x40000000) >> 31);
}

/* x / 2^s rounded to nearest, ties away from zero; 0 <= s <= 31, |x| < 2^31 - 1 (true of every high multiply's result).
 * Shifting by s - 1, adding one half and shifting once more stays within 32 bits. */
static inline int32_t tc_rounding_shift_right(int32_t x, int s)
{
    if (s == 0) {
        return x;
    }
    return (((x + (x >> 31)) >> (s - 1)) + 1) >> 1;
}

/* Rounds twice, as convolution, depthwise convolution, add and multiply do. */
static inline int32_t tc_requantize(int32_t x, int32_t multiplier, int shift)
{
    const int left = (shift > 0) ? shift : 0;
    const int32_t high = tc_rounding_doubling_high_multiply((int32_t)((uint32_t)x << left), multiplier);
    return (shift < 0) ? tc_rounding_shift_right(high, -shift) : high;
}

static inline int8_t tc_clamp(int32_t x, int32_t low, int32_t high)
{
    x = (x < low) ? low : x;
    return (int8_t)((x > high) ? high : x);
}

#endif
