/* CONV_2D on Armv7E-M: the windows of a few output pixels at a time are expanded (gemm.h), then multiplied with all
 * output channels. Weights are read in place, so computing rows one by one costs little extra.
 *
 * A window is taken as the full groups of four bytes of each of its rows; the bytes left over at the row ends are
 * packed into further groups, after all others. Rows of less than four bytes are taken as groups of four, whose last
 * weights are zero; or all rows as one, where that makes fewer groups. */
#ifndef TINYCOMP_CONVOLUTION_H
#define TINYCOMP_CONVOLUTION_H

#include "gemm.h"
#include "tinycomp.h"

#define TC_CONVOLUTION_TILE 5 /* pixels, at most */

/* 1: no layer has activation bounds narrower than int8. */
#ifndef TC_CONVOLUTION_UNCLAMPED
#define TC_CONVOLUTION_UNCLAMPED 0
#endif

/* 1: all numbers of output channels are even. */
#ifndef TC_CONVOLUTION_EVEN
#define TC_CONVOLUTION_EVEN 0
#endif

/* 1: no window is dilated. */
#ifndef TC_CONVOLUTION_UNDILATED
#define TC_CONVOLUTION_UNDILATED 0
#endif

/* 1: all window rows are full groups, without a rest. */
#ifndef TC_CONVOLUTION_WHOLE
#define TC_CONVOLUTION_WHOLE 0
#endif

/* 1: no window has rows of less than four bytes. */
#ifndef TC_CONVOLUTION_WIDE
#define TC_CONVOLUTION_WIDE 0
#endif

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    int8_t activation_min, activation_max;
    uint8_t gathers;             /* windows are gathered before they are expanded */
    uint8_t packed;              /* see factors.h */
    uint8_t workspace;           /* the codec has one */
    uint8_t bytes;               /* decoded weights are bytes and must be converted to words */
    uint16_t block;              /* output channels per decoded block of weights, even */
    const tc_weights_t *weights; /* layout: see gemm.h */
    int32_t rounding;            /* see rounding.h */
    const void *factors;         /* for an even number of channels */
} tc_convolution_t;

/* A window row's offset from the input's base if the row is beyond a border. */
#define TC_BEYOND INT32_MIN

/* How window rows are expanded; the rest of a row is what does not fill a group of four bytes. */
typedef struct {
    const int32_t *rows, *rows_end;
    size_t words;     /* bytes of full groups in a row */
    size_t pixels;    /* that are interleaved */
    size_t rest;      /* bytes from a pixel's first group to its first group made of rests */
    unsigned over;    /* bytes of a row's rest */
    int32_t distance; /* bytes from one window to the next */
} tc_convolution_walk_t;

/* The functions and numbers of a variant. `one` computes single pixels at the end of a row; without it `all` does, and
 * writes padding pixels to the place of the first pixel, before that pixel itself. */
typedef struct {
    unsigned pixels; /* per tile */
    unsigned tiles;  /* tiles that are expanded together for each decoded block; 0: a whole row per block */
    unsigned size;   /* bytes of a group of a channel's weights: TC_WORDS or TC_INDICES */
    void (*windows)(const tc_convolution_walk_t *walk, const int8_t *from, unsigned count, uint32_t *to);
    tc_gemm_function_t all;
    void (*one)(const tc_gemm_t *gemm, const uint32_t *pixel, int8_t *out);
} tc_convolution_shape_t;

#define TC_WORDS 4
#define TC_INDICES 2 /* of a 4-bit codebook */

/* The dilation of windows. */
static inline unsigned tc_convolution_dilation(unsigned dilation)
{
    return TC_CONVOLUTION_UNDILATED ? 1 : dilation;
}

/* Expands `count` windows; the first one's rows are at from + rows[i]. Rows with a rest have at least four bytes. A
 * group becomes two words: A and B of gemm.h in `windows`, (x0, x2) and (x1, x3) in `windows_halves`. */
#if TC_DSP
/* The assembly relies on these member offsets of tc_convolution_walk_t. */
typedef char tc_assert_walk_offsets[offsetof(tc_convolution_walk_t, distance) == 24 ? 1 : -1];
/* clang-format off */
/* r0 is the row, r2 the window, r3 the destination, r4 the offset from A to B, r6 the next byte, r9 the group of rests
 * being packed, r10 its number of bits, r11 its destination, r12 the bytes of a rest. */
#define TC_CONVOLUTION_PUT(at)                                                                          \
    "sxtb16 r8, r5, ror #8\n\teor r5, r5, #0x7F007F00\n\trev16 r5, r5\n\t" TC_CONVOLUTION_PUT_WORDS(at)
#define TC_CONVOLUTION_PUT_HALVES(at) "sxtb16 r8, r5\n\tsxtb16 r5, r5, ror #8\n\t" TC_CONVOLUTION_PUT_WORDS(at)
#define TC_CONVOLUTION_PUT_WORDS(at) "str r8, [" at "]\n\tstr r5, [" at ", r4]\n\tadd " at ", " at ", r4, lsl #1\n\t"
#if TC_CONVOLUTION_WHOLE
#define TC_CONVOLUTION_REST(code) ""
#else
#define TC_CONVOLUTION_REST(code) code
#endif
/* The end of all pixels is at sp, the window's pixel above it. Label 1: next window, 2: next row, 3: next group. */
#define TC_CONVOLUTION_WINDOWS(function, put)                                                                 \
    register const tc_convolution_walk_t *r0 __asm__("r0") = walk;                                            \
    register const int8_t *r1 __asm__("r1") = from;                                                           \
    register unsigned r2 __asm__("r2") = count;                                                               \
    register uint32_t *r3 __asm__("r3") = to;                                                                 \
    __asm__ volatile(                                                                                         \
        TC_ASM_STACK(function, "44") TC_THUMB_SAVE                                                            \
        "mov lr, r0\n\tadd r2, r3, r2, lsl #2\n\tpush {r2, r3}\n\tmov r2, r1\n\t"                              \
        "ldr r1, [lr, #4]\n\tldr r4, [lr, #12]\n\tlsl r4, r4, #2\n\t"                       \
        TC_CONVOLUTION_REST("ldr r12, [lr, #20]\n")                                                          \
        "1:\n\t"                                                                                              \
        "ldr r0, [lr]\n\t"                                                                                    \
        TC_CONVOLUTION_REST("ldr r11, [lr, #16]\n\tmov r9, #0\n\tmov r10, #0\n\tadd r11, r11, r3\n")          \
        "2:\n\t"                                                                                              \
        "ldr r6, [r0], #4\n\tldr r7, [lr, #8]\n\tadd r6, r6, r2\n\tadd r7, r7, r6\n"                          \
        "3:\n\t"                                                                                              \
        "ldr r5, [r6], #4\n\t" put("r3") "cmp r6, r7\n\tbne 3b\n\t"                                           \
        TC_CONVOLUTION_REST(                                                                                  \
        "cmp r12, #0\n\tbeq 4f\n\t"                                                                           \
        "add r8, r6, r12\n\tldr r5, [r8, #-4]\n\tlsl r7, r12, #3\n\trsb r8, r7, #32\n\tlsr r5, r5, r8\n\t"    \
        "lsl r8, r5, r10\n\torr r9, r9, r8\n\tadd r10, r10, r7\n\tcmp r10, #32\n\tblo 4f\n\t"                 \
        "sub r10, r10, #32\n\tsub r6, r7, r10\n\tlsr r7, r5, r6\n\tmov r5, r9\n\tmov r9, r7\n\t"              \
        put("r11")                                                                                            \
        "4:\n\t")                                                                                             \
        "cmp r0, r1\n\tbne 2b\n\t"                                                                            \
        TC_CONVOLUTION_REST("cmp r10, #0\n\tbeq 5f\n\tmov r5, r9\n\t" put("r11") "5:\n\t")                    \
        "ldr r3, [sp, #4]\n\tldr r7, [lr, #24]\n\tldr r8, [sp, #0]\n\tadd r3, r3, #4\n\tadd r2, r2, r7\n\t"     \
        "str r3, [sp, #4]\n\tcmp r3, r8\n\tbne 1b\n\t"                                                        \
        "add sp, sp, #8\n\t" TC_THUMB_RESTORE                                                                     \
        : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)                                                              \
        :                                                                                                     \
        : "r12", "cc", "memory")

static __attribute__((noinline, unused)) void tc_convolution_windows(const tc_convolution_walk_t *walk,
                                                                     const int8_t *from, unsigned count, uint32_t *to)
{
    TC_CONVOLUTION_WINDOWS("tc_convolution_windows", TC_CONVOLUTION_PUT);
}

static __attribute__((noinline, unused)) void tc_convolution_windows_halves(const tc_convolution_walk_t *walk,
                                                                            const int8_t *from, unsigned count,
                                                                            uint32_t *to)
{
    TC_CONVOLUTION_WINDOWS("tc_convolution_windows_halves", TC_CONVOLUTION_PUT_HALVES);
}
/* clang-format on */

#else

static inline void tc_convolution_windows_c(const tc_convolution_walk_t *walk, const int8_t *from, unsigned count,
                                            uint32_t *to, tc_gemm_word_t *first, tc_gemm_word_t *second)
{
    for (; count > 0; count--, from += walk->distance, to++) {
        uint32_t *next = to, *rest = &to[walk->rest / sizeof *to];
        uint64_t held = 0;
        unsigned bits = 0;
        for (const int32_t *at = walk->rows; at != walk->rows_end; at++) {
            const int8_t *const run = from + *at, *const over = run + walk->words;
            for (const int8_t *four = run; four != over; four += 4) {
                next = tc_gemm_expand_word(tc_load_word(four), next, walk->pixels, first, second);
            }
            if (walk->over != 0) {
                held |= (uint64_t)(tc_load_word(over + walk->over - 4) >> (32 - 8 * walk->over)) << bits;
                bits += 8 * walk->over;
            }
            if (bits >= 32) {
                rest = tc_gemm_expand_word((uint32_t)held, rest, walk->pixels, first, second);
                held >>= 32;
                bits -= 32;
            }
        }
        if (bits != 0) {
            tc_gemm_expand_word((uint32_t)held, rest, walk->pixels, first, second);
        }
    }
}

static __attribute__((unused)) void tc_convolution_windows(const tc_convolution_walk_t *walk, const int8_t *from,
                                                           unsigned count, uint32_t *to)
{
    tc_convolution_windows_c(walk, from, count, to, tc_gemm_word_a, tc_gemm_word_b);
}

static __attribute__((unused)) void tc_convolution_windows_halves(const tc_convolution_walk_t *walk, const int8_t *from,
                                                                  unsigned count, uint32_t *to)
{
    tc_convolution_windows_c(walk, from, count, to, tc_sxtb16, tc_sxtb16_odd);
}

#endif

/* Sources of the pixels of an output row. */
typedef struct {
    const tc_convolution_t *op;
    const int8_t *base;
    uint32_t *pixels;                      /* expanded */
    int32_t *rows;                         /* offset of each window row from the base, or TC_BEYOND */
    int8_t *room;                          /* for a gathered window */
    unsigned columns_begin, columns_end;   /* pixels with undilated windows whose columns are all inside the input */
    unsigned begin, end;                   /* pixels of this row whose windows are read in place */
    tc_convolution_walk_t inside, outside; /* for windows in place, and for `room` */
#if TC_SMALL
    unsigned cells; /* that are read in a row of a window */
#endif
} tc_convolution_row_t;

/* Finds the pixels whose windows are between the left and right borders; none if windows are never read in place.
 * cells: that are read in a row of a window. Small code looks at each pixel's window instead. */
static __attribute__((cold)) void tc_convolution_columns(tc_convolution_row_t *row, unsigned cells, int near)
{
#if TC_SMALL
    row->cells = cells;
    row->columns_begin = 0;
    row->columns_end = near ? 1 : 0;
#else
    const tc_convolution_t *const op = row->op;
    int32_t left = -(int32_t)op->padding_left;
    unsigned x = 0;
    for (; left < 0; left += op->stride_width) {
        x++;
    }
    row->columns_begin = x;
    for (; x < op->output_width && left + (int32_t)cells <= op->input_width; left += op->stride_width) {
        x++;
    }
    row->columns_end = near ? x : 0;
#endif
}

/* Allocates scratch; returns the first free byte. */
static __attribute__((cold)) int8_t *tc_convolution_prepare(const tc_convolution_t *op, const tc_input_t *in,
                                                            const tc_convolution_shape_t *shape, int8_t *scratch,
                                                            tc_convolution_row_t *row)
{
    const size_t length = (size_t)op->kernel_width * op->input_channels, height = op->kernel_height;
    const size_t pixels = shape->pixels, tiles = shape->tiles != 0 ? shape->tiles : 1;
    const bool narrow = (TC_CONVOLUTION_WIDE == 0) && (length < 4);
    const bool whole = narrow && (height > (height * length + 3) / 4); /* treat the window as one row */
    const size_t lines = whole ? 1 : height, size = whole ? height * length : length;
    const bool padded = narrow && (size < 4);
    tc_convolution_walk_t walk = {NULL,   NULL, padded ? 4 : size & ~(size_t)3,
                                  pixels, 0,    ((TC_CONVOLUTION_WHOLE != 0) || padded) ? 0 : size % 4,
                                  0};
    walk.rest = walk.words * 2 * pixels * lines;
    row->op = op;
    row->base = in->base;
    row->pixels = (uint32_t *)(void *)scratch;
    row->rows = (int32_t *)(void *)(row->pixels + 2 * pixels * tiles * ((height * length + 3) / 4));
    row->outside = walk;
    row->outside.rows = &row->rows[height];
    row->outside.rows_end = &row->outside.rows[lines];
    row->inside = walk;
    row->inside.rows = row->rows;
    row->inside.rows_end = &row->rows[height];
    row->inside.distance = op->stride_width * op->input_channels;
    row->room = (int8_t *)(row->rows + 2 * height);
    const unsigned cells = padded ? (3u + op->input_channels) / op->input_channels : op->kernel_width;
    tc_convolution_columns(row, cells, (tc_convolution_dilation(op->dilation_width) == 1) && !whole);
    return op->gathers ? row->room + (height * length + 3) / 4 * 4 : row->room - 4 * height;
}

static void tc_convolution_row(tc_convolution_row_t *row, const tc_input_t *in, uint16_t y)
{
    const tc_convolution_t *const op = row->op;
    const int32_t dilation = (int32_t)tc_convolution_dilation(op->dilation_height);
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    row->begin = row->columns_begin;
    row->end = row->columns_end;
    for (int32_t *at = row->rows; at != row->inside.rows_end; at++, top += dilation) {
        if (top >= 0 && top < op->input_height) {
            *at = (int32_t)(tc_input_row(in, (uint16_t)top) - in->base);
        } else {
            *at = TC_BEYOND;
            row->end = 0;
        }
    }
}

static inline int8_t *tc_convolution_fill(int8_t *to, const int8_t *from, size_t count, size_t step)
{
    for (const int8_t *const end = &to[count]; to != end; from += step) {
        *to++ = *from;
    }
    return to;
}

/* Gathers a window that overlaps a border or is dilated: in each row the cells before, inside and after the input. */
static __attribute__((cold)) void tc_convolution_gather(const tc_convolution_row_t *row, int32_t left)
{
    const tc_convolution_t *const op = row->op;
    const size_t channels = op->input_channels;
    const unsigned dilation = tc_convolution_dilation(op->dilation_width);
    const unsigned cells = dilation == 1 ? op->kernel_width : 1, runs = dilation == 1 ? 1 : op->kernel_width;
    int32_t *line = &row->rows[op->kernel_height];
    int8_t *byte = row->room;
    for (const int32_t *at = row->rows; at != row->inside.rows_end; at++) {
        int32_t x = left;
        *line++ = (int32_t)(byte - row->room);
        for (unsigned run = 0; run < runs; run++, x += (int32_t)dilation) {
            const int32_t before = x < 0 ? -x : 0, behind = x + (int32_t)cells - op->input_width;
            const int32_t inside = (int32_t)cells - before - ((behind > 0) ? behind : 0);
#if TC_SMALL
            byte = tc_convolution_fill(byte, &op->input_zero_point, cells * channels, 0);
            if ((*at != TC_BEYOND) && (inside > 0)) {
                tc_convolution_fill(byte - ((size_t)(cells - (unsigned)before) * channels),
                                    row->base + (*at + (x + before) * op->input_channels), (size_t)inside * channels,
                                    1);
            }
#else
            if ((*at == TC_BEYOND) || (inside <= 0)) {
                byte = tc_convolution_fill(byte, &op->input_zero_point, cells * channels, 0);
                continue;
            }
            byte = tc_convolution_fill(byte, &op->input_zero_point, (size_t)before * channels, 0);
            byte = tc_convolution_fill(byte, row->base + (*at + (x + before) * op->input_channels),
                                       (size_t)inside * channels, 1);
            byte = tc_convolution_fill(byte, &op->input_zero_point, (size_t)((behind > 0) ? behind : 0) * channels, 0);
#endif
        }
    }
}

/* Expands at most `most` pixels of an output row from pixel x on: the next ones with windows inside the input, or one
 * that is gathered first. Returns their number. */
static inline unsigned tc_convolution_expand(const tc_convolution_row_t *row, const tc_convolution_shape_t *shape,
                                             unsigned x, unsigned most, uint32_t *to)
{
    const int32_t left = (int32_t)x * row->op->stride_width - row->op->padding_left;
#if TC_SMALL
    (void)most;
    if ((row->end != 0) && (left >= 0) && (left + (int32_t)row->cells <= row->op->input_width)) {
        shape->windows(&row->inside, row->base + left * row->op->input_channels, 1, to);
        return 1;
    }
#else
    if ((x >= row->begin) && (x < row->end)) {
        const unsigned count = ((row->end - x) < most) ? (row->end - x) : most;
        shape->windows(&row->inside, row->base + left * row->op->input_channels, count, to);
        return count;
    }
#endif
    tc_convolution_gather(row, left);
    shape->windows(&row->outside, row->room, 1, to);
    return 1;
}

/* The channels in `gemm` of `count` expanded pixels: a full tile at once, or pixels one by one. */
static void tc_convolution_products(const tc_convolution_shape_t *shape, const tc_gemm_t *gemm, const uint32_t *pixels,
                                    int8_t *const *outs, unsigned count)
{
    if ((count == shape->pixels) || (shape->one == NULL)) {
        shape->all(gemm, pixels, outs);
    } else {
        for (unsigned i = 0; i < count; i++) {
            shape->one(gemm, &pixels[i], outs[i]);
        }
    }
}

/* The last channel of an odd number: computed as a pair, to a buffer, then copied. */
static __attribute__((cold)) void tc_convolution_last(const tc_convolution_shape_t *shape, const tc_gemm_t *gemm,
                                                      const uint32_t *pixels, int8_t *const *outs, unsigned count)
{
    const unsigned channel = gemm->first + gemm->channels;
    tc_gemm_t last = *gemm;
    int8_t pairs[TC_CONVOLUTION_TILE][2];
    int8_t *to[TC_CONVOLUTION_TILE];
    for (unsigned i = 0; i < TC_CONVOLUTION_TILE; i++) {
        to[i] = pairs[i];
    }
    last.first = 0;
    last.channels = 2;
    last.factors += 2 * gemm->channels;
    last.weights += shape->size * gemm->groups * gemm->channels;
    tc_convolution_products(shape, &last, pixels, to, count);
    for (unsigned i = 0; i < count; i++) {
        outs[i][channel] = pairs[i][0];
    }
}

/* All channels of a tile. */
static void tc_convolution_tile(const tc_convolution_shape_t *shape, tc_gemm_t *gemm, const uint32_t *pixels,
                                int8_t *const *outs, unsigned count)
{
    if (TC_CONVOLUTION_EVEN || gemm->channels % 2 == 0) {
        tc_convolution_products(shape, gemm, pixels, outs, count);
        return;
    }
    gemm->channels--;
    if (gemm->channels != 0) {
        tc_convolution_products(shape, gemm, pixels, outs, count);
    }
    tc_convolution_last(shape, gemm, pixels, outs, count);
    gemm->channels++;
}

/* Reads a block of weights. */
static const int8_t *tc_convolution_weights(const tc_convolution_t *op, const tc_gemm_t *gemm, int8_t *buffer)
{
    const size_t size = 4 * gemm->groups;
    return tc_gemm_weights(op->weights, size * gemm->first, size * ((gemm->channels + 1) & ~1u), op->bytes, buffer);
}

/* All channels of `count` expanded pixels, decoding the weights block by block; `gemm` has all factors. */
static void tc_convolution_decoded(const tc_convolution_t *op, const tc_convolution_shape_t *shape, tc_gemm_t gemm,
                                   const uint32_t *pixels, int8_t *const *outs, unsigned count, int8_t *buffer)
{
    const int32_t *const factors = gemm.factors;
    for (unsigned rest = op->output_channels; rest > 0; rest -= gemm.channels, gemm.first += gemm.channels) {
        const uint32_t *tile = pixels;
        gemm.channels = (rest < op->block) ? rest : op->block;
        gemm.factors = factors + 2 * (size_t)gemm.first;
        gemm.weights = tc_convolution_weights(op, &gemm, buffer);
        for (unsigned i = 0; i < count; i += shape->pixels, tile += 2 * shape->pixels * gemm.groups) {
            tc_convolution_tile(shape, &gemm, tile, &outs[i],
                                ((count - i) < shape->pixels) ? (count - i) : shape->pixels);
        }
    }
}

/* Clamps a row of outputs where an activation's bounds are narrower than int8. */
static __attribute__((cold)) void tc_convolution_clamp(const tc_convolution_t *op, int8_t *row)
{
    const size_t size = (size_t)op->output_width * op->output_channels;
    for (size_t i = 0; i < size; i++) {
        row[i] = tc_clamp(row[i], op->activation_min, op->activation_max);
    }
}

/* Clamps output rows [first, last) where they need it. */
static inline void tc_convolution_clamped(const tc_convolution_t *op, const tc_output_t *out, uint16_t first,
                                          uint16_t last)
{
    if ((TC_CONVOLUTION_UNCLAMPED == 0) && ((op->activation_min != -128) || (op->activation_max != 127))) {
        for (uint16_t y = first; y < last; y++) {
            tc_convolution_clamp(op, tc_output_row(out, y));
        }
    }
}

/* The channels in `gemm` of output rows [first, last); if `tiles` is not 0, all channels, decoding blocks into `buffer`
 * for that many tiles at a time. */
static __attribute__((hot)) void tc_convolution_rows(tc_convolution_row_t *row, const tc_input_t *in,
                                                     const tc_output_t *out, uint16_t first, uint16_t last,
                                                     const tc_convolution_shape_t *shape, tc_gemm_t *gemm,
                                                     int8_t *buffer, int8_t **outs)
{
    const tc_convolution_t *const op = row->op;
    const size_t tile_words = 2 * shape->pixels * gemm->groups;
    const unsigned most = shape->tiles == 0 ? shape->pixels : shape->tiles * shape->pixels;
    uint32_t *tile = row->pixels;
    unsigned held = 0, of_tile = 0; /* pixels expanded so far */
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        tc_convolution_row(row, in, y);
        for (unsigned x = 0; x < op->output_width;) {
            unsigned count = tc_convolution_expand(row, shape, x, shape->pixels - of_tile, &tile[of_tile]);
            of_tile += count;
            for (x += count; count > 0; count--, to += op->output_channels) {
                outs[held++] = to;
            }
            if (of_tile == shape->pixels) {
                of_tile = 0;
                tile += tile_words;
            }
            if (held == most || (x == op->output_width && y + 1 == last)) {
                for (unsigned i = held; (i < shape->pixels) && (shape->one == NULL); i++) {
                    outs[i] = outs[0];
                }
                if (shape->tiles == 0) {
                    tc_convolution_tile(shape, gemm, row->pixels, outs, held);
                } else {
                    tc_convolution_decoded(op, shape, *gemm, row->pixels, outs, held, buffer);
                }
                held = of_tile = 0;
                tile = row->pixels;
            }
        }
    }
}

/* The factors of an even number of channels; `room` is for those of all channels, or of a block. */
static inline const int32_t *tc_convolution_factors(const tc_convolution_t *op, unsigned first, unsigned channels,
                                                    int8_t *room)
{
    return tc_factors(op->factors, op->packed, first, (channels + 1) & ~1u, room);
}

/* Output rows [first, last). Scratch: if factors are packed, those of a block, or of all channels if pixels meet all of
 * them at once; the expanded pixels (8 bytes per group each), an offset per window row; if windows are gathered, one
 * more offset and a window; if weights are decoded, a block of them. `outs` has room for the address of each expanded
 * pixel. table: weights that `all` looks up, or NULL. */
static __attribute__((unused)) void tc_convolution(const tc_convolution_t *op, const tc_input_t *in,
                                                   const tc_output_t *out, uint16_t first, uint16_t last,
                                                   int8_t *scratch, const tc_convolution_shape_t *shape, int8_t **outs,
                                                   const tc_gemm_table_t *table)
{
    const bool at_once = (shape->tiles != 0) || (shape->size == TC_INDICES);
    const unsigned all = (op->output_channels + 1u) & ~1u;
    int8_t *const room = scratch;
    tc_gemm_t gemm = {((size_t)op->kernel_height * op->kernel_width * op->input_channels + 3) / 4,
                      op->rounding,
                      0,
                      op->output_channels,
                      NULL,
                      (table == NULL) ? NULL : table->indices,
                      (table == NULL) ? NULL : table->pairs};
    tc_convolution_row_t row;
    int8_t *const buffer = tc_convolution_prepare(
        op, in, shape, &scratch[tc_factors_room(op->packed, at_once ? all : op->block)], &row);
    if (shape->size == TC_WORDS && op->workspace) {
        tc_weights_read(op->weights, 0, 0, buffer);
    }
    if (at_once) {
        gemm.factors = tc_convolution_factors(op, 0, all, room);
        tc_convolution_rows(&row, in, out, first, last, shape, &gemm, buffer, outs);
    } else {
        for (unsigned rest = op->output_channels; rest > 0; rest -= gemm.channels, gemm.first += gemm.channels) {
            gemm.channels = (rest < op->block) ? rest : op->block;
            gemm.factors = tc_convolution_factors(op, gemm.first, gemm.channels, room);
            gemm.weights = tc_convolution_weights(op, &gemm, buffer);
            tc_convolution_rows(&row, in, out, first, last, shape, &gemm, buffer, outs);
        }
    }
    tc_convolution_clamped(op, out, first, last);
}

#endif
