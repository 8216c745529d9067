/* DEPTHWISE_CONV_2D on Armv8.1-M with MVE, for windows of at most sixteen taps: all products of an output in one
 * instruction.
 *
 * A window's column is a word of each plane (depthwise_planes_mve.h); a vector of up to four such words is multiplied
 * with the channel's weights, stored in the same order. */
#ifndef TINYCOMP_DEPTHWISE_MVE_H
#define TINYCOMP_DEPTHWISE_MVE_H

#include "depthwise_planes_mve.h"

/* 1: planes have room for the windows of whole rows. */
#ifndef TC_DEPTHWISE_ENTIRE
#define TC_DEPTHWISE_ENTIRE 0
#endif

#define TC_DEPTHWISE_WORDS 4u /* maximum per window */
#define TC_DEPTHWISE_GROUP 4u /* channels computed together */

/* A block of channels in an output row, for the assembly, which counts down the channels. */
typedef struct {
    const int8_t *words[TC_DEPTHWISE_WORDS]; /* of the first window */
    size_t step;                             /* bytes from one window to the next */
    int32_t zero_point;
    size_t out_step, count;      /* between pixels */
    size_t words_back, out_back; /* from the end of the last pixel to the next channels of the first */
    size_t channels;
    size_t taps; /* per window, in whole words */
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int8_t *out;
} tc_depthwise_mve_block_t;

typedef void (*tc_depthwise_mve_function_t)(tc_depthwise_mve_block_t *block);

#if TC_MVE

/* The assembly relies on these member offsets. */
typedef char tc_assert_block_offsets[offsetof(tc_depthwise_mve_block_t, out) == 64 ? 1 : -1];

#define TC_DEPTHWISE_WEIGHTS(vector) "vpst\n\tvldrbt.8 " vector ", [r1]\n\tadd r1, r1, r2\n\t"

/* Defines `name`, of type tc_depthwise_mve_function_t. Rounds twice; TC_DEPTHWISE_AWAY is left out if negative values
 * saturate anyway. */
/* clang-format off */
#define TC_DEPTHWISE_FUNCTION(name, away)                                                                            \
    static __attribute__((noinline)) void name(tc_depthwise_mve_block_t *block)                                      \
    {                                                                                                                \
        register tc_depthwise_mve_block_t *r0 __asm__("r0") = block;                                                 \
        __asm__ volatile(                                                                                            \
            TC_ASM_STACK(#name, "36") TC_THUMB_SAVE                                                                  \
            "mov r12, r0\n\tvldrw.32 q3, [r12]\n\tldrd r8, r9, [r12, #16]\n\tldr r10, [r12, #24]\n\t"             \
            "ldrd r1, r7, [r12, #48]\n\tldrd r11, r5, [r12, #56]\n\tldr r3, [r12, #64]\n"                            \
            "1:\n\t"                                                                                                 \
            "ldr r2, [r12, #44]\n\tvctp.8 r2\n\t"                                                                    \
            TC_DEPTHWISE_WEIGHTS("q4") TC_DEPTHWISE_WEIGHTS("q5") TC_DEPTHWISE_WEIGHTS("q6") TC_DEPTHWISE_WEIGHTS("q7") \
            "ldr r0, [r12, #40]\n\tvldrw.32 q1, [r11], #16\n\tvctp.32 r0\n\tldr lr, [r12, #28]\n\tdls lr, lr\n"      \
            "2:\n\t"                                                                                                 \
            "vldrw.u32 q0, [q3]\n\tvmladav.s8 r0, q0, q4\n\tvldrw.u32 q0, [q3, #4]\n\tvmladav.s8 r2, q0, q5\n\t"     \
            "vldrw.u32 q0, [q3, #8]\n\tvmladav.s8 r4, q0, q6\n\tvldrw.u32 q0, [q3, #12]\n\tvmladav.s8 r6, q0, q7\n\t" \
            "vldrw.32 q2, [r7]\n\tvadd.i32 q3, q3, r8\n\tvmov q0[2], q0[0], r0, r4\n\tvmov q0[3], q0[1], r2, r6\n\t" \
            "vadd.i32 q0, q0, q2\n\tvqrdmulh.s32 q0, q0, q1\n\t" away "vldrb.s32 q2, [r5]\n\tvrshl.s32 q0, q0, q2\n\t" \
            "vadd.i32 q0, q0, r9\n\tvqmovnb.s32 q0, q0\n\tvqmovnb.s16 q0, q0\n\tvpst\n\tvstrbt.32 q0, [r3]\n\t"      \
            "add r3, r3, r10\n\tle lr, 2b\n\t"                                                                       \
            "ldrd r0, r2, [r12, #32]\n\tadd r7, r7, #16\n\tadd r5, r5, #4\n\tsub r3, r3, r2\n\tvsub.i32 q3, q3, r0\n\t" \
            "ldr r0, [r12, #40]\n\tsubs r0, r0, #4\n\tstr r0, [r12, #40]\n\tbgt 1b\n\t"                              \
            TC_THUMB_RESTORE                                                                                         \
            : "+r"(r0)                                                                                               \
            :                                                                                                        \
            : "r1", "r2", "r3", "r12", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", TC_MVE_P0 "cc", "memory");    \
    }
/* clang-format on */
#define TC_DEPTHWISE_RECTIFIED(name) TC_DEPTHWISE_FUNCTION(name, "")
#define TC_DEPTHWISE_SIGNED(name) TC_DEPTHWISE_FUNCTION(name, TC_DEPTHWISE_AWAY)

#else

static inline void tc_depthwise_mve_portable(tc_depthwise_mve_block_t *block)
{
    for (size_t c = 0; c < block->channels; c++) {
        const int8_t *const weights = block->weights + c * block->taps;
        for (size_t x = 0; x < block->count; x++) {
            int32_t sum = block->bias[c];
            for (size_t tap = 0; tap < block->taps; tap++) {
                sum += block->words[tap / 4][x * block->step + 4 * c + tap % 4] * weights[tap];
            }
            sum = tc_requantize(sum, block->multiplier[c], block->shift[c]);
            block->out[x * block->out_step + c] = tc_clamp(sum + block->zero_point, -128, 127);
        }
    }
}

#define TC_DEPTHWISE_RECTIFIED(name)                  \
    static void name(tc_depthwise_mve_block_t *block) \
    {                                                 \
        tc_depthwise_mve_portable(block);             \
    }
#define TC_DEPTHWISE_SIGNED(name) TC_DEPTHWISE_RECTIFIED(name)

#endif

/* Output pixels of a row from x on, `count` of them, whose windows fit the planes. Scratch: zeros and zero points, 16
 * bytes each; the planes; 64 bytes; a line, if rows lie across; a block of weights. */
static void tc_depthwise_mve_pixels(const tc_depthwise_mve_t *op, const int8_t *const *rows, unsigned x, unsigned count,
                                    int8_t *to, int8_t *scratch, tc_depthwise_mve_function_t function)
{
    const size_t taps = 4u * tc_depthwise_mve_words(op);
    const int32_t left = (int32_t)x * op->stride_width - op->padding_left;
    int8_t *const planes = scratch + 32;
    tc_depthwise_mve_block_t block;
    block.zero_point = op->output_zero_point;
    block.out_step = op->channels;
    block.count = count;
    block.out_back = block.count * block.out_step - TC_DEPTHWISE_GROUP;
    block.taps = taps;
    for (size_t c = 0; c < op->channels; c += op->block) {
        const size_t channels = (size_t)op->channels - c < op->block ? op->channels - c : op->block;
        const size_t whole = (channels + 3) / 4 * 4;
        tc_depthwise_mve_planes(op, rows, left, c, channels, scratch, scratch + 16, planes);
        for (unsigned word = 0; word < TC_DEPTHWISE_WORDS; word++) {
            block.words[word] = planes + op->words[word] * channels * 4;
        }
        block.step = op->stride_width * channels * 4;
        block.words_back = block.count * block.step - 4 * TC_DEPTHWISE_GROUP;
        block.channels = channels;
        block.weights = tc_weights_read(op->weights, taps * c, taps * whole, planes + tc_depthwise_mve_room(op));
        block.bias = op->bias + c;
        block.multiplier = op->multiplier + c;
        block.shift = op->shift + c;
        block.out = to + c;
        function(&block);
    }
}

/* Output rows [first, last). Scratch: see the pixels'. */
static void tc_depthwise_mve(const tc_depthwise_mve_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch, tc_depthwise_mve_function_t function)
{
    const unsigned most = TC_DEPTHWISE_ENTIRE ? op->output_width : tc_depthwise_mve_most(op);
    tc_mve_fill(scratch, 0, 16);
    tc_mve_fill(scratch + 16, op->input_zero_point, 16);
    for (uint16_t y = first; y < last; y++) {
        const int8_t *rows[TC_ROWS_TALLEST];
        int8_t *const to = tc_output_row(out, y);
        tc_rows_mve_find(in, (int32_t)y * op->stride_height - op->padding_top, op->dilation_height, op->input_height,
                         op->kernel_height, rows);
#if TC_DEPTHWISE_ENTIRE
        tc_depthwise_mve_pixels(op, rows, 0, most, to, scratch, function);
#else
        for (unsigned x = 0; x < op->output_width; x += most) {
            const unsigned rest = op->output_width - x;
            tc_depthwise_mve_pixels(op, rows, x, (rest < most) ? rest : most, to + (size_t)x * op->channels, scratch,
                                    function);
        }
#endif
        if (op->activation_min != -128 || op->activation_max != 127) {
            tc_mve_clamp(to, op->activation_min, op->activation_max, (size_t)op->output_width * op->channels);
        }
    }
}

#endif
