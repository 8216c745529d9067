/* Depthwise convolution of 3 x 3 cells on Armv7E-M, four channels at a time.
 *
 * The three input rows of an output row are rearranged into words of two int16, so that an SMLAD computes two products:
 * with rows 0 and 1 of a column, or with row 2 of two neighbouring columns. A pair of columns is 12 words: rows 0 and 1
 * of the first column for each of four channels, the same for the second column, then row 2 of both. Tiles of a few
 * outputs of one channel load each word once, and take five SMLAD per output.
 *
 * The nine weights of a channel are in the order in which SXTB16 extracts them: w00 w01 w10 w11 w02 w20 w12 w21 w22
 * (row, column). */
#ifndef TINYCOMP_DEPTHWISE_3X3_H
#define TINYCOMP_DEPTHWISE_3X3_H

#include "depthwise_rounding.h"
#include "dsp.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_CHANNELS 4
#define TC_DEPTHWISE_WEIGHTS 9
#define TC_DEPTHWISE_PAIR 12 /* words per pair of columns */
#define TC_DEPTHWISE_TAIL 18 /* words that a tile reads after its own columns */

/* 1: no layer has activation bounds narrower than int8. */
#ifndef TC_DEPTHWISE_UNCLAMPED
#define TC_DEPTHWISE_UNCLAMPED 0
#endif

/* 1: channels come in fours. Small code leaves out that for other numbers. */
#ifndef TC_DEPTHWISE_FOURS
#define TC_DEPTHWISE_FOURS 0
#endif

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint8_t stride_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    int8_t activation_min, activation_max;
    uint8_t decoded; /* blocks decoded at a time, the last one for the last four channels; 0: read in place */
    uint8_t packed;  /* see factors.h */
    const tc_weights_t *weights;
    int32_t rounding;
    const void *factors; /* per channel: initial value of the sums, multiplier; see rounding.h */
} tc_depthwise_3x3_t;

/* Constants of all rows and channels. */
typedef struct {
    unsigned outputs;       /* per tile */
    unsigned tiles;         /* per row */
    unsigned partial;       /* outputs of a partial last tile, else 0 */
    uint32_t *cells;        /* pairs of columns of all tiles */
    uint32_t *first, *last; /* pairs with a column inside the left and right borders */
    uint32_t *whole;        /* pairs before this one have their second column inside the right border */
    unsigned border_first;  /* 1: the first pair's first column is beyond the left border */
    uint32_t border;        /* four channels of a padding cell */
    int32_t rounding;       /* of the layer */
    size_t step;            /* bytes from one output pixel to the next */
} tc_depthwise_plan_t;

/* Blocks of four channels in one output row. For each of the three input rows: the address of its first column inside
 * the input, the bytes to the next column and to the next block; a row beyond a border is one padding cell,
 * repeated. */
typedef struct {
    const int8_t *row[3];
    size_t column[3];
    size_t block[3];
    const int8_t *weights;
    const int32_t *factors;
    int8_t *out;
    unsigned count;
} tc_depthwise_blocks_t;

/* Computes the blocks. */
typedef void (*tc_depthwise_row_t)(const tc_depthwise_plan_t *plan, tc_depthwise_blocks_t *blocks);

#if TC_DSP
/* clang-format off */
/* The assembly relies on these member offsets. */
typedef char tc_assert_depthwise_offsets[offsetof(tc_depthwise_plan_t, first) == 16 && offsetof(tc_depthwise_plan_t, step) == 40 &&
                                         offsetof(tc_depthwise_blocks_t, weights) == 36 ? 1 : -1];

/* Stack frame: the plan's members (the step is 4 for a partial tile), then variables. `part` is the destination of a
 * partial tile; only tiles of six use what follows the count. */
#define TC_DEPTHWISE_AT_START "[sp, #0]"
#define TC_DEPTHWISE_AT_LAST "[sp, #4]"
#define TC_DEPTHWISE_AT_WHOLE "[sp, #8]"
#define TC_DEPTHWISE_AT_BORDER_FIRST "[sp, #12]"
#define TC_DEPTHWISE_AT_BORDER "[sp, #16]"
#define TC_DEPTHWISE_AT_ROUNDING "[sp, #20]"
#define TC_DEPTHWISE_AT_STEP "[sp, #24]"
#define TC_DEPTHWISE_AT_BLOCKS "[sp, #28]"
#define TC_DEPTHWISE_AT_PLAN "[sp, #32]"
#define TC_DEPTHWISE_AT_CELLS "[sp, #36]"
#define TC_DEPTHWISE_AT_WEIGHTS "[sp, #40]"
#define TC_DEPTHWISE_AT_FACTORS "[sp, #44]"
#define TC_DEPTHWISE_AT_FACTORS_END "[sp, #48]"
#define TC_DEPTHWISE_AT_OUT "[sp, #52]"
#define TC_DEPTHWISE_AT_COUNT "[sp, #56]"
#define TC_DEPTHWISE_AT_TO "[sp, #60]"
#define TC_DEPTHWISE_AT_REST "[sp, #64]"
#define TC_DEPTHWISE_AT_PART "#68"
/* Transposes words x and y of four channels each into four words of one channel each. */
#define TC_DEPTHWISE_PACK(x, y)                                                                    \
    "pkhbt lr, " x ", " y ", lsl #16\n\tpkhtb " x ", " y ", " x ", asr #16\n\t"                    \
    "sxtb16 " y ", lr\n\tstr " y ", [r6], #4\n\tsxtb16 lr, lr, ror #8\n\tstr lr, [r6], #4\n\t"     \
    "sxtb16 " y ", " x "\n\tstr " y ", [r6], #4\n\tsxtb16 " x ", " x ", ror #8\n\tstr " x ", [r6], #4\n\t"
/* Expands the columns of a block and moves the rows on to the next block: r0-r2 are the rows, r3-r5 the bytes to the
 * next column, r6 the pair, r7-r9 and r10-r12 its columns. */
#define TC_DEPTHWISE_EXPAND                                                                        \
        "ldr r6, " TC_DEPTHWISE_AT_BLOCKS "\n\tldr r0, [r6]\n\tldr r1, [r6, #4]\n\tldr r2, [r6, #8]\n\t"              \
        "ldr r3, [r6, #12]\n\tldr r4, [r6, #16]\n\tldr r5, [r6, #20]\n\t"                          \
        "ldr r7, [r6, #24]\n\tldr r8, [r6, #28]\n\tldr r9, [r6, #32]\n\t"                          \
        "add r7, r7, r0\n\tadd r8, r8, r1\n\tadd r9, r9, r2\n\t"                                  \
        "str r7, [r6]\n\tstr r8, [r6, #4]\n\tstr r9, [r6, #8]\n\t"                                \
        "ldr r7, " TC_DEPTHWISE_AT_BORDER "\n\tldr lr, " TC_DEPTHWISE_AT_BORDER_FIRST "\n\tldr r6, " TC_DEPTHWISE_AT_START "\n\t"                     \
        "mov r8, r7\n\tmov r9, r7\n\tcmp lr, #0\n\tbeq 1f\n\t"                                      \
        "ldr r10, [r0]\n\tldr r11, [r1]\n\tldr r12, [r2]\n\t"                                      \
        "add r0, r0, r3\n\tadd r1, r1, r4\n\tadd r2, r2, r5\n\tb 3f\n"                             \
        "1:\n\t"                                                                                   \
        "ldr lr, " TC_DEPTHWISE_AT_WHOLE "\n\tcmp r6, lr\n\tbhs 4f\n"                                               \
        "2:\n\t"                                                                                   \
        "ldr r7, [r0]\n\tldr r8, [r1]\n\tldr r9, [r2]\n\t"                                         \
        "ldr r10, [r0, r3]\n\tldr r11, [r1, r4]\n\tldr r12, [r2, r5]\n\t"                          \
        "add r0, r0, r3, lsl #1\n\tadd r1, r1, r4, lsl #1\n\tadd r2, r2, r5, lsl #1\n"             \
        "3:\n\t" TC_DEPTHWISE_PACK("r7", "r8") TC_DEPTHWISE_PACK("r10", "r11")                     \
        TC_DEPTHWISE_PACK("r9", "r12") "ldr lr, " TC_DEPTHWISE_AT_WHOLE "\n\tcmp r6, lr\n\tblo 2b\n"                \
        "4:\n\t"                                                                                   \
        "ldr lr, " TC_DEPTHWISE_AT_LAST "\n\tcmp r6, lr\n\tbeq 5f\n\t"                                              \
        "ldr r7, [r0]\n\tldr r8, [r1]\n\tldr r9, [r2]\n\t"                                         \
        "ldr r10, " TC_DEPTHWISE_AT_BORDER "\n\tmov r11, r10\n\tmov r12, r10\n\tb 3b\n"                             \
        "5:\n\t"

/* r6 is the multiplier, r7 the layer's rounding; when rounding twice, r8 is the initial value of the channel's sums. */
#define TC_DEPTHWISE_ROUND_ONCE(sum) TC_ROUND_ONCE(sum, "r6", "r7")
#define TC_DEPTHWISE_ROUND_TWICE(sum) TC_ROUND_TWICE(sum, "r9", "r6", "r7", "r8")
#if TC_DEPTHWISE_ONCE
#define TC_DEPTHWISE_TWICE(code) ""
#else
#define TC_DEPTHWISE_TWICE(code) code
#endif
/* Four channels of a tile, then the code in `behind`: r0-r5 are sums, r6-r8 weights, r10 the factors, r11 the cells,
 * r12 the initial value of the sums, lr the address of the weights. A weight is in bits 8 to 15 of its half, so sums
 * are scaled by 256. */
#define TC_DEPTHWISE_TILE(first_rows, third_row, once, twice, stores, behind)                      \
        "ldr r11, " TC_DEPTHWISE_AT_CELLS "\n\tldr lr, " TC_DEPTHWISE_AT_WEIGHTS "\n\tldr r10, " TC_DEPTHWISE_AT_FACTORS "\n"                         \
        "1:\n\t"                                                                                   \
        "ldr r12, [r10]\n\tldr r6, [lr], #4\n\tldr r8, [lr], #5\n\tand r7, r6, #0xFF00FF00\n\t"    \
        "lsl r6, r6, #8\n\tand r6, r6, #0xFF00FF00\n\tlsl r8, r8, #8\n\tand r8, r8, #0xFF00FF00\n\t" \
        first_rows                                                                                 \
        "ldr r6, [lr, #-5]\n\tldrsb r7, [lr, #-1]\n\tand r6, r6, #0xFF00FF00\n\t"                  \
        "lsr r9, r6, #16\n\tpkhbt r7, r9, r7, lsl #24\n\t" third_row                               \
        "add r10, r10, #8\n\tldr r7, " TC_DEPTHWISE_AT_ROUNDING "\n\tldr r6, [r10, #-4]\n\t"                        \
        TC_DEPTHWISE_TWICE(TC_TO_TWICE("r7", "3f")) once                                           \
        "2:\n\t"                                                                                   \
        "ldr r12, " TC_DEPTHWISE_AT_OUT "\n\tldr r6, " TC_DEPTHWISE_AT_STEP "\n\tadd r9, r12, #1\n\tstr r9, " TC_DEPTHWISE_AT_OUT "\n\t" stores       \
        "add r11, r11, #4\n\tldr r9, " TC_DEPTHWISE_AT_FACTORS_END "\n\tcmp r10, r9\n\tbne 1b\n\t"                           \
        TC_DEPTHWISE_TWICE("b 4f\n" "3:\n\tldr r8, [r10, #-8]\n\t" TC_TWICE_FACTOR("r8", "r7") twice "b 2b\n") \
        "4:\n\t" behind
/* Defines a function; from label 6 on it expands a block and computes it with `tiles`. */
#define TC_DEPTHWISE_FUNCTION(name, tiles)                                                         \
    static __attribute__((noinline)) void name(const tc_depthwise_plan_t *plan, tc_depthwise_blocks_t *blocks) \
    {                                                                                              \
        register const tc_depthwise_plan_t *r0 __asm__("r0") = plan;                               \
        register tc_depthwise_blocks_t *r1 __asm__("r1") = blocks;                                 \
        __asm__ volatile(                                                                          \
            TC_ASM_STACK(#name, "128") TC_THUMB_SAVE                                               \
            "sub sp, sp, #92\n\tadd r2, r0, #16\n\tldm r2, {r3, r4, r5, r6, r7, r8, r9}\n\t"      \
            "mov r10, r1\n\tmov r11, r0\n\tldr r12, [r0, #12]\n\tstm sp, {r3, r4, r5, r6, r7, r8, r9, r10, r11, r12}\n\t" \
            "add r1, r1, #36\n\tldm r1, {r2, r3, r5, r6}\n\tadd r4, r3, #32\n\tadd r1, sp, #40\n\t" \
            "stm r1, {r2, r3, r4, r5, r6}\n"                                                       \
            "6:\n\t" TC_DEPTHWISE_EXPAND tiles                                                     \
            "ldr r0, " TC_DEPTHWISE_AT_COUNT "\n\tsubs r0, r0, #1\n\tstr r0, " TC_DEPTHWISE_AT_COUNT "\n\tbne 6b\n\t" \
            "add sp, sp, #92\n\t" TC_THUMB_RESTORE                                                \
            : "+r"(r0), "+r"(r1)                                                                   \
            :                                                                                      \
            : "r2", "r3", "r12", "cc", "memory");                                                  \
    }
/* Computes a block in tiles of six outputs, `stride` columns apart; the last tile may be partial. */
#define TC_DEPTHWISE_TILES_OF_SIX(stride, first_rows, third_row)                                   \
    "ldr r0, " TC_DEPTHWISE_AT_PLAN "\n\tldr r1, [r0, #4]\n\tldr r2, " TC_DEPTHWISE_AT_OUT "\n\t"          \
    "str r1, " TC_DEPTHWISE_AT_REST "\n\tstr r2, " TC_DEPTHWISE_AT_TO "\n"                               \
    "7:\n\t"                                                                                       \
    "cmp r1, #1\n\tbne 8f\n\tldr r1, [r0, #8]\n\tcbz r1, 8f\n\t"                                   \
    "add r1, sp, " TC_DEPTHWISE_AT_PART "\n\tstr r1, " TC_DEPTHWISE_AT_OUT "\n\tmov r1, #4\n\tstr r1, " TC_DEPTHWISE_AT_STEP "\n" \
    "8:\n\t"                                                                                       \
    TC_DEPTHWISE_TILE(                                                                             \
        first_rows, third_row,                                                                     \
        TC_DEPTHWISE_ROUND_ONCE("r0") TC_DEPTHWISE_ROUND_ONCE("r1") TC_DEPTHWISE_ROUND_ONCE("r2")  \
        TC_DEPTHWISE_ROUND_ONCE("r3") TC_DEPTHWISE_ROUND_ONCE("r4") TC_DEPTHWISE_ROUND_ONCE("r5"), \
        ".irp sum, r0, r1, r2, r3, r4, r5\n\t" TC_DEPTHWISE_ROUND_TWICE("\\sum") ".endr\n\t",      \
        "strb r0, [r12]\n\tstrb r1, [r12, r6]\n\tstrb r2, [r12, r6, lsl #1]\n\t"                   \
        "add r12, r12, r6, lsl #1\n\tstrb r3, [r12, r6]\n\t"                                       \
        "strb r4, [r12, r6, lsl #1]\n\tadd r12, r12, r6, lsl #1\n\tstrb r5, [r12, r6]\n\t",        \
        "")                                                                                        \
    "ldr r0, " TC_DEPTHWISE_AT_PLAN "\n\tldr r1, " TC_DEPTHWISE_AT_REST "\n\tldr r2, " TC_DEPTHWISE_AT_TO "\n\t" \
    "subs r1, r1, #1\n\tbeq 9f\n\tldr r3, [r0, #40]\n\tldr r4, " TC_DEPTHWISE_AT_CELLS "\n\tadd r3, r3, r3, lsl #1\n\t" \
    "add r2, r2, r3, lsl #1\n\tadd r4, r4, #144 * " stride "\n\tstr r1, " TC_DEPTHWISE_AT_REST "\n\t"   \
    "str r2, " TC_DEPTHWISE_AT_TO "\n\tstr r2, " TC_DEPTHWISE_AT_OUT "\n\tstr r4, " TC_DEPTHWISE_AT_CELLS "\n\tb 7b\n" \
    "9:\n\t"                                                                                       \
    "ldr r1, [r0, #8]\n\tldr r3, [r0, #40]\n\tcbz r1, 9f\n\tadd r4, sp, " TC_DEPTHWISE_AT_PART "\n"     \
    "8:\n\t"                                                                                       \
    "ldr r5, [r4], #4\n\tstr r5, [r2]\n\tadd r2, r2, r3\n\tsubs r1, r1, #1\n\tbne 8b\n\tstr r3, " TC_DEPTHWISE_AT_STEP "\n" \
    "9:\n\t"                                                                                       \
    "ldr r1, " TC_DEPTHWISE_AT_BLOCKS "\n\tldr r0, [r0, #12]\n\tldr r2, [r1, #44]\n\tstr r0, " TC_DEPTHWISE_AT_CELLS "\n\t" \
    "add r2, r2, #4\n\tstr r2, [r1, #44]\n\tstr r2, " TC_DEPTHWISE_AT_OUT "\n\t" TC_DEPTHWISE_NEXT_CHANNELS
/* Weights and factors of the next four channels. */
#define TC_DEPTHWISE_NEXT_CHANNELS                                                                 \
    "str lr, " TC_DEPTHWISE_AT_WEIGHTS "\n\tstr r10, " TC_DEPTHWISE_AT_FACTORS "\n\tadd r10, r10, #32\n\t" \
    "str r10, " TC_DEPTHWISE_AT_FACTORS_END "\n\t"
/* clang-format on */

#else

static void tc_depthwise_pack(uint32_t a, uint32_t b, uint32_t *to)
{
    const uint32_t low = tc_pack_low(a, b), high = tc_pack_high(a, b);
    to[0] = tc_sxtb16(low);
    to[1] = tc_sxtb16_odd(low);
    to[2] = tc_sxtb16(high);
    to[3] = tc_sxtb16_odd(high);
}

static void tc_depthwise_expand(const tc_depthwise_plan_t *plan, const tc_depthwise_blocks_t *blocks)
{
    size_t column = 0;
    for (uint32_t *to = plan->first; to != plan->last; to += TC_DEPTHWISE_PAIR) {
        uint32_t cells[2][3];
        for (unsigned i = 0; i < 2; i++) {
            const bool beyond = (i == 0) ? ((to == plan->first) && (plan->border_first != 0)) : (to == plan->whole);
            for (unsigned ky = 0; ky < 3; ky++) {
                cells[i][ky] = beyond ? plan->border : tc_load_word(&blocks->row[ky][column * blocks->column[ky]]);
            }
            column += beyond ? 0u : 1u;
        }
        tc_depthwise_pack(cells[0][0], cells[0][1], to);
        tc_depthwise_pack(cells[1][0], cells[1][1], &to[4]);
        tc_depthwise_pack(cells[0][2], cells[1][2], &to[8]);
    }
}

static int32_t tc_depthwise_half(uint32_t word, unsigned half)
{
    return (int16_t)(word >> (16 * half));
}

/* One channel of a tile. */
static void tc_depthwise_tile(const uint32_t *cells, const int8_t *w, const int32_t *factor, int32_t rounding,
                              unsigned outputs, unsigned stride, int8_t *to, size_t step)
{
    const int8_t rows[3][3] = {{w[0], w[1], w[4]}, {w[2], w[3], w[6]}, {w[5], w[7], w[8]}};
    for (unsigned x = 0; x < outputs; x++) {
        int32_t sum = 0;
        for (unsigned kx = 0; kx < 3; kx++) {
            const unsigned column = (x * stride) + kx;
            const uint32_t *const pair = cells + column / 2 * TC_DEPTHWISE_PAIR;
            sum += tc_depthwise_half(pair[column % 2 * 4], 0) * rows[0][kx];
            sum += tc_depthwise_half(pair[column % 2 * 4], 1) * rows[1][kx];
            sum += tc_depthwise_half(pair[8], column % 2) * rows[2][kx];
        }
        to[x * step] = tc_depthwise_requantize(factor, rounding, ((uint32_t)sum * 256u) + (uint32_t)factor[0]);
    }
}

static void tc_depthwise_advance(tc_depthwise_blocks_t *blocks)
{
    for (unsigned ky = 0; ky < 3; ky++) {
        blocks->row[ky] += blocks->block[ky];
    }
    blocks->weights += TC_DEPTHWISE_CHANNELS * TC_DEPTHWISE_WEIGHTS;
    blocks->factors += 2 * TC_DEPTHWISE_CHANNELS;
    blocks->out += TC_DEPTHWISE_CHANNELS;
}

/* Blocks of channels in portable C. */
static void tc_depthwise_blocks(const tc_depthwise_plan_t *plan, tc_depthwise_blocks_t *blocks, unsigned stride)
{
    for (; blocks->count > 0; blocks->count--) {
        tc_depthwise_expand(plan, blocks);
        for (unsigned tile = 0; tile < plan->tiles; tile++) {
            const unsigned first = tile * plan->outputs;
            const bool partial = ((tile + 1) == plan->tiles) && (plan->partial != 0);
            for (unsigned c = 0; c < TC_DEPTHWISE_CHANNELS; c++) {
                tc_depthwise_tile(plan->cells + first * stride / 2 * TC_DEPTHWISE_PAIR + c,
                                  blocks->weights + TC_DEPTHWISE_WEIGHTS * c, blocks->factors + 2 * c, plan->rounding,
                                  partial ? plan->partial : plan->outputs, stride,
                                  &blocks->out[(first * plan->step) + c], plan->step);
            }
        }
        tc_depthwise_advance(blocks);
    }
}

#endif

/* The blocks of output row y from channel `channel` on. */
static void tc_depthwise_rows(const tc_depthwise_3x3_t *op, const tc_input_t *in, uint16_t y, unsigned channel,
                              const int8_t *border, tc_depthwise_blocks_t *blocks)
{
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    for (unsigned ky = 0; ky < 3; ky++, top++) {
        const bool inside = (top >= 0) && (top < op->input_height);
        blocks->row[ky] = inside ? &tc_input_row(in, (uint16_t)top)[channel] : border;
        blocks->column[ky] = inside ? op->channels : 0;
        blocks->block[ky] = inside ? (size_t)TC_DEPTHWISE_CHANNELS : 0u;
    }
}

/* Clamps a row of outputs where an activation's bounds are narrower than int8. */
static __attribute__((cold)) void tc_depthwise_clamp(const tc_depthwise_3x3_t *op, int8_t *row)
{
    const size_t size = (size_t)op->output_width * op->channels;
    for (size_t i = 0; i < size; i++) {
        row[i] = tc_clamp(row[i], op->activation_min, op->activation_max);
    }
}

static void tc_depthwise_fill(uint32_t *word, const uint32_t *end, uint32_t border)
{
    while (word < end) {
        *word++ = tc_sxtb16(border);
    }
}

/* Allocates scratch and fills the columns that are always beyond a border; the others are rewritten for every row.
 * Returns the first free byte. */
static __attribute__((cold)) int8_t *tc_depthwise_prepare(const tc_depthwise_3x3_t *op, unsigned outputs,
                                                          unsigned stride, int8_t *scratch, tc_depthwise_plan_t *plan)
{
    const unsigned left = op->padding_left, columns = left % 2 + op->input_width;
    const uint32_t border = (uint8_t)op->input_zero_point * 0x01010101u;
    uint32_t *end = (uint32_t *)(void *)scratch;
    unsigned rest = op->output_width;
    plan->outputs = outputs;
    plan->cells = end;
    plan->first = end + left / 2 * TC_DEPTHWISE_PAIR;
    plan->last = plan->first + (columns + 1) / 2 * TC_DEPTHWISE_PAIR;
    plan->whole = plan->first + columns / 2 * TC_DEPTHWISE_PAIR;
    plan->border_first = left % 2;
    plan->border = border;
    plan->rounding = op->rounding;
    plan->step = op->channels;
    for (plan->tiles = 0; rest >= outputs; plan->tiles++, rest -= outputs) {
        end += (size_t)outputs * stride * TC_DEPTHWISE_PAIR / 2;
    }
    plan->partial = rest;
    if (rest != 0) {
        plan->tiles++;
        end += (size_t)outputs * stride * TC_DEPTHWISE_PAIR / 2;
    }
    end += TC_DEPTHWISE_TAIL;
    tc_depthwise_fill(plan->cells, plan->first, border);
    tc_depthwise_fill(plan->last, end, border);
    return (int8_t *)end;
}

/* `count` blocks of channels from `channel` on, of output rows [first, last). */
static void tc_depthwise_some(const tc_depthwise_3x3_t *op, const tc_input_t *in, const tc_output_t *out,
                              uint16_t first, uint16_t last, const tc_depthwise_plan_t *plan, tc_depthwise_row_t row,
                              unsigned channel, unsigned count, const int8_t *weights, const int32_t *factors)
{
    int8_t border[TC_DEPTHWISE_CHANNELS];
    memcpy(border, &plan->border, sizeof border);
    for (uint16_t y = first; y < last; y++) {
        tc_depthwise_blocks_t blocks;
        tc_depthwise_rows(op, in, y, channel, border, &blocks);
        blocks.factors = factors;
        blocks.out = &tc_output_row(out, y)[channel];
        blocks.weights = weights;
        blocks.count = count;
        row(plan, &blocks);
    }
}

/* Output rows [first, last) in tiles of `outputs`; at least four channels. The last block is always the last four
 * channels, overlapping the block before if needed. Scratch: if factors are packed, those of all channels; the columns
 * that full tiles read (24 bytes each) and the tail's words; if weights are decoded, those of a block. */
static __attribute__((noinline)) void tc_depthwise_3x3(const tc_depthwise_3x3_t *op, const tc_input_t *in,
                                                       const tc_output_t *out, uint16_t first, uint16_t last,
                                                       int8_t *scratch, tc_depthwise_row_t row, unsigned outputs,
                                                       unsigned stride)
{
    const size_t size = TC_DEPTHWISE_CHANNELS * TC_DEPTHWISE_WEIGHTS;
    const unsigned channels = op->channels, whole = channels / TC_DEPTHWISE_CHANNELS;
    tc_depthwise_plan_t plan;
    int8_t *const columns = &scratch[tc_factors_room(op->packed, channels)];
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, channels, scratch);
    int8_t *const buffer = tc_depthwise_prepare(op, outputs, stride, columns, &plan);
    unsigned count; /* of blocks */
    for (unsigned block = 0; block * TC_DEPTHWISE_CHANNELS < channels; block += count) {
#if TC_SMALL && TC_DEPTHWISE_FOURS
        const unsigned channel = block * TC_DEPTHWISE_CHANNELS;
        const size_t from = block * size;
        count = !op->decoded || whole - block < op->decoded ? whole - block : op->decoded;
#else
        const unsigned last_four = channels - TC_DEPTHWISE_CHANNELS;
        const unsigned channel = block < whole ? block * TC_DEPTHWISE_CHANNELS : last_four;
        const size_t from = op->decoded ? block * size : (size_t)channel * TC_DEPTHWISE_WEIGHTS;
        count = block >= whole ? 1 : !op->decoded || whole - block < op->decoded ? whole - block : op->decoded;
#endif
        tc_depthwise_some(op, in, out, first, last, &plan, row, channel, count,
                          tc_weights_read(op->weights, from, count * size, buffer), factors + 2 * (size_t)channel);
    }
    if ((TC_DEPTHWISE_UNCLAMPED == 0) && ((op->activation_min != -128) || (op->activation_max != 127))) {
        for (uint16_t y = first; y < last; y++) {
            tc_depthwise_clamp(op, tc_output_row(out, y));
        }
    }
}

#endif
