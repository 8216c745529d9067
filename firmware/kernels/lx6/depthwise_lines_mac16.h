/* Common to the 3 x 3 depthwise convolutions with MAC16.
 *
 * The input of some output rows is expanded for four channels at a time: int16 numbers x + 128, a word for the same
 * cell of two channels (first and third, second and fourth), column by column with the three rows of a window. So a
 * window is nine consecutive words, and the next one begins three or six words further. A line is the outputs of one
 * channel in all of these rows: 11 instructions for nine products, with a zero-overhead loop. */
#ifndef TINYCOMP_DEPTHWISE_LINES_MAC16_H
#define TINYCOMP_DEPTHWISE_LINES_MAC16_H

#include "line.h"
#include "words_mac16.h"

#define TC_DEPTHWISE_MAC16_CHANNELS 4
#define TC_DEPTHWISE_MAC16_ROWS 3
#define TC_DEPTHWISE_MAC16_WEIGHTS 12 /* bytes of a channel, of which nine count */

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t columns; /* per output row */
    uint16_t rows;    /* maximum of output rows expanded together */
    uint8_t stride_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    uint8_t plain, workspace;    /* 1: weights are uncompressed; 1: the codec has a workspace */
    const tc_weights_t *weights; /* per channel, column by column: w0 w2 w1 w3, w4 w6 w5 w7, w8 */
    const int32_t *factors;      /* see line.h */
} tc_depthwise_mac16_t;

/* A channel's outputs in `rows` rows. */
typedef struct {
    const uint32_t *words;   /* the channel is one half of each */
    const uint32_t *weights; /* in pairs, the first column first */
    const int32_t *factors;
    int8_t *out;
    unsigned rows;
    size_t width, step; /* outputs per row, and bytes from one to the next */
    size_t gap;         /* words from the end of a row's windows to the next row's */
} tc_depthwise_mac16_line_t;

/* Of the channel in the lower halves, and of the one in the upper halves. */
typedef struct {
    void (*low)(const tc_depthwise_mac16_line_t *line);
    void (*high)(const tc_depthwise_mac16_line_t *line);
    unsigned stride;
} tc_depthwise_mac16_lines_t;

#if TC_MAC16

/* clang-format off */
/* `to_low` and `to_high` multiply the channel's half with a weight in the lower and upper half; `back` is the step from
 * a window's last word to the next one's first. */
#define TC_DEPTHWISE_MAC16_LINE(to_low, to_high, back)                                                          \
    const tc_line_t factors = tc_line(line->factors, 0);                                                        \
    const uint32_t *x = line->words - 1, *w = line->weights - 1;                                                \
    const uint32_t wa = line->weights[2], wb = line->weights[3], wc = line->weights[4];                         \
    const uint32_t coarse = TC_MULSH ? 0 : factors.multiplier >> TC_LINE_FINE;                                  \
    const uint32_t fine = TC_MULSH ? factors.multiplier : factors.multiplier & ((1u << TC_LINE_FINE) - 1);      \
    const size_t step = line->step, width = line->width, gap = line->gap;                                       \
    int8_t *out = line->out;                                                                                    \
    __asm__ volatile(TC_MAC16_REGISTERS TC_LDINC("2", "%[w]") TC_LDINC("3", "%[w]")                             \
                     : [w] "+&r"(w) : : "memory");                                                               \
    for (unsigned rows = line->rows; rows > 0; rows--, x += gap) {                                              \
        size_t sum = width, other;                                                                              \
        __asm__ volatile(                                                                                       \
            TC_MAC16_REGISTERS TC_LINE_SAR                                                                      \
            "j 1f\n\t.balign 4\n1:\n\tnop.n\n\t"                                                                \
            TC_LOOPNEZ("%[sum]", "2f")                                                                          \
            TC_LDINC("0", "%[x]") TC_LDINC("1", "%[x]") TC_MUL_DD(to_low, "0", "2")                             \
            TC_MULA_DD_LDINC(to_high, "0", "%[x]", "1", "2") TC_MAC16_LOADED                                    \
            TC_MULA_DD_LDINC(to_low, "1", "%[x]", "0", "3")                                                     \
            TC_MULA_DD_LDINC(to_high, "0", "%[x]", "1", "3") TC_MAC16_LOADED                                    \
            TC_MULA_DA_LDINC(to_low, "1", "%[x]", "0", "%[wa]")                                                 \
            TC_MULA_DA_LDINC(to_high, "0", "%[x]", "1", "%[wa]") TC_MAC16_LOADED                                \
            TC_MULA_DA_LDINC(to_low, "1", "%[x]", "0", "%[wb]")                                                 \
            TC_MULA_DA_LDINC(to_high, "0", "%[x]", "1", "%[wb]") TC_MAC16_LOADED                                \
            TC_MULA_DA(to_low, "0", "%[wc]")                                                                    \
            "addi %[x], %[x], " back "\n\t"                                                                     \
            TC_RSR_ACCLO("%[sum]") TC_LINE_BOUNDS("%[sum]", "%[low]", "%[high]")                                \
            TC_LINE_PRODUCT("%[sum]", "%[other]", "%[fine]", "%[coarse]") TC_LINE_END("%[sum]", "%[b]")         \
            "s8i %[sum], %[out], 0\n\tadd %[out], %[out], %[step]\n"                                            \
            "2:\n\t"                                                                                            \
            : [x] "+&r"(x), [out] "+&r"(out), [sum] "+&r"(sum), [other] "=&r"(other)                               \
            : [wa] "r"(wa), [wb] "r"(wb), [wc] "r"(wc), [low] "r"(factors.low), [high] "r"(factors.high),       \
              [fine] "r"(fine), [coarse] "r"(coarse), [b] "r"(factors.offset), [step] "r"(step)                 \
            : "memory");                                                                                        \
    }
/* clang-format on */

#else

static inline void tc_depthwise_mac16_line_c(const tc_depthwise_mac16_line_t *line, int32_t half(uint32_t word),
                                             unsigned stride)
{
    const tc_line_t factors = tc_line(line->factors, 0);
    const uint32_t *x = line->words, *const w = line->weights;
    int8_t *out = line->out;
    for (unsigned rows = line->rows; rows > 0; rows--, x += line->gap) {
        for (size_t i = line->width; i > 0; i--, x += stride * TC_DEPTHWISE_MAC16_ROWS, out += line->step) {
            int32_t sum = half(x[8]) * tc_mac16_low(w[4]);
            for (unsigned k = 0; k < 4; k++) {
                sum += half(x[2 * k]) * tc_mac16_low(w[k]) + half(x[2 * k + 1]) * tc_mac16_high(w[k]);
            }
            *out = tc_line_output(&factors, sum);
        }
    }
}

#endif

/* A window row's offset from the input's base if the row is beyond a border. */
#define TC_DEPTHWISE_MAC16_BEYOND INT32_MIN

/* State of four channels. */
typedef struct {
    const tc_depthwise_mac16_t *op;
    const int8_t *base;
    int32_t *rows;        /* window rows of all expanded output rows */
    uint32_t *even, *odd; /* expanded rows */
    unsigned channel;
    unsigned places[TC_DEPTHWISE_MAC16_CHANNELS]; /* offsets of the channels; the last one is repeated */
    int aligned;                                  /* 1: channels can be loaded as words */
} tc_depthwise_mac16_four_t;

/* The rows of a window, and the bytes from one cell to the next; 0 beyond a border. */
typedef struct {
    const int8_t *from[TC_DEPTHWISE_MAC16_ROWS];
    size_t step[TC_DEPTHWISE_MAC16_ROWS];
} tc_depthwise_mac16_cells_t;

/* Expands some columns: four channels at an aligned address, or at `places`. */
static __attribute__((noinline)) TC_HOT void tc_depthwise_mac16_words(const tc_depthwise_mac16_cells_t *cells,
                                                                      unsigned count, uint32_t *even, uint32_t *odd)
{
    const int8_t *a = cells->from[0], *b = cells->from[1], *c = cells->from[2];
    for (; count > 0; count--) {
        const uint32_t x = *(const uint32_t *)(const void *)a ^ TC_MAC16_SIGNS;
        const uint32_t y = *(const uint32_t *)(const void *)b ^ TC_MAC16_SIGNS;
        const uint32_t z = *(const uint32_t *)(const void *)c ^ TC_MAC16_SIGNS;
        even[0] = x & TC_MAC16_BYTES;
        odd[0] = (x >> 8) & TC_MAC16_BYTES;
        even[1] = y & TC_MAC16_BYTES;
        odd[1] = (y >> 8) & TC_MAC16_BYTES;
        even[2] = z & TC_MAC16_BYTES;
        odd[2] = (z >> 8) & TC_MAC16_BYTES;
        even += TC_DEPTHWISE_MAC16_ROWS;
        odd += TC_DEPTHWISE_MAC16_ROWS;
        a += cells->step[0];
        b += cells->step[1];
        c += cells->step[2];
    }
}

static __attribute__((noinline)) TC_HOT void tc_depthwise_mac16_bytes(const tc_depthwise_mac16_cells_t *cells,
                                                                      const unsigned *places, unsigned count,
                                                                      uint32_t *even, uint32_t *odd)
{
    for (unsigned row = 0; row < TC_DEPTHWISE_MAC16_ROWS; row++) {
        const uint8_t *x = (const uint8_t *)cells->from[row];
        const size_t step = cells->step[row];
        /* a padding cell has only one channel */
        const unsigned second = step != 0 ? places[1] : 0, third = step != 0 ? places[2] : 0,
                       fourth = step != 0 ? places[3] : 0;
        uint32_t *e = even + row, *o = odd + row;
        for (unsigned i = count; i > 0; i--, x += step) {
            *e = (x[0] | (uint32_t)x[third] << 16) ^ (TC_MAC16_SIGNS & TC_MAC16_BYTES);
            *o = (x[second] | (uint32_t)x[fourth] << 16) ^ (TC_MAC16_SIGNS & TC_MAC16_BYTES);
            e += TC_DEPTHWISE_MAC16_ROWS;
            o += TC_DEPTHWISE_MAC16_ROWS;
        }
    }
}

/* Fills the columns beyond the left and right borders of `rows` expanded rows, the same for all channels. */
static __attribute__((cold)) void tc_depthwise_mac16_borders(const tc_depthwise_mac16_four_t *four, unsigned rows)
{
    const tc_depthwise_mac16_t *const op = four->op;
    const uint32_t x = ((uint8_t)op->input_zero_point ^ 0x80u) * 0x00010001u;
    const size_t size = TC_DEPTHWISE_MAC16_ROWS * (size_t)op->columns;
    const size_t before = TC_DEPTHWISE_MAC16_ROWS * (size_t)op->padding_left;
    const size_t behind = before + TC_DEPTHWISE_MAC16_ROWS * (size_t)op->input_width;
    for (size_t at = 0; at != rows * size; at += size) {
        for (size_t i = 0; i < size; i++) {
            if (i < before || i >= behind) {
                four->even[at + i] = x;
                four->odd[at + i] = x;
            }
        }
    }
}

/* Finds the window rows of `rows` output rows from row y on. */
static void tc_depthwise_mac16_places(const tc_depthwise_mac16_four_t *four, const tc_input_t *in, uint16_t y,
                                      unsigned rows)
{
    const tc_depthwise_mac16_t *const op = four->op;
    int32_t top = (int32_t)y * op->stride_height - op->padding_top, *row = four->rows;
    for (; rows > 0; rows--, top += op->stride_height) {
        for (int32_t at = top; at < top + TC_DEPTHWISE_MAC16_ROWS; at++) {
            const int inside = at >= 0 && at < op->input_height;
            *row++ = inside ? (int32_t)(tc_input_row(in, (uint16_t)at) - in->base) : TC_DEPTHWISE_MAC16_BEYOND;
        }
    }
}

/* Expands the rows of the windows of `rows` output rows. */
static void tc_depthwise_mac16_expand(const tc_depthwise_mac16_four_t *four, unsigned rows)
{
    const tc_depthwise_mac16_t *const op = four->op;
    const uint32_t border = (uint8_t)op->input_zero_point * 0x01010101u;
    const size_t size = TC_DEPTHWISE_MAC16_ROWS * (size_t)op->columns, before = op->padding_left;
    const size_t rest = op->columns - before, inside = rest < op->input_width ? rest : op->input_width;
    uint32_t *even = four->even + TC_DEPTHWISE_MAC16_ROWS * before, *odd = four->odd + TC_DEPTHWISE_MAC16_ROWS * before;
    const int32_t *row = four->rows;
    tc_depthwise_mac16_cells_t cells;
    for (; rows > 0; rows--, even += size, odd += size) {
        for (unsigned i = 0; i < TC_DEPTHWISE_MAC16_ROWS; i++, row++) {
            const int known = *row != TC_DEPTHWISE_MAC16_BEYOND;
            cells.from[i] = known ? four->base + (*row + (int32_t)four->channel) : (const int8_t *)&border;
            cells.step[i] = known ? op->channels : 0;
        }
        if (four->aligned) {
            tc_depthwise_mac16_words(&cells, (unsigned)inside, even, odd);
        } else {
            tc_depthwise_mac16_bytes(&cells, four->places, (unsigned)inside, even, odd);
        }
    }
}

/* The number of output rows from y on, at most `most`, that are contiguous and fit into scratch. */
static unsigned tc_depthwise_mac16_rows(const tc_depthwise_mac16_t *op, const tc_output_t *out, uint16_t y,
                                        unsigned most)
{
    const int8_t *next = tc_output_row(out, y);
    unsigned rows = 0;
    do {
        rows++;
        next += (size_t)op->output_width * op->channels;
    } while (rows < most && rows < op->rows && tc_output_row(out, (uint16_t)(y + rows)) == next);
    return rows;
}

/* The weights of four channels, or of the remaining ones, as words. */
static void tc_depthwise_mac16_weights(const tc_depthwise_mac16_t *op, unsigned channel, unsigned count,
                                       uint32_t *words, int8_t *buffer)
{
    const size_t size = TC_DEPTHWISE_MAC16_WEIGHTS, fours = size / 4 * count;
    const int8_t *const read = tc_weights_read(op->weights, size * channel, size * count, buffer);
    if (op->plain) {
        tc_mac16_weights(read, fours, words);
    } else {
        tc_mac16_codes(read, fours, words);
    }
}

/* Outputs of four channels in `rows` rows from row y on; `count` of the channels are not repeated ones. */
static void tc_depthwise_mac16_outputs(const tc_depthwise_mac16_four_t *four, const tc_depthwise_mac16_lines_t *lines,
                                       tc_depthwise_mac16_line_t line, const uint32_t *weights, unsigned count,
                                       int8_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        line.words = i % 2 == 0 ? four->even : four->odd;
        line.weights = weights + TC_DEPTHWISE_MAC16_WEIGHTS / 2 * i;
        line.factors = tc_line_factors(four->op->factors, four->channel + i, 0);
        line.out = out + four->channel + i;
        (i < 2 ? lines->low : lines->high)(&line);
    }
}

/* Output rows [first, last). Scratch: `rows` expanded rows, 24 bytes per column, and three offsets each; the weights of
 * four channels, twice if they are decoded. */
static void tc_depthwise_mac16(const tc_depthwise_mac16_t *op, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch, const tc_depthwise_mac16_lines_t *lines)
{
    const size_t size = TC_DEPTHWISE_MAC16_ROWS * (size_t)op->columns, pairs = TC_DEPTHWISE_MAC16_WEIGHTS / 2;
    uint32_t *const even = (uint32_t *)(void *)scratch, *const odd = even + size * op->rows;
    uint32_t *const weights = odd + size * op->rows;
    int32_t *const rows = (int32_t *)(weights + pairs * TC_DEPTHWISE_MAC16_CHANNELS);
    int8_t *const buffer = (int8_t *)(rows + TC_DEPTHWISE_MAC16_ROWS * (size_t)op->rows);
    tc_depthwise_mac16_four_t four = {op, in->base, rows, even, odd, 0, {0, 0, 0, 0}, 0};
    tc_depthwise_mac16_line_t line = {even, weights, NULL, NULL, 0, op->output_width, op->channels, 0};
    line.gap = size - TC_DEPTHWISE_MAC16_ROWS * (size_t)lines->stride * op->output_width;
    four.aligned = op->channels % 4 == 0 && ((uintptr_t)in->base | in->stride) % 4 == 0;
    if (op->workspace) {
        tc_weights_read(op->weights, 0, 0, buffer);
    }
    tc_depthwise_mac16_borders(&four, op->rows < last - (unsigned)first ? op->rows : last - (unsigned)first);
    for (uint16_t y = first; y < last; y = (uint16_t)(y + line.rows)) {
        line.rows = tc_depthwise_mac16_rows(op, out, y, last - (unsigned)y);
        tc_depthwise_mac16_places(&four, in, y, line.rows);
        four.channel = 0;
        for (unsigned rest = op->channels, count; rest > 0; rest -= count, four.channel += count) {
            count = rest < TC_DEPTHWISE_MAC16_CHANNELS ? rest : TC_DEPTHWISE_MAC16_CHANNELS;
            for (unsigned i = 0; i < TC_DEPTHWISE_MAC16_CHANNELS; i++) {
                four.places[i] = i < count ? i : count - 1;
            }
            tc_depthwise_mac16_weights(op, four.channel, count, weights, buffer);
            tc_depthwise_mac16_expand(&four, line.rows);
            tc_depthwise_mac16_outputs(&four, lines, line, weights, count, tc_output_row(out, y));
        }
    }
}

#endif
