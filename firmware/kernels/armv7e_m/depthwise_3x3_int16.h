/* Depthwise convolution of 3 x 3 cells on int16 on Armv7E-M, four channels at a time: as depthwise_3x3.h, in tiles of six
 * outputs, with activations that are paired without being extended, and weights without a scale. */
#ifndef TINYCOMP_DEPTHWISE_3X3_INT16_H
#define TINYCOMP_DEPTHWISE_3X3_INT16_H

#include "depthwise_3x3_products.h"
#include "factors.h"
#include "rounding_int16.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_16_CHANNELS 4
#define TC_DEPTHWISE_16_WEIGHTS 9
#define TC_DEPTHWISE_16_PAIR 12 /* words per pair of columns */
#define TC_DEPTHWISE_16_TAIL 18 /* words that a tile reads after its own columns */
#define TC_DEPTHWISE_16_OUTPUTS 6

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint8_t stride_height;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    const void *factors; /* per channel: initial value of the sums, multiplier; see rounding_int16.h */
} tc_depthwise_3x3_int16_t;

/* Four channels of six outputs: pairs of columns, weights, factors, and bytes from one output to the next, plus 1 if
 * negative outputs become 0. */
typedef void (*tc_depthwise_16_tile_t)(const uint32_t *cells, const int8_t *weights, const int32_t *factors,
                                       int16_t *out, size_t step);

/* The three input rows of an output row, at column 0: row[i] + x * column[i] is the cell in column x; a row beyond a
 * border is one cell of zeros, repeated. */
typedef struct {
    const int16_t *row[3];
    size_t column[3];
} tc_depthwise_16_rows_t;

#if TC_DSP
/* clang-format off */
/* Defines the function of a tile: r0-r5 are sums, r6-r8 weights, r10 the factors, r11 the cells, r12 the initial value
 * of the sums, lr the address of the weights. On the stack: the output, the step, the end of the factors, whether
 * negative outputs become 0. */
#define TC_DEPTHWISE_16_SIX(code) ".irp sum, r0, r1, r2, r3, r4, r5\n\t" code "\n\t.endr\n\t"
#define TC_DEPTHWISE_16_TILE(name, first_rows, third_row)                                          \
    static __attribute__((noinline)) void name(const uint32_t *cells, const int8_t *weights, const int32_t *factors, \
                                               int16_t *out, size_t step)                          \
    {                                                                                              \
        register const uint32_t *r0 __asm__("r0") = cells;                                         \
        register const int8_t *r1 __asm__("r1") = weights;                                         \
        register const int32_t *r2 __asm__("r2") = factors;                                        \
        register int16_t *r3 __asm__("r3") = out;                                                  \
        register size_t r12 __asm__("r12") = step;                                                 \
        __asm__ volatile(                                                                          \
            TC_ASM_STACK(#name, "52") TC_THUMB_SAVE                                                \
            "and r7, r12, #1\n\tsub r5, r12, r7\n\tadd r6, r2, #32\n\tmov r4, r3\n\tpush {r4, r5, r6, r7}\n\t" \
            "mov r11, r0\n\tmov lr, r1\n\tmov r10, r2\n"                                           \
            "1:\n\t"                                                                               \
            "ldr r12, [r10]\n\tldr r6, [lr], #4\n\tldr r8, [lr], #5\n\tsxtb16 r7, r6, ror #8\n\t"  \
            "sxtb16 r6, r6\n\tsxtb16 r8, r8\n\t" first_rows                                        \
            "ldr r6, [lr, #-5]\n\tldrsb r7, [lr, #-1]\n\tsxtb16 r6, r6, ror #8\n\t"                \
            "lsr r9, r6, #16\n\tpkhbt r7, r9, r7, lsl #16\n\t" third_row                           \
            "ldr r9, [r10, #4]\n\tldm sp, {r6, r7, r8, r12}\n\t"                                   \
            TC_DEPTHWISE_16_SIX("smmulr \\sum, \\sum, r9")                                         \
            "cmp r12, #0\n\tbeq 2f\n\t" TC_DEPTHWISE_16_SIX("usat \\sum, #15, \\sum") "b 3f\n"               \
            "2:\n\t" TC_DEPTHWISE_16_SIX("ssat \\sum, #16, \\sum")                                 \
            "3:\n\t"                                                                               \
            "add r9, r6, #2\n\tstr r9, [sp]\n\tstrh r0, [r6]\n\tstrh r1, [r6, r7]\n\t"             \
            "add r6, r6, r7, lsl #1\n\tstrh r2, [r6]\n\tstrh r3, [r6, r7]\n\t"                     \
            "add r6, r6, r7, lsl #1\n\tstrh r4, [r6]\n\tstrh r5, [r6, r7]\n\t"                     \
            "add r10, r10, #8\n\tadd r11, r11, #4\n\tcmp r10, r8\n\tbne 1b\n\t"                    \
            "add sp, sp, #16\n\t" TC_THUMB_RESTORE                                                 \
            : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12)                                    \
            :                                                                                      \
            : "cc", "memory");                                                                     \
    }
/* clang-format on */

#else

static int32_t tc_depthwise_16_half(uint32_t word, unsigned half)
{
    return (int16_t)(word >> (16 * half));
}

static void tc_depthwise_16_tile(const uint32_t *cells, const int8_t *weights, const int32_t *factors, int16_t *out,
                                 size_t step, unsigned stride)
{
    for (unsigned i = 0; i < TC_DEPTHWISE_16_CHANNELS * TC_DEPTHWISE_16_OUTPUTS; i++) {
        const unsigned c = i % TC_DEPTHWISE_16_CHANNELS, x = i / TC_DEPTHWISE_16_CHANNELS;
        const int8_t *const w = weights + TC_DEPTHWISE_16_WEIGHTS * c;
        const int8_t rows[3][3] = {{w[0], w[1], w[4]}, {w[2], w[3], w[6]}, {w[5], w[7], w[8]}};
        uint32_t sum = (uint32_t)factors[2 * c];
        for (unsigned kx = 0; kx < 3; kx++) {
            const unsigned column = x * stride + kx;
            const uint32_t *const pair = cells + c + column / 2 * TC_DEPTHWISE_16_PAIR;
            sum += (uint32_t)(tc_depthwise_16_half(pair[column % 2 * 4], 0) * rows[0][kx]);
            sum += (uint32_t)(tc_depthwise_16_half(pair[column % 2 * 4], 1) * rows[1][kx]);
            sum += (uint32_t)(tc_depthwise_16_half(pair[8], column % 2) * rows[2][kx]);
        }
        out[x * (step / sizeof *out) + c] = tc_round_int16((int32_t)sum, factors[2 * c + 1], (int)(step % 2));
    }
}

#define TC_DEPTHWISE_16_TILE_C(name, stride)                                                                          \
    static void name(const uint32_t *cells, const int8_t *weights, const int32_t *factors, int16_t *out, size_t step) \
    {                                                                                                                 \
        tc_depthwise_16_tile(cells, weights, factors, out, step, stride);                                             \
    }

#endif

/* A cell beyond a border. */
static const int16_t tc_depthwise_16_zeros[TC_DEPTHWISE_16_CHANNELS] = {0};

static inline uint32_t tc_depthwise_16_load(const int16_t *from)
{
    return tc_load_word((const int8_t *)from);
}

/* Two columns of four channels: rows 0 and 1 of the first, of the second, row 2 of both. */
static inline void tc_depthwise_16_put(const int16_t *const *a, const int16_t *const *b, uint32_t *to)
{
    for (unsigned i = 0; i < 4; i += 2) {
        const uint32_t a0 = tc_depthwise_16_load(a[0] + i), a1 = tc_depthwise_16_load(a[1] + i);
        const uint32_t b0 = tc_depthwise_16_load(b[0] + i), b1 = tc_depthwise_16_load(b[1] + i);
        const uint32_t a2 = tc_depthwise_16_load(a[2] + i), b2 = tc_depthwise_16_load(b[2] + i);
        to[i] = tc_pack_low(a0, a1);
        to[i + 1] = tc_pack_high(a0, a1);
        to[i + 4] = tc_pack_low(b0, b1);
        to[i + 5] = tc_pack_high(b0, b1);
        to[i + 8] = tc_pack_low(a2, b2);
        to[i + 9] = tc_pack_high(a2, b2);
    }
}

/* Two columns of which one at least is beyond a border. */
static __attribute__((noinline)) void tc_depthwise_16_border(const tc_depthwise_16_rows_t *rows, int32_t x,
                                                             int32_t width, uint32_t *to)
{
    const int16_t *cells[2][3];
    for (unsigned i = 0; i < 2; i++, x++) {
        for (unsigned ky = 0; ky < 3; ky++) {
            cells[i][ky] = x >= 0 && x < width ? rows->row[ky] + (size_t)x * rows->column[ky] : tc_depthwise_16_zeros;
        }
    }
    tc_depthwise_16_put(cells[0], cells[1], to);
}

/* The columns of a block of channels that are inside the input, in `pairs` pairs, the first of which begins `left` columns
 * before it. */
static void tc_depthwise_16_expand(const tc_depthwise_16_rows_t *rows, int32_t left, int32_t width, size_t pairs,
                                   uint32_t *to)
{
    const size_t c0 = rows->column[0], c1 = rows->column[1], c2 = rows->column[2];
    uint32_t *const end = to + TC_DEPTHWISE_16_PAIR * pairs;
    int32_t x = -(left % 2);
    to += TC_DEPTHWISE_16_PAIR * (size_t)(left / 2);
    if (x < 0 && to < end) {
        tc_depthwise_16_border(rows, x, width, to);
        x += 2;
        to += TC_DEPTHWISE_16_PAIR;
    }
    const int16_t *r0 = rows->row[0] + (size_t)x * c0, *r1 = rows->row[1] + (size_t)x * c1;
    const int16_t *r2 = rows->row[2] + (size_t)x * c2;
    for (; x + 1 < width && to < end; x += 2, to += TC_DEPTHWISE_16_PAIR) {
        const int16_t *const a[3] = {r0, r1, r2}, *const b[3] = {r0 + c0, r1 + c1, r2 + c2};
        tc_depthwise_16_put(a, b, to);
        r0 += 2 * c0;
        r1 += 2 * c1;
        r2 += 2 * c2;
    }
    if (x < width && to < end) {
        tc_depthwise_16_border(rows, x, width, to);
    }
}

/* The input rows of output row y. */
static void tc_depthwise_16_find(const tc_depthwise_3x3_int16_t *op, const tc_input_t *in, uint16_t y,
                                 tc_depthwise_16_rows_t *rows)
{
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (unsigned ky = 0; ky < 3; ky++, top++) {
        const int inside = top >= 0 && top < op->input_height;
        rows->row[ky] = inside ? tc_input_row_int16(in, (uint16_t)top) : tc_depthwise_16_zeros;
        rows->column[ky] = inside ? op->channels : 0;
    }
}

/* Moves the rows on by a number of channels. */
static void tc_depthwise_16_move(tc_depthwise_16_rows_t *rows, size_t channels)
{
    for (unsigned ky = 0; ky < 3; ky++) {
        rows->row[ky] += rows->column[ky] != 0 ? channels : 0;
    }
}

/* Four channels of an output row, whose columns are expanded; `to`: the first output's. */
static void tc_depthwise_16_tiles(const tc_depthwise_3x3_int16_t *op, const uint32_t *cells, const int8_t *weights,
                                  const int32_t *factors, unsigned stride, tc_depthwise_16_tile_t tile, int16_t *to)
{
    const size_t channels = op->channels, rectified = op->activation_min >= 0 ? 1 : 0;
    unsigned rest = op->output_width;
    for (; rest >= TC_DEPTHWISE_16_OUTPUTS; rest -= TC_DEPTHWISE_16_OUTPUTS) {
        tile(cells, weights, factors, to, 2 * channels + rectified);
        to += TC_DEPTHWISE_16_OUTPUTS * channels;
        cells += TC_DEPTHWISE_16_OUTPUTS / 2 * TC_DEPTHWISE_16_PAIR * (size_t)stride;
    }
    if (rest != 0) {
        int16_t part[TC_DEPTHWISE_16_OUTPUTS][TC_DEPTHWISE_16_CHANNELS];
        tile(cells, weights, factors, part[0], sizeof part[0] + rectified);
        for (unsigned i = 0; i < rest; i++, to += channels) {
            memcpy(to, part[i], sizeof part[i]);
        }
    }
}

/* Output rows [first, last); at least four channels. The last block is always the last four channels, overlapping the
 * block before if needed. Scratch: if factors are packed, those of all channels; the columns that full tiles read (24
 * bytes each) and the tail's words. */
static __attribute__((noinline)) void tc_depthwise_3x3_int16(const tc_depthwise_3x3_int16_t *op, const tc_input_t *in,
                                                             const tc_output_t *out, uint16_t first, uint16_t last,
                                                             int8_t *scratch, unsigned stride,
                                                             tc_depthwise_16_tile_t tile)
{
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, op->channels, scratch);
    uint32_t *const cells = (uint32_t *)(void *)(scratch + tc_factors_room(op->packed, op->channels));
    const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
    const size_t pairs = ((op->output_width - 1u) * (size_t)stride + 3 + 1) / 2;
    const unsigned last_four = op->channels - TC_DEPTHWISE_16_CHANNELS;
    for (size_t i = 0; i < TC_DEPTHWISE_16_PAIR * pairs; i++) {
        cells[i] = 0; /* where both columns of a pair are beyond a border */
    }
    for (uint16_t y = first; y < last; y++) {
        int16_t *const to = tc_output_row_int16(out, y);
        tc_depthwise_16_rows_t rows;
        size_t channel = 0;
        tc_depthwise_16_find(op, in, y, &rows);
        for (unsigned c = 0; c < op->channels; c += TC_DEPTHWISE_16_CHANNELS) {
            const size_t next = c < last_four ? c : last_four;
            tc_depthwise_16_move(&rows, next - channel);
            channel = next;
            tc_depthwise_16_expand(&rows, op->padding_left, op->input_width, pairs, cells);
            tc_depthwise_16_tiles(op, cells, weights + TC_DEPTHWISE_16_WEIGHTS * channel, factors + 2 * channel, stride,
                                  tile, to + channel);
        }
    }
    if ((op->activation_min != 0 && op->activation_min != -32768) || op->activation_max != 32767) {
        for (uint16_t y = first; y < last; y++) {
            tc_clamp_row_int16(tc_output_row_int16(out, y), (size_t)op->output_width * op->channels, op->activation_min,
                               op->activation_max);
        }
    }
}

#endif
