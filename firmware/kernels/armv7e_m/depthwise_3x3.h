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
#define TC_DEPTHWISE_TILE_STATE(tile)                                                        \
    const uint32_t *volatile cells = (tile)->cells;                                          \
    const int8_t *volatile const weights = (tile)->weights;                                  \
    const int32_t *volatile const factors = (tile)->factors;                                 \
    const int32_t *volatile const factors_end = (tile)->factors + 2 * TC_DEPTHWISE_CHANNELS; \
    const int32_t volatile rounding = (tile)->rounding;                                      \
    int8_t *volatile out;                                                                    \
    const size_t volatile step = (tile)->step;
#define TC_DEPTHWISE_TILE_BEGIN                                                      \
    "ldr r11, %[cells]\n\tldr lr, %[weights]\n\tldr r10, %[factors]\n"               \
    "1:\n\t"                                                                         \
    "ldr r12, [r10]\n\tldr r6, [lr], #4\n\tldr r8, [lr], #5\n\tasr r12, r12, #5\n\t" \
    "sxtb16 r7, r6, ror #8\n\tsxtb16 r6, r6\n\tsxtb16 r8, r8\n\t"
#define TC_DEPTHWISE_TILE_THIRD_ROW                                                            \
    "ldr r6, [lr, #-5]\n\tldrsb r7, [lr, #-1]\n\tsxtb16 r6, r6, ror #8\n\tasr r9, r6, #16\n\t" \
    "pkhbt r7, r9, r7, lsl #16\n\t"
#define TC_DEPTHWISE_TILE_FACTOR                                                           \
    "ldr r8, [r10], #4\n\tldr r6, [r10], #4\n\tldr r7, %[rounding]\n\tand r8, r8, #31\n\t" \
    "lsl r7, r7, r8\n\t"
#define TC_DEPTHWISE_TILE_REQUANTIZE(sum)                                                                \
    "lsl r9, " sum ", #1\n\tsmmlar r9, r9, r6, r7\n\tadd r9, r9, " sum ", asr #31\n\tasr r9, r9, r8\n\t" \
    "ssat " sum ", #8, r9, asr #1\n\t"
#define TC_DEPTHWISE_TILE_OUT "ldr r12, %[out]\n\tldr r6, %[step]\n\tadd r9, r12, #1\n\tstr r9, %[out]\n\t"
#define TC_DEPTHWISE_TILE_END "add r11, r11, #4\n\tldr r9, %[end]\n\tcmp r10, r9\n\tbne 1b\n\t"
#define TC_DEPTHWISE_TILE_OPERANDS                                                                \
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

/* The three input rows of an output row at four channels: where column x (0, or -1 plus one) lies, and how far the next
 * column. A row beyond a border is one cell that repeats itself. */
typedef struct {
    const int8_t *row[3];
    size_t step[3];
} tc_depthwise_rows_t;

#if TC_DSP && defined(__OPTIMIZE__)

/* Words x and y of four channels each become four words of one channel each. */
#define TC_DEPTHWISE_PACK(x, y)                                                                \
    "pkhbt lr, " x ", " y ", lsl #16\n\tpkhtb " x ", " y ", " x ", asr #16\n\t"                \
    "sxtb16 " y ", lr\n\tstr " y ", [r6], #4\n\tsxtb16 lr, lr, ror #8\n\tstr lr, [r6], #4\n\t" \
    "sxtb16 " y ", " x "\n\tstr " y ", [r6], #4\n\tsxtb16 " x ", " x ", ror #8\n\tstr " x ", [r6], #4\n\t"

/* `pairs` pairs of columns. The first pair's first column is the border's where `first_border` is set, the last pair's
 * last one where `last_border` is. */
static void tc_depthwise_expand(const tc_depthwise_rows_t *rows, uint32_t border_word, unsigned pairs,
                                unsigned first_border, unsigned last_border, uint32_t *to)
{
    const uint32_t *volatile const end = to + TC_DEPTHWISE_PAIR * (pairs - last_border);
    const uint32_t *volatile const last = to + TC_DEPTHWISE_PAIR * pairs;
    uint32_t *volatile const start = to;
    const tc_depthwise_rows_t *volatile const from = rows;
    const uint32_t volatile border = border_word;
    const unsigned volatile skip = first_border;
    __asm__ volatile(
        "ldr r6, %[from]\n\t"
        "ldr r0, [r6]\n\tldr r1, [r6, #4]\n\tldr r2, [r6, #8]\n\t"
        "ldr r3, [r6, #12]\n\tldr r4, [r6, #16]\n\tldr r5, [r6, #20]\n\t"
        "ldr r7, %[border]\n\tldr lr, %[skip]\n\tldr r6, %[start]\n\t"
        "mov r8, r7\n\tmov r9, r7\n\t"
        "cmp lr, #0\n\tbne 2f\n"
        "1:\n\t"
        "ldr lr, %[end]\n\tcmp r6, lr\n\tbhs 4f\n\t"
        "ldr r7, [r0]\n\tldr r8, [r1]\n\tldr r9, [r2]\n\t"
        "add r0, r0, r3\n\tadd r1, r1, r4\n\tadd r2, r2, r5\n"
        "2:\n\t"
        "ldr r10, [r0]\n\tldr r11, [r1]\n\tldr r12, [r2]\n\t"
        "add r0, r0, r3\n\tadd r1, r1, r4\n\tadd r2, r2, r5\n"
        "3:\n\t" TC_DEPTHWISE_PACK("r7", "r8") TC_DEPTHWISE_PACK("r10", "r11")
            TC_DEPTHWISE_PACK("r9", "r12") "b 1b\n"
                                           "4:\n\t"
                                           "ldr lr, %[last]\n\tcmp r6, lr\n\tbeq 5f\n\t"
                                           "ldr r7, [r0]\n\tldr r8, [r1]\n\tldr r9, [r2]\n\t"
                                           "ldr r10, %[border]\n\tmov r11, r10\n\tmov r12, r10\n\t"
                                           "b 3b\n"
                                           "5:\n\t"
        :
        : [from] "m"(from), [start] "m"(start), [end] "m"(end), [last] "m"(last), [border] "m"(border), [skip] "m"(skip)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

static void tc_depthwise_pack(uint32_t a, uint32_t b, uint32_t *to)
{
    const uint32_t low = tc_pack_low(a, b), high = tc_pack_high(a, b);
    to[0] = tc_sxtb16(low);
    to[1] = tc_sxtb16_odd(low);
    to[2] = tc_sxtb16(high);
    to[3] = tc_sxtb16_odd(high);
}

static void tc_depthwise_expand(const tc_depthwise_rows_t *rows, uint32_t border, unsigned pairs, unsigned first_border,
                                unsigned last_border, uint32_t *to)
{
    size_t column = 0;
    for (unsigned pair = 0; pair < pairs; pair++, to += TC_DEPTHWISE_PAIR) {
        uint32_t cells[2][3];
        for (unsigned i = 0; i < 2; i++) {
            const int beyond = i == 0 ? pair == 0 && first_border : pair + 1 == pairs && last_border;
            for (unsigned ky = 0; ky < 3; ky++) {
                cells[i][ky] = beyond ? border : tc_load_word(rows->row[ky] + column * rows->step[ky]);
            }
            column += !beyond;
        }
        tc_depthwise_pack(cells[0][0], cells[0][1], to);
        tc_depthwise_pack(cells[1][0], cells[1][1], to + 4);
        tc_depthwise_pack(cells[0][2], cells[1][2], to + 8);
    }
}

#endif

/* What rows of outputs are made of; the same for all rows and channels. */
typedef struct {
    tc_depthwise_tile_function_t function;
    unsigned outputs;     /* of a tile */
    unsigned rest;        /* outputs behind the last whole tile */
    size_t tile_words;    /* from one tile's columns to the next one's */
    uint32_t border;      /* four channels of a cell beyond the border */
    uint32_t *cells;      /* of all tiles */
    uint32_t *first_pair; /* of columns that are not all beyond the left border */
    unsigned pairs;       /* of columns from there on that are not all beyond the right one */
    uint8_t first_border; /* whether the first of these columns is beyond the left border */
    uint8_t last_border;  /* whether the last one is beyond the right one */
} tc_depthwise_plan_t;

/* The outputs of four channels in one row; tile->tiles whole tiles and the rest. */
static __attribute__((noinline)) void tc_depthwise_row(const tc_depthwise_plan_t *plan, tc_depthwise_rows_t *rows,
                                                       const tc_depthwise_tile_t *tile)
{
    tc_depthwise_expand(rows, plan->border, plan->pairs, plan->first_border, plan->last_border, plan->first_pair);
    if (tile->tiles != 0) {
        plan->function(tile);
    }
    if (plan->rest != 0) {
        int8_t *to = tile->out + tile->tiles * plan->outputs * tile->step;
        int8_t values[6 * TC_DEPTHWISE_CHANNELS];
        tc_depthwise_tile_t last = *tile;
        last.tiles = 1;
        last.cells += tile->tiles * plan->tile_words;
        last.out = values;
        last.step = TC_DEPTHWISE_CHANNELS;
        plan->function(&last);
        for (unsigned i = 0; i < plan->rest; i++, to += tile->step) {
            memcpy(to, values + i * TC_DEPTHWISE_CHANNELS, TC_DEPTHWISE_CHANNELS);
        }
    }
}

/* The three rows that output row y reads, at channel 0 of their first column. */
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

/* Goes on to channels further on. */
static void tc_depthwise_advance(tc_depthwise_rows_t *rows, tc_depthwise_tile_t *tile, size_t channels)
{
    for (unsigned ky = 0; ky < 3; ky++) {
        rows->row[ky] += rows->step[ky] != 0 ? channels : 0;
    }
    tile->factors += 2 * channels;
    tile->out += channels;
}

/* Bounds that int8 does not have by itself. */
static void tc_depthwise_clamp(const tc_depthwise_3x3_t *op, int8_t *row)
{
    const size_t size = (size_t)op->output_width * op->channels;
    for (size_t i = 0; i < size; i++) {
        row[i] = tc_clamp(row[i], op->activation_min, op->activation_max);
    }
}

/* Lays out scratch and fills all columns with the border. Returns where scratch goes on. */
static int8_t *tc_depthwise_prepare(const tc_depthwise_3x3_t *op, unsigned outputs, unsigned stride, int8_t *scratch,
                                    tc_depthwise_plan_t *plan, tc_depthwise_tile_t *tile)
{
    uint32_t *words = (uint32_t *)(void *)scratch;
    const unsigned left = op->padding_left;
    const unsigned columns = left % 2 + op->input_width;
    plan->outputs = outputs;
    plan->rest = op->output_width;
    plan->tile_words = (size_t)outputs * stride * TC_DEPTHWISE_PAIR / 2;
    plan->border = (uint8_t)op->input_zero_point * 0x01010101u;
    plan->cells = words;
    plan->first_pair = words + left / 2 * TC_DEPTHWISE_PAIR;
    plan->pairs = (columns + 1) / 2;
    plan->first_border = left % 2;
    plan->last_border = columns % 2;
    tile->tiles = 0;
    tile->cells = words;
    tile->rounding = 2 * op->output_zero_point + 1;
    tile->step = op->channels;
    while (plan->rest >= outputs) {
        plan->rest -= outputs;
        tile->tiles++;
        words += plan->tile_words;
    }
    words += (plan->rest != 0 ? plan->tile_words : 0) + TC_DEPTHWISE_TAIL;
    for (uint32_t *word = plan->cells; word != words;) {
        *word++ = tc_sxtb16(plan->border);
    }
    return (int8_t *)words;
}

/* Output rows [first, last) by tiles of `outputs`, at least four channels. Scratch: the columns that whole tiles read
 * (24 bytes each) and the tail's words, then two blocks of four channels' weights where those are decoded. */
static __attribute__((noinline)) void tc_depthwise_3x3(const tc_depthwise_3x3_t *op, const tc_input_t *in,
                                                       const tc_output_t *out, uint16_t first, uint16_t last,
                                                       int8_t *scratch, tc_depthwise_tile_function_t function,
                                                       unsigned outputs, unsigned stride)
{
    const size_t block = TC_DEPTHWISE_CHANNELS * TC_DEPTHWISE_WEIGHTS;
    tc_depthwise_plan_t plan;
    tc_depthwise_tile_t tile;
    tc_depthwise_rows_t rows;
    int8_t *const buffer = tc_depthwise_prepare(op, outputs, stride, scratch, &plan, &tile);
    int8_t border[TC_DEPTHWISE_CHANNELS];
    plan.function = function;
    memcpy(border, &plan.border, sizeof border);
    for (uint16_t y = first; y < last; y++) {
        size_t c = 0;
        tc_depthwise_rows(op, in, y, border, &rows);
        tile.factors = op->factors;
        tile.out = tc_output_row(out, y);
        for (; c + TC_DEPTHWISE_CHANNELS <= op->channels; c += TC_DEPTHWISE_CHANNELS) {
            tile.weights = tc_weights_read(op->weights, c * TC_DEPTHWISE_WEIGHTS, block, buffer);
            tc_depthwise_row(&plan, &rows, &tile);
            tc_depthwise_advance(&rows, &tile, TC_DEPTHWISE_CHANNELS);
        }
        if (c != op->channels) { /* the last four, some of them once more; their weights lie behind the block before */
            const size_t rest = op->channels - c;
            tc_weights_read(op->weights, c * TC_DEPTHWISE_WEIGHTS, rest * TC_DEPTHWISE_WEIGHTS, buffer + block);
            tile.weights += rest * TC_DEPTHWISE_WEIGHTS;
            tc_depthwise_advance(&rows, &tile, rest - TC_DEPTHWISE_CHANNELS);
            tc_depthwise_row(&plan, &rows, &tile);
        }
        if (op->activation_min != -128 || op->activation_max != 127) {
            tc_depthwise_clamp(op, tc_output_row(out, y));
        }
    }
}

#endif
