/* Depthwise convolution of 3 x 3 cells on Armv7E-M, four channels at a time.
 *
 * The three input rows that an output row needs are rearranged into words of two int16, so that SMLAD makes two
 * products: of each column of a channel, rows 0 and 1; of row 2, each two neighbouring columns. A pair of columns
 * takes 12 words: rows 0 and 1 of the first column for each of four channels, of the second column, then row 2 of both.
 * A tile of a few outputs of one channel then takes two and a half instructions an output less than it has products.
 *
 * The nine weights of a channel lie in the order that SXTB16 takes them apart in: w00 w01 w10 w11 w02 w20 w12 w21 w22
 * (row, column). */
#ifndef TINYCOMP_DEPTHWISE_3X3_H
#define TINYCOMP_DEPTHWISE_3X3_H

#include "dsp.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_CHANNELS 4
#define TC_DEPTHWISE_WEIGHTS 9
#define TC_DEPTHWISE_PAIR 12 /* words of a pair of columns */
#define TC_DEPTHWISE_TAIL 18 /* words behind a tile's own columns that it reads too */

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint8_t stride_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *factors; /* of each channel: what sums start at * 32 + right shift - 1, and the multiplier */
} tc_depthwise_3x3_t;

/* Four channels of a row's outputs, tile after tile. */
typedef struct {
    unsigned tiles;
    const uint32_t *cells; /* from the first tile's first column on */
    const int8_t *weights;
    const int32_t *factors;
    int32_t rounding; /* 2 * the output's zero point + 1 */
    int8_t *out;
    size_t step; /* bytes from one output to the next */
} tc_depthwise_tile_t;

typedef void (*tc_depthwise_tile_function_t)(const tc_depthwise_tile_t *tile);

#if TC_DSP && defined(__OPTIMIZE__)

/* Tiles in assembly: r0-r5 are sums, r6-r8 weights, r10 the factors, r11 the cells, r12 what sums start at, lr the
 * weights. What else they need is read from memory, which is what volatile is for. */
#define TC_DEPTHWISE_TILE_STATE(tile)                                                                     \
    const uint32_t *volatile cells = (tile)->cells;                                                       \
    const int8_t *volatile const weights = (tile)->weights;                                               \
    const int32_t *volatile const factors = (tile)->factors;                                              \
    const int32_t *volatile const factors_end = (tile)->factors + 2 * TC_DEPTHWISE_CHANNELS;              \
    const int32_t volatile rounding = (tile)->rounding;                                                   \
    int8_t *volatile out;                                                                                 \
    const size_t volatile step = (tile)->step;
#define TC_DEPTHWISE_TILE_BEGIN                                                                           \
    "ldr r11, %[cells]\n\tldr lr, %[weights]\n\tldr r10, %[factors]\n"                                    \
    "1:\n\t"                                                                                              \
    "ldr r12, [r10]\n\tldr r6, [lr], #4\n\tldr r8, [lr], #5\n\tasr r12, r12, #5\n\t"                      \
    "sxtb16 r7, r6, ror #8\n\tsxtb16 r6, r6\n\tsxtb16 r8, r8\n\t"
#define TC_DEPTHWISE_TILE_THIRD_ROW                                                                       \
    "ldr r6, [lr, #-5]\n\tldrsb r7, [lr, #-1]\n\tsxtb16 r6, r6, ror #8\n\tasr r9, r6, #16\n\t"            \
    "pkhbt r7, r9, r7, lsl #16\n\t"
#define TC_DEPTHWISE_TILE_FACTOR                                                                          \
    "ldr r8, [r10], #4\n\tldr r6, [r10], #4\n\tldr r7, %[rounding]\n\tand r8, r8, #31\n\t"                \
    "lsl r7, r7, r8\n\t"
#define TC_DEPTHWISE_TILE_REQUANTIZE(sum)                                                                 \
    "lsl r9, " sum ", #1\n\tsmmlar r9, r9, r6, r7\n\tadd r9, r9, " sum ", asr #31\n\tasr r9, r9, r8\n\t"  \
    "ssat " sum ", #8, r9, asr #1\n\t"
#define TC_DEPTHWISE_TILE_OUT "ldr r12, %[out]\n\tldr r6, %[step]\n\tadd r9, r12, #1\n\tstr r9, %[out]\n\t"
#define TC_DEPTHWISE_TILE_END "add r11, r11, #4\n\tldr r9, %[end]\n\tcmp r10, r9\n\tbne 1b\n\t"
#define TC_DEPTHWISE_TILE_OPERANDS                                                                        \
    : [out] "+m"(out)                                                                                     \
    : [cells] "m"(cells), [weights] "m"(weights), [factors] "m"(factors), [end] "m"(factors_end),         \
      [rounding] "m"(rounding), [step] "m"(step)                                                          \
    : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory"

#else

static inline int32_t tc_depthwise_half(uint32_t word, unsigned half)
{
    return (int16_t)(word >> (16 * half));
}

/* Tiles of `outputs` outputs in portable C. */
static void tc_depthwise_tiles(const tc_depthwise_tile_t *tile, unsigned outputs, unsigned stride)
{
    outputs *= tile->tiles;
    for (unsigned c = 0; c < TC_DEPTHWISE_CHANNELS; c++) {
        const int8_t *const w = tile->weights + c * TC_DEPTHWISE_WEIGHTS;
        const int8_t rows[3][3] = {{w[0], w[1], w[4]}, {w[2], w[3], w[6]}, {w[5], w[7], w[8]}};
        const int shift = tile->factors[2 * c] & 31;
        const int32_t rounding = (int32_t)((uint32_t)tile->rounding << shift);
        for (unsigned x = 0; x < outputs; x++) {
            int32_t sum = tile->factors[2 * c] >> 5;
            int32_t high;
            for (unsigned kx = 0; kx < 3; kx++) {
                const unsigned column = x * stride + kx;
                const uint32_t *const cells = tile->cells + column / 2 * TC_DEPTHWISE_PAIR + c;
                sum += tc_depthwise_half(cells[column % 2 * 4], 0) * rows[0][kx];
                sum += tc_depthwise_half(cells[column % 2 * 4], 1) * rows[1][kx];
                sum += tc_depthwise_half(cells[8], column % 2) * rows[2][kx];
            }
            high = tc_smmlar(sum * 2, tile->factors[2 * c + 1], rounding) + (sum >> 31);
            tile->out[x * tile->step + c] = (int8_t)tc_halve_to_int8(high >> shift);
        }
    }
}

#endif

/* Two words of four channels, which become four words of one channel each: a's byte below b's. */
static inline void tc_depthwise_pack(uint32_t a, uint32_t b, uint32_t *to)
{
    const uint32_t low = tc_pack_low(a, b), high = tc_pack_high(a, b);
    to[0] = tc_sxtb16(low);
    to[1] = tc_sxtb16_odd(low);
    to[2] = tc_sxtb16(high);
    to[3] = tc_sxtb16_odd(high);
}

/* Three input rows at four channels; a row beyond a border is one cell that repeats itself. */
typedef struct {
    const int8_t *row[3];
    size_t step[3];
} tc_depthwise_rows_t;

/* A pair of columns, of which one may lie beyond a border. */
static void tc_depthwise_edge(const tc_depthwise_rows_t *rows, int32_t x, int32_t width, uint32_t border,
                              uint32_t *to)
{
    uint32_t left[3], right[3];
    for (unsigned ky = 0; ky < 3; ky++) {
        const int8_t *const cell = rows->row[ky] + (x + 1 > 0 ? (size_t)x + 1 : 0) * rows->step[ky];
        right[ky] = x + 1 < width ? tc_load_word(cell) : border;
        left[ky] = x >= 0 ? tc_load_word(cell - rows->step[ky]) : border;
    }
    tc_depthwise_pack(left[0], left[1], to);
    tc_depthwise_pack(right[0], right[1], to + 4);
    tc_depthwise_pack(left[2], right[2], to + 8);
}

/* All columns that an output row reads, from column -padding_left on. What lies beyond the right border is there
 * already. */
static __attribute__((noinline)) void tc_depthwise_expand(const tc_depthwise_rows_t *rows, int32_t x, int32_t width,
                                                          uint32_t border, uint32_t *to)
{
    const int8_t *row0 = rows->row[0], *row1 = rows->row[1], *row2 = rows->row[2];
    const size_t step0 = rows->step[0], step1 = rows->step[1], step2 = rows->step[2];
    for (; x < -1; x += 2) {
        to += TC_DEPTHWISE_PAIR;
    }
    if (x < 0) {
        tc_depthwise_edge(rows, x, width, border, to);
        to += TC_DEPTHWISE_PAIR;
        x += 2;
        row0 += step0;
        row1 += step1;
        row2 += step2;
    }
    for (; x + 1 < width; x += 2, to += TC_DEPTHWISE_PAIR) {
        const uint32_t a0 = tc_load_word(row0), b0 = tc_load_word(row0 + step0);
        const uint32_t a1 = tc_load_word(row1), b1 = tc_load_word(row1 + step1);
        const uint32_t a2 = tc_load_word(row2), b2 = tc_load_word(row2 + step2);
        tc_depthwise_pack(a0, a1, to);
        tc_depthwise_pack(b0, b1, to + 4);
        tc_depthwise_pack(a2, b2, to + 8);
        row0 += 2 * step0;
        row1 += 2 * step1;
        row2 += 2 * step2;
    }
    if (x < width) {
        tc_depthwise_edge(rows, x, width, border, to);
    }
}

/* A tile of fewer outputs than its function makes. */
static void tc_depthwise_part(const tc_depthwise_tile_t *tile, tc_depthwise_tile_function_t function, unsigned outputs)
{
    tc_depthwise_tile_t whole = *tile;
    int8_t values[6 * TC_DEPTHWISE_CHANNELS];
    whole.tiles = 1;
    whole.out = values;
    whole.step = TC_DEPTHWISE_CHANNELS;
    function(&whole);
    for (unsigned x = 0; x < outputs; x++) {
        memcpy(tile->out + x * tile->step, values + x * TC_DEPTHWISE_CHANNELS, TC_DEPTHWISE_CHANNELS);
    }
}

/* Bounds that int8 does not have by itself. */
static void tc_depthwise_clamp(const tc_depthwise_3x3_t *op, int8_t *row)
{
    const size_t size = (size_t)op->output_width * op->channels;
    for (size_t i = 0; i < size; i++) {
        row[i] = tc_clamp(row[i], op->activation_min, op->activation_max);
    }
}

/* The three rows that output row y reads, from their first column inside the input on, at channel 0. */
static void tc_depthwise_rows(const tc_depthwise_3x3_t *op, const tc_input_t *in, uint16_t y, const int8_t *border,
                              tc_depthwise_rows_t *rows)
{
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (unsigned ky = 0; ky < 3; ky++, top++) {
        const int inside = top >= 0 && top < op->input_height;
        rows->row[ky] = inside ? tc_input_row(in, (uint16_t)top) : border;
        rows->step[ky] = inside ? op->channels : 0;
    }
}

/* Output rows [first, last) by tiles of `outputs`, at least four channels. Scratch: the columns that whole tiles read
 * (24 bytes each) and the tail's words, then two blocks of four channels' weights where those are decoded. */
static __attribute__((noinline)) void tc_depthwise_3x3(const tc_depthwise_3x3_t *op, const tc_input_t *in,
                                                       const tc_output_t *out, uint16_t first, uint16_t last,
                                                       int8_t *scratch, tc_depthwise_tile_function_t function,
                                                       unsigned outputs, unsigned stride)
{
    const size_t tile_words = (size_t)outputs * stride * TC_DEPTHWISE_PAIR / 2;
    const uint32_t border = (uint8_t)op->input_zero_point * 0x01010101u;
    const int32_t left = -(int32_t)op->padding_left;
    uint32_t *const cells = (uint32_t *)(void *)scratch;
    uint32_t *words = cells;
    int8_t border_cell[TC_DEPTHWISE_CHANNELS];
    tc_depthwise_rows_t rows, at;
    tc_depthwise_tile_t tile;
    const int8_t *weights = NULL;
    unsigned rest_outputs = op->output_width, tiles = 0;
    tile.rounding = 2 * op->output_zero_point + 1;
    tile.step = op->channels;
    memcpy(border_cell, &border, sizeof border_cell);
    for (unsigned x = 0; x < op->output_width; x += outputs) {
        for (const uint32_t *const end = words + tile_words; words != end;) {
            *words++ = tc_sxtb16(border);
        }
        if (rest_outputs >= outputs) {
            rest_outputs -= outputs;
            tiles++;
        }
    }
    for (const uint32_t *const end = words + TC_DEPTHWISE_TAIL; words != end;) {
        *words++ = tc_sxtb16(border);
    }
    tc_depthwise_rows(op, in, first, border_cell, &rows);
    for (unsigned c = 0; c < op->channels; c += TC_DEPTHWISE_CHANNELS) {
        const unsigned rest = op->channels - c;
        unsigned channel = c;
        int8_t *const buffer = (int8_t *)words;
        if (rest >= TC_DEPTHWISE_CHANNELS) {
            const size_t count = TC_DEPTHWISE_CHANNELS * TC_DEPTHWISE_WEIGHTS;
            weights = tc_weights_read(op->weights, c * TC_DEPTHWISE_WEIGHTS, count, buffer);
        } else { /* the last four channels, some of them once more: their weights lie behind those of the block before */
            const size_t count = TC_DEPTHWISE_CHANNELS * TC_DEPTHWISE_WEIGHTS;
            tc_weights_read(op->weights, c * TC_DEPTHWISE_WEIGHTS, rest * TC_DEPTHWISE_WEIGHTS, buffer + count);
            weights += rest * TC_DEPTHWISE_WEIGHTS;
            channel = op->channels - TC_DEPTHWISE_CHANNELS;
        }
        tile.weights = weights;
        tile.factors = op->factors + 2 * channel;
        for (uint16_t y = first; y < last; y++) {
            if (last - first > 1) {
                tc_depthwise_rows(op, in, y, border_cell, &rows);
            }
            at = rows;
            for (unsigned ky = 0; ky < 3; ky++) {
                at.row[ky] += rows.step[ky] != 0 ? channel : 0;
            }
            tc_depthwise_expand(&at, left, op->input_width, border, cells);
            tile.cells = cells;
            tile.out = tc_output_row(out, y) + channel;
            tile.tiles = tiles;
            if (tiles != 0) {
                function(&tile);
            }
            if (rest_outputs != 0) {
                tile.cells += tiles * tile_words;
                tile.out += tiles * outputs * tile.step;
                tc_depthwise_part(&tile, function, rest_outputs);
            }
        }
    }
    if (op->activation_min != -128 || op->activation_max != 127) {
        for (uint16_t y = first; y < last; y++) {
            tc_depthwise_clamp(op, tc_output_row(out, y));
        }
    }
}

#endif
