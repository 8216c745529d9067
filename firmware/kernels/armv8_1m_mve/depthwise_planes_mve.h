/* Planes of DEPTHWISE_CONV_2D on Armv8.1-M with MVE: four input rows interleaved byte by byte into words, column by
 * column, and in a column channel by channel. Rows that a window does not have are zeros, so their weights are
 * arbitrary.
 *
 * The last rows may lie across: a plane of such a row has, for each column, the four columns of a window from there on.
 * Columns that a window does not have are arbitrary, so their weights are zero. */
#ifndef TINYCOMP_DEPTHWISE_PLANES_MVE_H
#define TINYCOMP_DEPTHWISE_PLANES_MVE_H

#include "mve.h"
#include "rows_mve.h"
#include "tinycomp.h"

/* 1: no rows of windows lie across. */
#ifndef TC_DEPTHWISE_UPRIGHT
#define TC_DEPTHWISE_UPRIGHT 0
#endif

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t block; /* channels per plane: all, or a multiple of 16 */
    uint16_t output_width,
        columns; /* that windows read together, including those beyond the borders: all of a row's, or fewer */
    uint8_t kernel_height, kernel_width;
    uint8_t across; /* first row of a window that lies across */
    uint8_t planes;
    uint16_t step; /* from 16 channels that are in a plane to the next */
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights; /* padded to full groups, like all following members */
    const int32_t *bias, *multiplier;
    const int8_t *shift;   /* left shifts, negative */
    const uint16_t *words; /* column of each word of a row's first window; arbitrary for words it does not have */
} tc_depthwise_mve_t;

/* Makes vqrdmulh round halves away from zero; q2 is changed. */
#define TC_DEPTHWISE_AWAY "vshr.s32 q2, q0, #31\n\tvadd.i32 q0, q0, q2\n\t"

/* Four rows, read in steps of 16 bytes; rows that a window does not have or that are beyond a border have a step of
 * 0. */
typedef struct {
    const int8_t *at[4];
    size_t steps[4];
} tc_depthwise_mve_rows_t;

/* Interleaves `count` bytes of each row. Returns the end of the output. */
TC_MVE_PREDICATES int8_t *tc_depthwise_mve_interleave(const tc_depthwise_mve_rows_t *rows, size_t count, int8_t *to)
{
#if TC_MVE
    register const tc_depthwise_mve_rows_t *r0 __asm__("r0") = rows;
    register int8_t *r1 __asm__("r1") = to;
    register size_t r2 __asm__("r2") = count;
    __asm__ volatile(
        TC_ASM_STACK("tc_depthwise_mve_interleave", "36") TC_THUMB_SAVE
        "mov r8, r1\n\tmov r9, r2\n\tadd lr, r2, #15\n\tlsr lr, lr, #4\n\tldm r0, {r0, r1, r2, r3, r4, r5, r6, r7}\n\t"
        "wls lr, lr, 2f\n"
        "1:\n\t"
        "vctp.8 r9\n\tvpstttt\n\tvldrbt.8 q0, [r0]\n\tvldrbt.8 q1, [r1]\n\tvldrbt.8 q2, [r2]\n\t"
        "vldrbt.8 q3, [r3]\n\tadd r0, r0, r4\n\tadd r1, r1, r5\n\tadd r2, r2, r6\n\tadd r3, r3, r7\n\t"
        "vst40.8 {q0, q1, q2, q3}, [r8]\n\tvst41.8 {q0, q1, q2, q3}, [r8]\n\t"
        "vst42.8 {q0, q1, q2, q3}, [r8]\n\tvst43.8 {q0, q1, q2, q3}, [r8]!\n\tsub r9, r9, #16\n\tle lr, 1b\n"
        "2:\n\t" TC_THUMB_RESTORE
        : "+r"(r0), "+r"(r1), "+r"(r2)
        :
        : "r3", "r12", "q0", "q1", "q2", "q3", TC_MVE_P0 "cc", "memory");
#else
    for (size_t i = 0; i < count; i++) {
        for (unsigned row = 0; row < 4; row++) {
            to[4 * i + row] = rows->at[row][i / 16 * rows->steps[row] + i % 16];
        }
    }
#endif
    return to + 4 * count;
}

/* Advances the rows, except those with a step of 0, to the next column. */
static inline void tc_depthwise_mve_move(tc_depthwise_mve_rows_t *rows, size_t bytes)
{
    for (unsigned row = 0; row < 4; row++) {
        rows->at[row] += rows->steps[row] != 0 ? bytes : 0;
    }
}

/* Fills a plane of `channels` channels from column `left` on, which is negative beyond the left border. */
static int8_t *tc_depthwise_mve_plane(const tc_depthwise_mve_t *op, tc_depthwise_mve_rows_t *rows,
                                      const tc_depthwise_mve_rows_t *border, int32_t left, size_t channels, int8_t *to)
{
    const int32_t columns = op->columns, before = (left >= 0) ? 0 : (-left < columns) ? -left : columns;
    const int32_t there = op->input_width - left - before, room = columns - before;
    const int32_t inside = (there < 0) ? 0 : (there < room) ? there : room;
    if (left + before != 0) {
        tc_depthwise_mve_move(rows, (size_t)(left + before) * op->channels);
    }
    to = tc_depthwise_mve_interleave(border, (size_t)before * channels, to);
    if (channels == op->channels || channels == 16) { /* steps lead from a column to the next */
        to = tc_depthwise_mve_interleave(rows, (size_t)inside * channels, to);
    } else {
        for (int32_t x = 0; x < inside; x++) {
            to = tc_depthwise_mve_interleave(rows, channels, to);
            tc_depthwise_mve_move(rows, op->channels);
        }
    }
    return tc_depthwise_mve_interleave(border, (size_t)(room - inside) * channels, to);
}

#if !TC_DEPTHWISE_UPRIGHT

/* Fills the plane of one row that lies across, from a copy with its borders. */
static void tc_depthwise_mve_across(const tc_depthwise_mve_t *op, const int8_t *row, int32_t left, size_t channels,
                                    int8_t *line, int8_t *to)
{
    const int32_t columns = op->columns;
    const int32_t before = row == NULL || -left >= columns ? columns : left >= 0 ? 0 : -left;
    const int32_t there = op->input_width - left - before, room = columns - before;
    const int32_t inside = there < 0 ? 0 : there < room ? there : room;
    const size_t step = op->dilation_width * channels;
    const tc_depthwise_mve_rows_t rows = {{line, line + step, line + 2 * step, line + 3 * step}, {16, 16, 16, 16}};
    int8_t *at = line;
    tc_mve_fill(at, op->input_zero_point, (size_t)before * channels);
    at += (size_t)before * channels;
    if (inside > 0) {
        const int8_t *from = row + (size_t)(left + before) * op->channels;
        const size_t together = channels == op->channels ? (size_t)inside : 1; /* columns */
        for (int32_t x = 0; x < inside; x += (int32_t)together, from += op->channels) {
            tc_mve_copy(at, from, together * channels);
            at += together * channels;
        }
    }
    tc_mve_fill(at, op->input_zero_point, (size_t)(room - inside) * channels);
    (void)tc_depthwise_mve_interleave(&rows, (size_t)columns * channels, to);
}

#endif

/* Words of a window. */
static inline size_t tc_depthwise_mve_words(const tc_depthwise_mve_t *op)
{
#if TC_DEPTHWISE_UPRIGHT
    return (op->kernel_height + 3u) / 4 * op->kernel_width;
#else
    const size_t across = (size_t)(op->kernel_height - op->across) * ((op->kernel_width + 3u) / 4);
    return (op->across + 3u) / 4 * op->kernel_width + across;
#endif
}

/* Outputs whose windows fit the planes. */
static inline unsigned tc_depthwise_mve_most(const tc_depthwise_mve_t *op)
{
    const unsigned span = (op->kernel_width - 1u) * op->dilation_width;
    return (op->columns - 1u - span) / op->stride_width + 1;
}

/* Bytes of all planes, of what may be written behind them, and of a line: what windows read, and the columns behind. */
static inline size_t tc_depthwise_mve_room(const tc_depthwise_mve_t *op)
{
    const size_t room = (size_t)op->planes * op->columns * op->block * 4 + 64;
#if TC_DEPTHWISE_UPRIGHT
    return room;
#else
    const size_t line = ((size_t)op->columns + 3u * op->dilation_width) * op->block;
    return op->across < op->kernel_height ? room + (line + 3) / 4 * 4 : room;
#endif
}

/* Fills the planes of a block of channels from `channel` on, and of the columns from `left` on. */
static void tc_depthwise_mve_planes(const tc_depthwise_mve_t *op, const int8_t *const *found, int32_t left,
                                    size_t channel, size_t channels, const int8_t *zeros, const int8_t *zero_points,
                                    int8_t *to)
{
    const unsigned upright = TC_DEPTHWISE_UPRIGHT ? op->kernel_height : op->across;
#if !TC_DEPTHWISE_UPRIGHT
    const size_t plane = (size_t)op->columns * channels * 4;
    int8_t *const line = to + op->planes * (size_t)op->columns * op->block * 4 + 64;
#endif
    for (unsigned ky = 0; ky < upright; ky += 4) {
        tc_depthwise_mve_rows_t rows, border;
        for (unsigned row = 0; row < 4; row++) {
            const int8_t *const at = ky + row < op->kernel_height ? found[ky + row] : NULL;
            border.at[row] = ky + row < op->kernel_height ? zero_points : zeros;
            border.steps[row] = 0;
            rows.at[row] = at != NULL ? at + channel : border.at[row];
            rows.steps[row] = at != NULL ? op->step : 0;
        }
        to = tc_depthwise_mve_plane(op, &rows, &border, left, channels, to);
    }
#if !TC_DEPTHWISE_UPRIGHT
    for (unsigned ky = op->across; ky < op->kernel_height; ky++, to += plane) {
        tc_depthwise_mve_across(op, found[ky] != NULL ? found[ky] + channel : NULL, left, channels, line, to);
    }
#endif
}

#endif
