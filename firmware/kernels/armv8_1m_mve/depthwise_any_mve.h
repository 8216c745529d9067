/* DEPTHWISE_CONV_2D on Armv8.1-M with MVE, for windows of more than sixteen taps: the planes of depthwise_planes_mve.h, and
 * for each output as many vectors of four words as its window has.
 *
 * Weights are stored by groups of four channels, and in a group by vectors: sixteen bytes of each channel. Words that
 * fill up the last vector may be anywhere, and have zero weights. */
#ifndef TINYCOMP_DEPTHWISE_ANY_MVE_H
#define TINYCOMP_DEPTHWISE_ANY_MVE_H

#include "depthwise_planes_mve.h"

typedef tc_depthwise_mve_t tc_depthwise_any_mve_t;

/* The channels of an output row, for the assembly, which advances it by groups. */
typedef struct {
    const int8_t *window;    /* first channel of the first window */
    const uint32_t *offsets; /* of a window's words, in bytes */
    size_t vectors;          /* of four words each */
    size_t step, out_step;   /* bytes between windows, and between pixels */
    size_t count;            /* pixels */
    int32_t channels;        /* that are left */
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t zero_point;
    int8_t *out;
} tc_depthwise_any_row_t;

#if TC_MVE

/* The assembly relies on these member offsets. */
typedef char tc_assert_any_offsets[offsetof(tc_depthwise_any_row_t, out) == 48 ? 1 : -1];

/* clang-format off */
#define TC_DEPTHWISE_ANY_PRODUCTS(sum, at) \
    "vldrb.u8 q2, [r1], #16\n\tvldrw.u32 q0, [q1, #" at "]\n\tvmladava.s8 " sum ", q0, q2\n\t"
#define TC_DEPTHWISE_ANY_LOAD(load, vector, member, size) \
    "ldr r1, [r12, #" member "]\n\t" load " " vector ", [r1], #" size "\n\tstr r1, [r12, #" member "]\n\t"
#define TC_DEPTHWISE_ANY_NEXT(member, size) \
    "ldr r1, [r12, #" member "]\n\tadd r1, r1, " size "\n\tstr r1, [r12, #" member "]\n\t"

/* r0 is the window, r1 the weights, r3 the output, r5 the offsets, r7 the pixels that are left, r9 the zero point, r10
 * and r11 the steps, r12 the row. Label 1: next group, 2: next pixel, 3: next vector. */
TC_MVE_PREDICATES void tc_depthwise_any_channels(tc_depthwise_any_row_t *row)
{
    register tc_depthwise_any_row_t *r0 __asm__("r0") = row;
    __asm__ volatile(
        TC_ASM_STACK("tc_depthwise_any_channels", "36") TC_THUMB_SAVE
        "mov r12, r0\n\tldrd r10, r11, [r12, #12]\n\tldr r9, [r12, #44]\n"
        "1:\n\t"
        TC_DEPTHWISE_ANY_LOAD("vldrw.32", "q3", "32", "16") TC_DEPTHWISE_ANY_LOAD("vldrw.32", "q4", "36", "16")
        TC_DEPTHWISE_ANY_LOAD("vldrb.s32", "q5", "40", "4")
        "ldr r1, [r12, #24]\n\tvctp.32 r1\n\tldr r0, [r12]\n\tldr r3, [r12, #48]\n\tldr r7, [r12, #20]\n"
        "2:\n\t"
        "ldr r1, [r12, #28]\n\tldrd r5, lr, [r12, #4]\n\tmov r2, #0\n\tmov r4, #0\n\tmov r6, #0\n\tmov r8, #0\n\t"
        "dls lr, lr\n"
        "3:\n\t"
        "vldrw.u32 q1, [r5], #16\n\tvadd.i32 q1, q1, r0\n\t"
        TC_DEPTHWISE_ANY_PRODUCTS("r2", "0") TC_DEPTHWISE_ANY_PRODUCTS("r4", "4")
        TC_DEPTHWISE_ANY_PRODUCTS("r6", "8") TC_DEPTHWISE_ANY_PRODUCTS("r8", "12")
        "le lr, 3b\n\t"
        "vmov q0[2], q0[0], r2, r6\n\tvmov q0[3], q0[1], r4, r8\n\tvadd.i32 q0, q0, q3\n\tvqrdmulh.s32 q0, q0, q4\n\t"
        TC_DEPTHWISE_AWAY "vrshl.s32 q0, q0, q5\n\tvadd.i32 q0, q0, r9\n\tvqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\t"
        "vpst\n\tvstrbt.32 q0, [r3]\n\tadd r3, r3, r11\n\tadd r0, r0, r10\n\tsubs r7, r7, #1\n\tbne 2b\n\t"
        "ldr r2, [r12, #8]\n\t" TC_DEPTHWISE_ANY_NEXT("28", "r2, lsl #6") TC_DEPTHWISE_ANY_NEXT("0", "#16")
        TC_DEPTHWISE_ANY_NEXT("48", "#4")
        "ldr r1, [r12, #24]\n\tsubs r1, r1, #4\n\tstr r1, [r12, #24]\n\tbgt 1b\n\t"
        TC_THUMB_RESTORE
        : "+r"(r0)
        :
        : "r1", "r2", "r3", "r12", "q0", "q1", "q2", "q3", "q4", "q5", TC_MVE_P0 "cc", "memory");
}
/* clang-format on */

#else

static void tc_depthwise_any_channels(tc_depthwise_any_row_t *row)
{
    for (size_t c = 0; c < (size_t)row->channels; c++) {
        const int8_t *const group = row->weights + 64 * row->vectors * (c / 4) + 16 * (c % 4);
        for (size_t x = 0; x < row->count; x++) {
            const int8_t *const window = row->window + x * row->step + 4 * c;
            int32_t sum = row->bias[c];
            for (size_t tap = 0; tap < 16 * row->vectors; tap++) {
                sum += window[row->offsets[tap / 4] + tap % 4] * group[64 * (tap / 16) + tap % 16];
            }
            sum = tc_requantize(sum, row->multiplier[c], row->shift[c]);
            row->out[x * row->out_step + c] = tc_clamp(sum + row->zero_point, -128, 127);
        }
    }
}

#endif

/* Output pixels of a row from x on, `count` of them, whose windows fit the planes. */
static void tc_depthwise_any_pixels(const tc_depthwise_any_mve_t *op, const int8_t *const *rows, unsigned x,
                                    unsigned count, int8_t *to, int8_t *scratch)
{
    const size_t vectors = (tc_depthwise_mve_words(op) + 3u) / 4;
    uint32_t *const offsets = (uint32_t *)(void *)(scratch + 32);
    int8_t *const planes = (int8_t *)(offsets + 4 * vectors);
    const int32_t left = (int32_t)x * op->stride_width - op->padding_left;
    for (size_t c = 0; c < op->channels; c += op->block) {
        const size_t channels = ((size_t)op->channels - c < op->block) ? op->channels - c : op->block;
        tc_depthwise_mve_planes(op, rows, left, c, channels, scratch, scratch + 16, planes);
        for (size_t word = 0; word < 4 * vectors; word++) {
            offsets[word] = op->words[word] * (uint32_t)channels * 4;
        }
        tc_depthwise_any_row_t row = {
            planes,
            offsets,
            vectors,
            op->stride_width * channels * 4,
            op->channels,
            count,
            (int32_t)channels,
            tc_weights_read(op->weights, 16 * vectors * c, 16 * vectors * ((channels + 3) / 4 * 4),
                            planes + tc_depthwise_mve_room(op)),
            op->bias + c,
            op->multiplier + c,
            op->shift + c,
            op->output_zero_point,
            to + c,
        };
        tc_depthwise_any_channels(&row);
    }
}

/* Output rows [first, last). Scratch: zeros and zero points, 16 bytes each; an offset per word; the planes; 64 bytes; a
 * line, if rows lie across; a block of weights. */
static void tc_depthwise_any_mve(const tc_depthwise_any_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    const unsigned most = tc_depthwise_mve_most(op);
    tc_mve_fill(scratch, 0, 16);
    tc_mve_fill(scratch + 16, op->input_zero_point, 16);
    for (uint16_t y = first; y < last; y++) {
        const int8_t *rows[TC_ROWS_TALLEST];
        int8_t *const to = tc_output_row(out, y);
        tc_rows_mve_find(in, (int32_t)y * op->stride_height - op->padding_top, op->dilation_height, op->input_height,
                         op->kernel_height, rows);
        for (unsigned x = 0; x < op->output_width; x += most) {
            const unsigned rest = op->output_width - x;
            tc_depthwise_any_pixels(op, rows, x, (rest < most) ? rest : most, to + (size_t)x * op->channels, scratch);
        }
        if ((op->activation_min != -128) || (op->activation_max != 127)) {
            tc_mve_clamp(to, op->activation_min, op->activation_max, (size_t)op->output_width * op->channels);
        }
    }
}

#endif
