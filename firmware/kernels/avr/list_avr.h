/* A window as a list of its activations other than -128: pairs of the number of weights to skip, and the activation
 * plus 128. The list is preceded by three bytes: 128 times the sum of the activations. */
#ifndef TINYCOMP_LIST_AVR_H
#define TINYCOMP_LIST_AVR_H

#include "convolution_avr.h"
#include "output_avr.h"
#include "span_avr.h"
#include "tinycomp.h"

typedef struct {
    uint8_t *end;
    uint32_t sum; /* of the activations plus 128, 24 bits */
    uint8_t gap;  /* weights to skip before the next pair */
} tc_avr_list_t;

#define TC_AVR_MOST_LEFT_OUT 252
#define TC_AVR_FRONT 3 /* bytes before a list */

/* Adds `count` >= 1 activations, `step` bytes apart. */
TC_AVR_CALLED static void tc_avr_list_add(tc_avr_list_t *list, const int8_t *x, uint8_t step, size_t count)
{
    uint8_t *to = list->end;
    uint32_t sum = list->sum;
    uint8_t gap = list->gap;
#if defined(__AVR__)
    /* clang-format off */
    __asm__ __volatile__(
        "1:\n\t"
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
        "cpi %[gap], %[most]\n\t"
        "breq 2b\n\t"
        "subi %[gap], -4\n\t"
        "sbiw %[count], 1\n\t"
        "brne 1b\n"
        "4:\n\t"
        : [sum] "+&r"(sum), [gap] "+&d"(gap), [count] "+&w"(count), "+&x"(x), "+&z"(to)
        : [step] "r"(step), [most] "M"(TC_AVR_MOST_LEFT_OUT)
        : "r18", "memory");
    /* clang-format on */
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

/* Writes the list of an output's window and the bytes before it; returns the number of pairs, at least one. */
TC_AVR_CALLED static size_t tc_avr_list_window(const tc_convolution_avr_t *op, const tc_input_t *in, uint16_t y,
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
    const size_t offset = (size_t)(left + columns.begin) * channels;
    size_t border = rows.begin * row_size + before; /* activations outside the input before the next one inside */
    size_t rest = op->kernel_height * row_size;
    tc_avr_list_t list;
    list.end = to + TC_AVR_FRONT;
    list.sum = 0;
    list.gap = 0;
    for (int row = rows.begin; length > 0 && row < rows.end; row++) {
        if (border > 0) {
            tc_avr_list_add(&list, &op->input_zero_point, 0, border);
        }
        tc_avr_list_add(&list, tc_input_row(in, (uint16_t)(top + row)) + offset, 1, length);
        rest -= border + length;
        border = row_size - length;
    }
    if (rest > 0) {
        tc_avr_list_add(&list, &op->input_zero_point, 0, rest);
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

#endif
