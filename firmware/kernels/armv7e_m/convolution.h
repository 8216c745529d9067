/* CONV_2D on Armv7E-M: pixel after pixel of the output is expanded (gemm.h), and a few at a time meet all output
 * channels. Weights are read where they lie, so rows may come one by one at little extra cost. */
#ifndef TINYCOMP_CONVOLUTION_H
#define TINYCOMP_CONVOLUTION_H

#include "gemm.h"
#include "tinycomp.h"

#define TC_CONVOLUTION_PIXELS 5 /* at most */

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights; /* in the order of gemm.h */
    const int32_t *factors;      /* of an even number of channels */
} tc_convolution_t;

/* How pixels meet channels. `one` takes the pixels that are left over in the end, if there can be any. */
typedef struct {
    unsigned pixels;
    tc_gemm_function_t all;
    void (*one)(const tc_gemm_t *gemm, const uint32_t *pixel, int8_t *out);
} tc_convolution_shape_t;

/* A row that a window reads is this far behind the input's base, or beyond a border. */
#define TC_BEYOND INT32_MIN

/* Where pixels are expanded from. The first members are the same for all rows of the output. */
typedef struct {
    const tc_convolution_t *op;
    const int8_t *base;
    int32_t *rows, *rows_end; /* of the windows */
    int8_t *window;           /* room for one and three bytes more, where channels are no whole groups */
    size_t length;            /* of a window's row, bytes */
    size_t groups;            /* of a window */
    size_t pixels;            /* that lie interleaved */
    int32_t expanded_end;     /* windows whose left column is in [0, expanded_end) are expanded from where they lie */
    int32_t copied_end;       /* those in [0, copied_end) are copied whole first */
} tc_convolution_row_t;

static void tc_convolution_row(tc_convolution_row_t *row, const tc_input_t *in, uint16_t y)
{
    const tc_convolution_t *const op = row->op;
    const int32_t columns = (int32_t)op->input_width - op->kernel_width + 1; /* where windows begin */
    int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    int inside = op->dilation_width == 1;
    for (int32_t *at = row->rows; at != row->rows_end; at++, top += op->dilation_height) {
        if (top >= 0 && top < op->input_height) {
            *at = (int32_t)(tc_input_row(in, (uint16_t)top) - in->base);
        } else {
            *at = TC_BEYOND;
            inside = 0;
        }
    }
    /* Copies read three bytes too many, which have to be the same row's. */
    row->copied_end = inside ? columns - (op->input_channels < 3 ? 3 : 1) : 0;
    row->expanded_end = inside && row->length % 4 == 0 ? columns : 0;
}

/* `count` windows that lie inside the input, the first one's left column `offset` bytes behind its row's start. */
static void tc_convolution_inside(const tc_convolution_row_t *row, int32_t offset, unsigned count, uint32_t *to)
{
    const int8_t *from = row->base + offset;
    const int32_t *const rows = row->rows, *const rows_end = row->rows_end;
    const size_t groups = row->length / 4, pixels = row->pixels;
    const size_t step = (size_t)row->op->stride_width * row->op->input_channels;
    for (; count > 0; count--, from += step, to++) {
        uint32_t *next = to;
        for (const int32_t *at = rows; at != rows_end; at++) {
            next = tc_gemm_expand(from + *at, groups, next, pixels);
        }
    }
}

/* The same for windows that are no whole groups: copied word by word, up to three bytes more than a row of it. */
static void tc_convolution_copied(const tc_convolution_row_t *row, int32_t offset, unsigned count, uint32_t *to)
{
    const int8_t *from = row->base + offset;
    const int32_t *const rows = row->rows, *const rows_end = row->rows_end;
    const size_t length = row->length, groups = row->groups, pixels = row->pixels;
    const size_t step = (size_t)row->op->stride_width * row->op->input_channels;
    for (; count > 0; count--, from += step, to++) {
        int8_t *next = row->window;
        for (const int32_t *at = rows; at != rows_end; at++, next += length) {
            const int8_t *run = from + *at;
            int8_t *word = next;
            for (const int8_t *const end = next + length; word < end; word += 4, run += 4) {
                const uint32_t four = tc_load_word(run);
                memcpy(word, &four, sizeof four);
            }
        }
        tc_gemm_expand(row->window, groups, to, pixels);
    }
}

/* A window of whole groups, cell by cell; those beyond a border hold the zero point. */
static void tc_convolution_cells(const tc_convolution_row_t *row, int32_t left, uint32_t *to)
{
    const tc_convolution_t *const op = row->op;
    const size_t groups = op->input_channels / 4u, pixels = row->pixels;
    const uint32_t border = (uint8_t)op->input_zero_point * 0x01010101u;
    const int32_t end = left + op->kernel_width * op->dilation_width, step = op->dilation_width;
    for (const int32_t *at = row->rows; at != row->rows_end; at++) {
        for (int32_t x = left; x < end; x += step) {
            if (*at != TC_BEYOND && x >= 0 && x < op->input_width) {
                to = tc_gemm_expand(row->base + (*at + x * op->input_channels), groups, to, pixels);
                continue;
            }
            for (size_t g = 0; g < groups; g++, to += 2 * pixels) {
                to[0] = tc_gemm_word_a(border);
                to[pixels] = tc_gemm_word_b(border);
            }
        }
    }
}

static inline int8_t *tc_convolution_fill(int8_t *to, const int8_t *from, size_t count, size_t step)
{
    for (const int8_t *const end = to + count; to != end; from += step) {
        *to++ = *from;
    }
    return to;
}

/* Any other window, gathered first; what is not dilated is copied by runs, before the border, inside, and behind it. */
static void tc_convolution_gather(const tc_convolution_row_t *row, int32_t left, uint32_t *to)
{
    const tc_convolution_t *const op = row->op;
    const size_t channels = op->input_channels;
    const unsigned cells = op->dilation_width == 1 ? op->kernel_width : 1;
    const unsigned runs = op->dilation_width == 1 ? 1 : op->kernel_width;
    int8_t *byte = row->window;
    for (const int32_t *at = row->rows; at != row->rows_end; at++) {
        int32_t x = left;
        for (unsigned run = 0; run < runs; run++, x += op->dilation_width) {
            const int32_t before = x < 0 ? -x : 0, behind = x + (int32_t)cells - op->input_width;
            const int32_t inside = (int32_t)cells - before - (behind > 0 ? behind : 0);
            if (*at == TC_BEYOND || inside <= 0) {
                byte = tc_convolution_fill(byte, &op->input_zero_point, cells * channels, 0);
                continue;
            }
            byte = tc_convolution_fill(byte, &op->input_zero_point, (size_t)before * channels, 0);
            byte = tc_convolution_fill(byte, row->base + (*at + (x + before) * op->input_channels),
                                       (size_t)inside * channels, 1);
            byte = tc_convolution_fill(byte, &op->input_zero_point, (size_t)(behind > 0 ? behind : 0) * channels, 0);
        }
    }
    tc_gemm_expand(row->window, row->groups, to, row->pixels);
}

/* Expands `count` pixels in a row, the first window's left column being `left`. */
static __attribute__((noinline)) void tc_convolution_expand(const tc_convolution_row_t *row, int32_t left,
                                                            unsigned count, uint32_t *to)
{
    const int32_t channels = row->op->input_channels, step = row->op->stride_width;
    unsigned part = count; /* all at once, or one by one */
    const int32_t last = left + (int32_t)(count - 1) * step;
    if (left < 0 || last >= (row->expanded_end != 0 ? row->expanded_end : row->copied_end)) {
        part = 1;
    }
    for (; count > 0; count -= part, left += step, to++) {
        if (left >= 0 && left < row->expanded_end) {
            tc_convolution_inside(row, left * channels, part, to);
        } else if (left >= 0 && left < row->copied_end) {
            tc_convolution_copied(row, left * channels, part, to);
        } else if (channels % 4 == 0) {
            tc_convolution_cells(row, left, to);
        } else {
            tc_convolution_gather(row, left, to);
        }
    }
}

/* `gemm`'s channels of `count` expanded pixels: all that are interleaved, or some one by one. */
static void tc_convolution_products(const tc_convolution_shape_t *shape, const tc_gemm_t *gemm, const uint32_t *pixels,
                                    int8_t *const *outs, unsigned count)
{
    if (count == shape->pixels) {
        shape->all(gemm, pixels, outs);
    } else {
        for (unsigned i = 0; i < count; i++) {
            shape->one(gemm, pixels + i, outs[i]);
        }
    }
}

/* The last channel of an odd number: its pair goes elsewhere first. */
static void tc_convolution_last(const tc_convolution_shape_t *shape, const tc_gemm_t *gemm, const uint32_t *pixels,
                                int8_t *const *outs, unsigned count)
{
    tc_gemm_t last = *gemm;
    int8_t pairs[TC_CONVOLUTION_PIXELS][2];
    int8_t *to[TC_CONVOLUTION_PIXELS];
    for (unsigned i = 0; i < TC_CONVOLUTION_PIXELS; i++) {
        to[i] = pairs[i];
    }
    last.channels = 2;
    last.factors += 2 * gemm->channels;
    last.weights += 4 * gemm->groups * gemm->channels;
    tc_convolution_products(shape, &last, pixels, to, count);
    for (unsigned i = 0; i < count; i++) {
        outs[i][gemm->channels] = pairs[i][0];
    }
}

/* Bounds that int8 does not have by itself. */
static void tc_convolution_clamp(const tc_convolution_t *op, int8_t *row)
{
    const size_t size = (size_t)op->output_width * op->output_channels;
    for (size_t i = 0; i < size; i++) {
        row[i] = tc_clamp(row[i], op->activation_min, op->activation_max);
    }
}

/* Output rows [first, last). Scratch: an offset for each row of a window, the expanded pixels (8 bytes a group each);
 * where input channels are no whole groups, a window and three bytes. */
static __attribute__((noinline)) void tc_convolution(const tc_convolution_t *op, const tc_input_t *in,
                                                     const tc_output_t *out, uint16_t first, uint16_t last,
                                                     int8_t *scratch, const tc_convolution_shape_t *shape)
{
    const size_t length = (size_t)op->kernel_width * op->input_channels;
    const size_t groups = (op->kernel_height * length + 3) / 4;
    int32_t *const rows = (int32_t *)(void *)scratch;
    uint32_t *const pixels = (uint32_t *)(void *)(rows + op->kernel_height);
    int8_t *const window = (int8_t *)(pixels + 2 * shape->pixels * groups);
    tc_convolution_row_t row = {op, in->base, rows, rows + op->kernel_height, window, length, groups, shape->pixels,
                                0,  0};
    const tc_gemm_t gemm = {groups, 2 * op->output_zero_point + 1, op->output_channels & ~1u, op->factors,
                            tc_weights_read(op->weights, 0, 0, NULL)};
    unsigned held = 0;
    int8_t *outs[TC_CONVOLUTION_PIXELS];
    for (uint16_t y = first; y < last; y++) {
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        unsigned x = op->output_width;
        tc_convolution_row(&row, in, y);
        while (x > 0) {
            const unsigned room = shape->pixels - held;
            const unsigned count = x < room ? x : room;
            tc_convolution_expand(&row, left, count, pixels + held);
            left += (int32_t)count * op->stride_width;
            x -= count;
            for (unsigned i = count; i > 0; i--, to += op->output_channels) {
                outs[held++] = to;
            }
            if (held == shape->pixels || (x == 0 && y + 1 == last)) {
                if (gemm.channels != 0) {
                    tc_convolution_products(shape, &gemm, pixels, outs, held);
                }
                if (gemm.channels != op->output_channels) {
                    tc_convolution_last(shape, &gemm, pixels, outs, held);
                }
                held = 0;
            }
        }
    }
    if (op->activation_min != -128 || op->activation_max != 127) {
        for (uint16_t y = first; y < last; y++) {
            tc_convolution_clamp(op, tc_output_row(out, y));
        }
    }
}

#endif
