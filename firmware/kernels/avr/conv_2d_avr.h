/* CONV_2D and FULLY_CONNECTED for AVR, weights as they are but with 128 added: an unsigned product takes an instruction less.
 * Each is read from program memory where it is used.
 *
 * A window serves all channels before the next one. It is written down first as a list of what counts in it: pairs of how many
 * weights to leave out, and an activation that is not -128. In front of the list are three bytes of 128 times the activations'
 * sum: what the 128 have added. */
#ifndef TINYCOMP_CONV_2D_AVR_H
#define TINYCOMP_CONV_2D_AVR_H

#include "convolution_avr.h"
#include "dense.h"
#include "output_avr.h"
#include "products_avr.h"
#include "span_avr.h"
#include "tinycomp.h"

typedef tc_convolution_avr_t tc_conv_2d_avr_t;

typedef struct {
    uint8_t *end;
    uint32_t sum; /* of the activations, 24 bits */
    uint8_t gap;  /* weights to leave out before the next pair */
} tc_avr_list_t;

#define TC_AVR_MOST_LEFT_OUT 252
#define TC_AVR_FRONT 3

/* Adds `count` >= 1 activations, `step` bytes apart. */
TC_AVR_CALLED static void tc_conv_2d_avr_add(tc_avr_list_t *list, const int8_t *x, uint8_t step, size_t count)
{
    uint8_t *to = list->end;
    uint32_t sum = list->sum;
    uint8_t gap = list->gap;
#if defined(__AVR__)
    __asm__ __volatile__("1:\n\t"
                         "ld r0, X\n\t"
                         "add r26, %[step]\n\t"
                         "adc r27, r1\n\t"
                         "ldi r18, 128\n\t"
                         "sub r0, r18\n\t"
                         "breq 3f\n"
                         "2:\n\t"
                         "st Z+, %[gap]\n\t"
                         "st Z+, r0\n\t"
                         "add %A[sum], r0\n\t"
                         "adc %B[sum], r1\n\t"
                         "adc %C[sum], r1\n\t"
                         "clr %[gap]\n\t"
                         "sbiw %[count], 1\n\t"
                         "brne 1b\n\t"
                         "rjmp 4f\n"
                         "3:\n\t"
                         "cpi %[gap], 252\n\t"
                         "breq 2b\n\t"
                         "subi %[gap], -4\n\t"
                         "sbiw %[count], 1\n\t"
                         "brne 1b\n"
                         "4:\n\t"
                         : [sum] "+r"(sum), [gap] "+d"(gap), [count] "+w"(count), "+x"(x), "+z"(to)
                         : [step] "r"(step)
                         : "r18", "memory");
#else
    for (; count > 0; count--, x += step) {
        const uint8_t activation = (uint8_t)(*x + 128);
        if (activation == 0 && gap < TC_AVR_MOST_LEFT_OUT) {
            gap = (uint8_t)(gap + TC_AVR_CHANNELS);
        } else {
            *to++ = gap;
            *to++ = activation;
            sum += activation;
            gap = 0;
        }
    }
#endif
    list->end = to;
    list->sum = sum;
    list->gap = gap;
}

/* The list of an output's window, and what lies in front of it; how many pairs, one at least. */
TC_AVR_CALLED static size_t tc_conv_2d_avr_window(const tc_conv_2d_avr_t *op, const tc_input_t *in, uint16_t y,
                                                  uint16_t x, uint8_t *to)
{
    const int top = (int)y * op->stride_height - op->padding_top;
    const int left = (int)x * op->stride_width - op->padding_left;
    const size_t channels = op->input_channels;
    const size_t row_size = op->kernel_width * channels;
    const tc_avr_span_t rows = tc_avr_span(top, (int)op->input_height, op->kernel_height);
    const tc_avr_span_t columns = tc_avr_span(left, (int)op->input_width, op->kernel_width);
    const size_t before = columns.begin * channels;
    const size_t length = (size_t)(columns.end - columns.begin) * channels;
    size_t border = rows.begin * row_size + before; /* cells beyond the input up to the next one inside */
    size_t rest = op->kernel_height * row_size;
    tc_avr_list_t list;
    list.end = to + TC_AVR_FRONT;
    list.sum = 0;
    list.gap = 0;
    for (int row = rows.begin; length > 0 && row < rows.end; row++) {
        const int8_t *const from = tc_input_row(in, (uint16_t)(top + row)) + (size_t)left * channels + before;
        if (border > 0) {
            tc_conv_2d_avr_add(&list, &op->input_zero_point, 0, border);
        }
        tc_conv_2d_avr_add(&list, from, 1, length);
        rest -= border + length;
        border = row_size - length;
    }
    if (rest > 0) {
        tc_conv_2d_avr_add(&list, &op->input_zero_point, 0, rest);
    }
    if (list.end == to + TC_AVR_FRONT) {
        *list.end++ = 0;
        *list.end++ = 0;
    }
    to[0] = (uint8_t)(list.sum << 7);
    to[1] = (uint8_t)(list.sum >> 1);
    to[2] = (uint8_t)(list.sum >> 9);
    return (size_t)(list.end - to - TC_AVR_FRONT) / 2;
}

#if defined(__AVR__)
/* clang-format off */
/* What the 128 have added, in r18, r1 and r0. */
#define TC_AVR_TAKE(low, middle, high)  \
    "sub " low ", r0\n\t"               \
    "sbc " middle ", r1\n\t"            \
    "sbc " high ", r18\n\t"
#define TC_AVR_BEGIN                \
    "ld r0, X+\n\t"                 \
    "ld r1, X+\n\t"                 \
    "ld r18, X+\n\t"                \
    TC_AVR_TAKE("r4", "r5", "r6")   \
    TC_AVR_TAKE("r7", "r8", "r9")   \
    TC_AVR_TAKE("r10", "r11", "r12")\
    TC_AVR_TAKE("r13", "r14", "r15")
#define TC_AVR_ADD_UNSIGNED(low, middle, high)  \
    "lpm r19, Z+\n\t"                           \
    "mul r19, r18\n\t"                          \
    "add " low ", r0\n\t"                       \
    "adc " middle ", r1\n\t"                    \
    "adc " high ", r2\n\t"
#define TC_AVR_PAIR                           \
    "ld r18, X+\n\t"                          \
    "add r30, r18\n\t"                        \
    "adc r31, r2\n\t"                         \
    "ld r18, X+\n\t"                          \
    TC_AVR_ADD_UNSIGNED("r4", "r5", "r6")     \
    TC_AVR_ADD_UNSIGNED("r7", "r8", "r9")     \
    TC_AVR_ADD_UNSIGNED("r10", "r11", "r12")  \
    TC_AVR_ADD_UNSIGNED("r13", "r14", "r15")
/* clang-format on */
#endif

static inline void tc_conv_2d_avr_products(uint8_t *sums, const uint8_t *starts, const uint8_t *list, size_t count,
                                           const int8_t *weights)
{
#if defined(__AVR__)
    TC_AVR_PRODUCTS(TC_AVR_BEGIN, TC_AVR_PAIR, sums, starts, list, weights, count);
#else
    memcpy(sums, starts, TC_AVR_STARTS);
    for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
        tc_avr_add(sums + 3 * c, tc_avr_read(list, TC_AVR_FRONT), -1);
    }
    for (list += TC_AVR_FRONT; count > 0; count--, list += 2) {
        weights += list[0];
        for (unsigned c = 0; c < TC_AVR_CHANNELS; c++) {
            tc_avr_add(sums + 3 * c, list[1], (uint8_t)*weights++);
        }
    }
#endif
}

/* All channels of one window. */
TC_AVR_CALLED static void tc_conv_2d_avr_cell(const tc_conv_2d_avr_t *op, const uint8_t *list, size_t count,
                                              const int8_t *weights, int8_t *to)
{
    const size_t size = tc_avr_window_size(op) * TC_AVR_CHANNELS;
    const uint8_t half = op->half, range = op->range;
    const int8_t smallest = op->smallest;
    const int16_t low = op->low;
    const uint8_t *constants = op->constants;
    uint16_t channels = op->output_channels;
    while (channels > 0) {
        uint8_t sums[TC_AVR_STARTS];
        const uint8_t left = (uint8_t)(channels < TC_AVR_CHANNELS ? channels : TC_AVR_CHANNELS);
        tc_conv_2d_avr_products(sums, constants, list, count, weights);
        tc_avr_store(sums, constants + TC_AVR_STARTS, half, low, smallest, range, left, to);
        channels = (uint16_t)(channels - left);
        constants += TC_AVR_CONSTANTS;
        weights += size;
        to += TC_AVR_CHANNELS;
    }
}

/* Output rows [first, last). Scratch: two bytes for each activation of a window, and five more. */
static void tc_conv_2d_avr(const tc_conv_2d_avr_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_avr_t, op, constants);
    TC_FETCH(tc_dense_t, weights, (const tc_dense_t *)op->weights);
    uint8_t *const list = (uint8_t *)scratch;
    for (uint16_t y = first; y < last; y++) {
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, to += op->output_channels) {
            const size_t count = tc_conv_2d_avr_window(op, in, y, x, list);
            tc_conv_2d_avr_cell(op, list, count, weights->values, to);
        }
    }
}

#endif
