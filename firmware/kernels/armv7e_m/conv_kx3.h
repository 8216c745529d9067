/* CONV_2D on Armv7E-M for windows three columns wide, with a horizontal stride of 1 and a multiple of four input
 * channels.
 *
 * Neighbouring windows share columns, so a tile of eight pixels of a row is multiplied with one output channel at a
 * time: each of the tile's ten columns is expanded once and, per window row and group of four channels, loaded once for
 * up to three pixels.
 *
 * Layout of the columns: (window row, group, column), two words each. Layout of the weights: (channel, window row,
 * group). */
#ifndef TINYCOMP_CONV_KX3_H
#define TINYCOMP_CONV_KX3_H

#include "gemm.h"
#include "tinycomp.h"

#define TC_KX3_PIXELS 8
#define TC_KX3_COLUMNS 10
#define TC_KX3_WORDS (2 * TC_KX3_COLUMNS) /* of a group in a window row */

/* 1: no layer has activation bounds narrower than int8. */
#ifndef TC_KX3_UNCLAMPED
#define TC_KX3_UNCLAMPED 0
#endif

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height;
    uint8_t stride_height;
    uint8_t dilation_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    int8_t activation_min, activation_max;
    uint8_t packed;    /* see factors.h */
    uint8_t workspace; /* the codec has one */
    uint8_t bytes;     /* decoded weights are bytes and must be converted to words */
    uint16_t block;    /* output channels per decoded block of weights */
    const tc_weights_t *weights;
    int32_t rounding;    /* see rounding.h */
    const void *factors; /* see gemm.h */
} tc_kx3_t;

/* The two functions of a variant: one expands a tile's columns, the other computes all its channels; output pixels are
 * `step` bytes apart. */
typedef struct {
    void (*expand)(const tc_kx3_t *op, const tc_input_t *in, int32_t top, int32_t left, uint32_t *to);
    void (*tile)(const tc_gemm_t *gemm, const uint32_t *columns, int8_t *to, size_t step);
} tc_kx3_shape_t;

#if TC_DSP

/* clang-format off */
/* Products with one word of each column: r0-r7 are the sums, r8-r10 the three columns' weights, r12 the columns. Each
 * column's first word is at r12 + base, the second one after it. */
#define TC_KX3_LOAD(at) "ldr r11, [r12, #" at "]\n\t"
#define TC_KX3_PRODUCT(weight, sum) "smlad r" #sum ", r" #weight ", r11, r" #sum "\n\t"
#define TC_KX3_COLUMNS_AT(base)                                                                     \
    TC_KX3_LOAD(base " + 0") TC_KX3_PRODUCT(8, 0)                                                 \
    TC_KX3_LOAD(base " + 8") TC_KX3_PRODUCT(8, 1) TC_KX3_PRODUCT(9, 0)                          \
    TC_KX3_LOAD(base " + 16") TC_KX3_PRODUCT(8, 2) TC_KX3_PRODUCT(9, 1) TC_KX3_PRODUCT(10, 0) \
    TC_KX3_LOAD(base " + 24") TC_KX3_PRODUCT(8, 3) TC_KX3_PRODUCT(9, 2) TC_KX3_PRODUCT(10, 1) \
    TC_KX3_LOAD(base " + 32") TC_KX3_PRODUCT(8, 4) TC_KX3_PRODUCT(9, 3) TC_KX3_PRODUCT(10, 2) \
    TC_KX3_LOAD(base " + 40") TC_KX3_PRODUCT(8, 5) TC_KX3_PRODUCT(9, 4) TC_KX3_PRODUCT(10, 3) \
    TC_KX3_LOAD(base " + 48") TC_KX3_PRODUCT(8, 6) TC_KX3_PRODUCT(9, 5) TC_KX3_PRODUCT(10, 4) \
    TC_KX3_LOAD(base " + 56") TC_KX3_PRODUCT(8, 7) TC_KX3_PRODUCT(9, 6) TC_KX3_PRODUCT(10, 5) \
    TC_KX3_LOAD(base " + 64") TC_KX3_PRODUCT(9, 7) TC_KX3_PRODUCT(10, 6)                        \
    TC_KX3_LOAD(base " + 72") TC_KX3_PRODUCT(10, 7)

/* Stack frame. */
#define TC_KX3_FIRST "[sp, #0]"
#define TC_KX3_OUT "[sp, #4]"
#define TC_KX3_STEP "[sp, #8]"
#define TC_KX3_ODD "[sp, #12]"
#define TC_KX3_ROUNDING "[sp, #16]"
#define TC_KX3_FACTORS_END "[sp, #20]"
#define TC_KX3_FACTORS "[sp, #24]"
#define TC_KX3_TABLE "[sp, #28]"
#define TC_KX3_LAST "[sp, #32]"

/* Defines a function; `group` multiplies a group of a window row, its columns at that offset from r12; lr is the
 * weights. */
#define TC_KX3_FUNCTION(name, group)                                                                      \
    static __attribute__((noinline)) void name(const tc_gemm_t *gemm, const uint32_t *columns, int8_t *to, \
                                               size_t step)                                               \
    {                                                                                                     \
        register const tc_gemm_t *r0 __asm__("r0") = gemm;                                                \
        register const uint32_t *r1 __asm__("r1") = columns;                                              \
        register int8_t *r2 __asm__("r2") = to;                                                           \
        register size_t r3 __asm__("r3") = step;                                                          \
        __asm__ volatile(TC_ASM_STACK(#name, "72") TC_KX3_CODE(group)                                     \
                         : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)                                         \
                         :                                                                                \
                         : "r12", "cc", "memory");                                                        \
    }
/* Two groups are computed in turn, the first time the second one of them if their number is odd. */
#if TC_SMALL
#define TC_KX3_ENTER ""
#define TC_KX3_GROUPS(group) group("0") "add r12, r12, #80\n\t"
#else
#define TC_KX3_ENTER "ldr r9, " TC_KX3_ODD "\n\tcmp r9, #0\n\tbne 3f\n\t"
#define TC_KX3_GROUPS(group) ".irp base, 0, 80\n\t.if \\base\n3:\n\t.endif\n\t" group("\\base") ".endr\n\tadd r12, r12, #160\n\t"
#endif
#define TC_KX3_CODE(group)                                                                                \
    TC_THUMB_SAVE TC_GEMM_LOAD                                                                            \
    "mov r5, #80\n\tmla lr, r6, r5, r1\n\t" TC_GEMM_UNROLLED("and r4, r6, #1\n\tmls r1, r4, r5, r1\n\t", "")                       \
    "sub r9, r9, r8\n\tadd r9, r10, r9, lsl #3\n\t"                                                       \
    "push {r1, r2, r3, r4, r7, r9, r10, r12, lr}\n\tmov lr, r11\n"                                        \
    "1:\n\t"                                                                                                \
    "ldr r8, " TC_KX3_FACTORS "\n\tldr r12, " TC_KX3_FIRST "\n\tldr r0, [r8]\n\t"                         \
    "mov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r4, r0\n\tmov r5, r0\n\tmov r6, r0\n\tmov r7, r0\n\t"    \
    TC_KX3_ENTER                                                                                            \
    "2:\n\t"                                                                                              \
    TC_KX3_GROUPS(group)                                                                                    \
    "ldr r11, " TC_KX3_LAST "\n\tcmp r12, r11\n\tbne 2b\n\t"                                  \
    "ldr r9, " TC_KX3_FACTORS "\n\tldr r11, " TC_KX3_ROUNDING "\n\tldr r12, [r9, #4]\n\tadd r9, r9, #8\n\tstr r9, " TC_KX3_FACTORS "\n\t"\
    TC_GEMM_TO_TWICE("5f")                                                                                  \
    TC_GEMM_ROUND_ONCE("r0") TC_GEMM_ROUND_ONCE("r1") TC_GEMM_ROUND_ONCE("r2") TC_GEMM_ROUND_ONCE("r3")     \
    TC_GEMM_ROUND_ONCE("r4") TC_GEMM_ROUND_ONCE("r5") TC_GEMM_ROUND_ONCE("r6") TC_GEMM_ROUND_ONCE("r7")     \
    "4:\n\t"                                                                                                \
    "ldr r9, " TC_KX3_OUT "\n\tldr r10, " TC_KX3_STEP "\n\tadd r11, r9, #1\n\tstr r11, " TC_KX3_OUT "\n\t"                          \
    "strb r0, [r9]\n\tstrb r1, [r9, r10]\n\tstrb r2, [r9, r10, lsl #1]\n\tadd r9, r9, r10, lsl #1\n\t"      \
    "strb r3, [r9, r10]\n\tstrb r4, [r9, r10, lsl #1]\n\tadd r9, r9, r10, lsl #1\n\t"                       \
    "strb r5, [r9, r10]\n\tstrb r6, [r9, r10, lsl #1]\n\tadd r9, r9, r10, lsl #1\n\tstrb r7, [r9, r10]\n\t" \
    "ldr r10, " TC_KX3_FACTORS "\n\tldr r11, " TC_KX3_FACTORS_END "\n\tcmp r10, r11\n\tbne 1b\n\t"                          \
    TC_GEMM_TWICE(                                                                                         \
    "b 6f\n"                                                                                                \
    "5:\n\tldr r10, [r9, #-8]\n\t" TC_GEMM_FACTOR                                                                                 \
    ".irp sum, r0, r1, r2, r3, r4, r5, r6, r7\n\t" TC_GEMM_ROUND_TWICE("\\sum", "r9") ".endr\n\t"          \
    "b 4b\n")                                                                                               \
    "6:\n\tadd sp, sp, #36\n\t" TC_THUMB_RESTORE
/* clang-format on */

#endif

/* Expands the columns of a tile from x = `left` on; each group becomes two words. */
static inline void tc_kx3_expand(const tc_kx3_t *op, const tc_input_t *in, int32_t top, int32_t left, uint32_t *to,
                                 tc_gemm_word_t *first, tc_gemm_word_t *second)
{
    const size_t channels = op->input_channels, row_words = channels / 4 * TC_KX3_WORDS;
    const int32_t width = op->input_width, height = op->input_height,
                  end = top + op->kernel_height * op->dilation_height;
    const uint32_t border = (uint8_t)op->input_zero_point * 0x01010101u;
    for (; top < end; top += op->dilation_height, to += row_words) {
        const int8_t *const row = top >= 0 && top < height ? tc_input_row(in, (uint16_t)top) : NULL;
        for (int32_t i = 0; i < TC_KX3_COLUMNS; i++) {
            const int32_t x = left + i;
            uint32_t *word = to + 2 * i;
            const uint32_t *const last = word + row_words;
            if (row != NULL && x >= 0 && x < width) {
                const int8_t *from = row + (size_t)x * channels;
                for (; word != last; word += TC_KX3_WORDS, from += 4) {
                    const uint32_t four = tc_load_word(from);
                    word[0] = first(four);
                    word[1] = second(four);
                }
            } else {
                for (; word != last; word += TC_KX3_WORDS) {
                    word[0] = first(border);
                    word[1] = second(border);
                }
            }
        }
    }
}

/* The channels in `gemm` of an output row that begins at `to`; `values` has room for a partial tile. */
static void tc_kx3_row(const tc_kx3_t *op, const tc_input_t *in, int32_t top, const tc_gemm_t *gemm, uint32_t *columns,
                       int8_t *values, int8_t *to, const tc_kx3_shape_t *shape)
{
    const size_t step = op->output_channels;
    for (int32_t x = 0; x < op->output_width; x += TC_KX3_PIXELS, to += TC_KX3_PIXELS * step) {
        const int32_t rest = op->output_width - x;
        shape->expand(op, in, top, x - op->padding_left, columns);
        if (rest >= TC_KX3_PIXELS) {
            shape->tile(gemm, columns, to, step);
            continue;
        }
        shape->tile(gemm, columns, values, gemm->channels);
        for (int32_t i = 0; i < rest; i++) {
            tc_copy(to + (size_t)i * step, values + (size_t)i * gemm->channels, gemm->channels);
        }
    }
}

/* Output rows [first, last). Scratch: if factors are packed, those of a block; the columns of a tile (80 bytes per
 * window row and group); if the width is not a multiple of eight, a tile of outputs; if weights are decoded, a block of
 * them. table: weights that `tile` looks up, or NULL. */
static __attribute__((noinline)) void tc_kx3(const tc_kx3_t *op, const tc_input_t *in, const tc_output_t *out,
                                             uint16_t first, uint16_t last, int8_t *scratch,
                                             const tc_kx3_shape_t *shape, const tc_gemm_table_t *table)
{
    const size_t groups = (size_t)op->kernel_height * op->input_channels / 4;
    uint32_t *const columns = (uint32_t *)(void *)(scratch + tc_factors_room(op->packed, op->block));
    int8_t *const values = (int8_t *)(columns + groups * TC_KX3_WORDS);
    int8_t *const buffer = values + (op->output_width % TC_KX3_PIXELS ? TC_KX3_PIXELS * op->output_channels : 0);
    if (op->workspace) {
        tc_weights_read(op->weights, 0, 0, buffer);
    }
    for (unsigned c = 0; c < op->output_channels; c += op->block) {
        const unsigned left_over = op->output_channels - c, channels = left_over < op->block ? left_over : op->block;
        const int32_t *const factors = tc_factors(op->factors, op->packed, c, channels, scratch);
        tc_gemm_t gemm = {groups, op->rounding, 0, channels, factors, NULL, NULL};
        if (table != NULL) {
            gemm.weights = table->indices;
            gemm.pairs = table->pairs;
        } else {
            gemm.weights = tc_gemm_weights(op->weights, 12 * groups * c, 12 * groups * channels, op->bytes, buffer);
        }
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            tc_kx3_row(op, in, top, &gemm, columns, values, tc_output_row(out, y) + c, shape);
        }
    }
    const int clamped = !TC_KX3_UNCLAMPED && (op->activation_min != -128 || op->activation_max != 127);
    for (uint16_t y = first; y < last && clamped; y++) {
        int8_t *const row = tc_output_row(out, y);
        for (size_t i = 0; i < (size_t)op->output_channels * op->output_width; i++) {
            row[i] = tc_clamp(row[i], op->activation_min, op->activation_max);
        }
    }
}

#endif
