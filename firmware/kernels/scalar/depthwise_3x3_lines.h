/* Common to the 3 x 3 depthwise convolutions on cores without SIMD.
 *
 * A line is the outputs of one channel in one row. Its input is processed column by column; each cell is loaded once
 * and multiplied with the three weights of its window row, for the three outputs whose windows contain it. Cells beyond
 * the left and right borders are the zero point; a row beyond the top or bottom is folded into the bias, with its
 * weights set to zero. */
#ifndef TINYCOMP_DEPTHWISE_3X3_LINES_H
#define TINYCOMP_DEPTHWISE_3X3_LINES_H

#include "factors.h"
#include "requantize.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_WEIGHTS 9

typedef struct {
    uint16_t input_height, channels;
    uint16_t block;          /* channels per block of weights */
    uint16_t inside, beyond; /* outputs of a row whose last column is inside the input; the remaining ones */
    uint8_t stride_height;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    const void *factors; /* per channel: bias * 32 + right shift + 1, multiplier */
} tc_depthwise_3x3_t;

typedef struct {
    const int8_t *row[3]; /* the channel in the first cell of each row */
    const int8_t *weights;
    const int32_t *factors;
    int8_t *out;
} tc_depthwise_line_t;

/* Computes the lines of `count` channels, of which `line` is the first; leaves `line` undefined. */
typedef void (*tc_depthwise_lines_t)(const tc_depthwise_3x3_t *op, tc_depthwise_line_t *line, unsigned count);

static inline tc_scalar_output_t tc_depthwise_output(const tc_depthwise_3x3_t *op)
{
    return tc_scalar_output(op->output_zero_point, op->activation_min, op->activation_max);
}

#if TC_SCALAR_ARMV6M
#define TC_DEPTHWISE_ASSEMBLY 1

/* State of the Armv6-M assembly; the number after each member is the offset that it relies on. */
typedef struct {
    int32_t weights[TC_DEPTHWISE_WEIGHTS]; /* 0: of the channel, like all members up to 56 */
    int32_t bias;                          /* 36 */
    int32_t multiplier[3];                 /* 40: in the three parts of tc_scalar_product, lowest first */
    int32_t rounding, shift;               /* 52, 56 */
    tc_scalar_output_t output;             /* 60: rounding; 64, 68: low, high */
    int32_t zero_point;                    /* 72: of the input */
    const int8_t *next_weights;            /* 76 */
    const int32_t *next_factors;           /* 80 */
    const int8_t *row[3];                  /* 84 */
    int8_t *out;                           /* 96 */
    size_t step;                           /* 100: from one column to the next */
    size_t channel, channels;              /* 104, 108 */
    size_t columns;                        /* 112: bytes of the columns that the outputs inside use */
    size_t padding_left, beyond;           /* 116, 120 */
    size_t beyond_rest;                    /* 124 */
} tc_depthwise_state_t;

/* columns: number of columns that the outputs inside use. */
static inline void tc_depthwise_begin(tc_depthwise_state_t *state, const tc_depthwise_3x3_t *op,
                                      const tc_depthwise_line_t *line, unsigned count, size_t columns)
{
    state->output = tc_depthwise_output(op);
    state->zero_point = op->input_zero_point;
    state->next_weights = line->weights;
    state->next_factors = line->factors;
    tc_copy(state->row, line->row, sizeof state->row);
    state->out = line->out;
    state->step = op->channels;
    state->channel = 0;
    state->channels = count;
    state->columns = columns * op->channels;
    state->padding_left = op->padding_left;
    state->beyond = op->beyond;
}

/* clang-format off */
/* r7 is the state, r5 the column's offset, r6, r8 and r9 are the rows, r11 is the step, r12 the output, lr the end
 * offset of the columns; r0 and r1 are partial sums, r2 is the complete sum, r3 an activation. */
#define TC_DEPTHWISE_CLOBBERS "r1", "r2", "r3", "r12", "lr", "cc", "memory"
#define TC_DEPTHWISE_BEGIN                                                                         \
    ".syntax unified\n\t" TC_ARMV6M_SAVE "mov r7, r0\n\tldr r6, [r7, #84]\n\tldr r0, [r7, #88]\n\tmov r8, r0\n\t" \
    "ldr r0, [r7, #92]\n\tmov r9, r0\n\tldr r0, [r7, #100]\n\tmov r11, r0\n"
#define TC_DEPTHWISE_WEIGHT(i, offset) "ldrb r2, [r1, #" i "]\n\tsxtb r2, r2\n\tstr r2, [r7, #" offset "]\n\t"
/* Loads a channel's part of the state, and the offset of its first column. */
#define TC_DEPTHWISE_CHANNEL                                                                       \
    "ldr r1, [r7, #76]\n\t"                                                                        \
    TC_DEPTHWISE_WEIGHT("0", "0") TC_DEPTHWISE_WEIGHT("1", "4") TC_DEPTHWISE_WEIGHT("2", "8")      \
    TC_DEPTHWISE_WEIGHT("3", "12") TC_DEPTHWISE_WEIGHT("4", "16") TC_DEPTHWISE_WEIGHT("5", "20")   \
    TC_DEPTHWISE_WEIGHT("6", "24") TC_DEPTHWISE_WEIGHT("7", "28") TC_DEPTHWISE_WEIGHT("8", "32")   \
    "adds r1, r1, #9\n\tstr r1, [r7, #76]\n\tldr r1, [r7, #80]\n\tldm r1!, {r2, r3}\n\tstr r1, [r7, #80]\n\t" \
    "asrs r1, r2, #5\n\tstr r1, [r7, #36]\n\tlsls r2, r2, #27\n\tlsrs r2, r2, #27\n\tstr r2, [r7, #56]\n\t" \
    "ldr r1, [r7, #60]\n\tlsls r1, r2\n\tasrs r1, r1, #1\n\tadds r1, r1, #1\n\tstr r1, [r7, #52]\n\t" \
    "lsls r1, r3, #21\n\tlsrs r1, r1, #21\n\tstr r1, [r7, #40]\n\tlsls r1, r3, #10\n\tlsrs r1, r1, #21\n\t" \
    "str r1, [r7, #44]\n\tlsrs r1, r3, #22\n\tstr r1, [r7, #48]\n\t"                               \
    "ldr r5, [r7, #104]\n\tldr r1, [r7, #112]\n\tadd r1, r1, r5\n\tmov lr, r1\n\t"                 \
    "ldr r1, [r7, #96]\n\tadd r1, r1, r5\n\tmov r12, r1\n\tldr r1, [r7, #120]\n\tstr r1, [r7, #124]\n\t" \
    "ldr r2, [r7, #116]\n\t"
#define TC_DEPTHWISE_ROW_0 "ldrsb r3, [r6, r5]\n\t"
#define TC_DEPTHWISE_ROW_1 "mov r4, r8\n\tldrsb r3, [r4, r5]\n\t"
#define TC_DEPTHWISE_ROW_2 "mov r4, r9\n\tldrsb r3, [r4, r5]\n\t"
/* to = sum + the activation times the weight at this offset. */
#define TC_DEPTHWISE_ADD(to, sum, weight) "ldr r4, [r7, #" weight "]\n\tmuls r4, r3\n\tadds " to ", " sum ", r4\n\t"
/* to = sum + the weights at three offsets times the zero point. */
#define TC_DEPTHWISE_BORDER(to, sum, a, b, c)                                                      \
    "ldr r3, [r7, #" a "]\n\tldr r4, [r7, #" b "]\n\tadds r3, r3, r4\n\tldr r4, [r7, #" c "]\n\t"   \
    "adds r3, r3, r4\n\tldr r4, [r7, #72]\n\tmuls r3, r4\n\tadds " to ", " sum ", r3\n\t"
#define TC_DEPTHWISE_BIAS(to) "ldr " to ", [r7, #36]\n\t"
#define TC_DEPTHWISE_ADVANCE "add r5, r5, r11\n\t"
/* Requantizes and stores r2. */
#define TC_DEPTHWISE_STORE                                                                         \
    "ldr r3, [r7, #40]\n\tmuls r3, r2\n\tasrs r3, r3, #11\n\tldr r4, [r7, #44]\n\tmuls r4, r2\n\t"  \
    "adds r3, r3, r4\n\tasrs r3, r3, #11\n\tldr r4, [r7, #48]\n\tmuls r4, r2\n\tadds r3, r3, r4\n\t" \
    "asrs r3, r3, #8\n\tldr r4, [r7, #52]\n\tadds r3, r3, r4\n\tcmp r2, #0\n\tbge 9f\n\tsubs r3, r3, #2\n" \
    "9:\n\tldr r4, [r7, #56]\n\tasrs r3, r4\n\tldr r4, [r7, #64]\n\tcmp r3, r4\n\tbge 9f\n\tmov r3, r4\n" \
    "9:\n\tldr r4, [r7, #68]\n\tcmp r3, r4\n\tble 9f\n\tmov r3, r4\n"                            \
    "9:\n\tmov r4, r12\n\tstrb r3, [r4]\n\tadd r12, r12, r11\n\t"
/* Next channel, at label 1. */
#define TC_DEPTHWISE_END                                                                           \
    "ldr r5, [r7, #104]\n\tadds r5, r5, #1\n\tstr r5, [r7, #104]\n\tldr r3, [r7, #108]\n\tcmp r5, r3\n\t" \
    "beq 9f\n\tb 1b\n9:\n\t" TC_ARMV6M_RESTORE
/* clang-format on */

#else
#define TC_DEPTHWISE_ASSEMBLY 0
#endif

/* The input rows of output row y from a channel on. Returns a bit mask of the rows beyond a border, which are replaced
 * by the nearest row inside. */
static unsigned tc_depthwise_rows(const tc_depthwise_3x3_t *op, const tc_input_t *in, uint16_t y, size_t channel,
                                  const int8_t **rows)
{
    const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
    unsigned beyond = 0;
    for (int k = 0; k < 3; k++) {
        int32_t row = top + k;
        if (row < 0 || row >= op->input_height) {
            row = row < 0 ? 0 : op->input_height - 1;
            beyond |= 1u << k;
        }
        rows[k] = tc_input_row(in, (uint16_t)row) + channel;
    }
    return beyond;
}

static inline void tc_depthwise_next(tc_depthwise_line_t *line)
{
    line->row[0]++;
    line->row[1]++;
    line->row[2]++;
    line->weights += TC_DEPTHWISE_WEIGHTS;
    line->factors += 2;
    line->out++;
}

/* Lines with some rows beyond a border. */
static void tc_depthwise_cut_lines(const tc_depthwise_3x3_t *op, tc_depthwise_line_t *line, unsigned count,
                                   unsigned beyond, tc_depthwise_lines_t lines)
{
    const int32_t zero_point = op->input_zero_point;
    for (; count > 0; count--) {
        int8_t weights[TC_DEPTHWISE_WEIGHTS];
        int32_t factors[2];
        TC_COPY_OF(tc_depthwise_line_t, cut, line);
        tc_copy(weights, line->weights, sizeof weights);
        tc_copy(factors, line->factors, sizeof factors);
        cut.weights = weights;
        cut.factors = factors;
        for (unsigned row = 0; row < 3; row++) {
            if ((beyond >> row & 1u) != 0) {
                int8_t *const w = weights + 3 * row;
                factors[0] += 32 * zero_point * (w[0] + w[1] + w[2]);
                tc_fill(w, 0, 3);
            }
        }
        lines(op, &cut, 1);
        tc_depthwise_next(line);
    }
}

/* Output rows [first, last). Scratch: if factors are packed, those of all channels; the weights of a block, if they are
 * decoded. */
static __attribute__((noinline)) void tc_depthwise_3x3(const tc_depthwise_3x3_t *op, const tc_input_t *in,
                                                       const tc_output_t *out, uint16_t first, uint16_t last,
                                                       int8_t *scratch, tc_depthwise_lines_t lines)
{
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, op->channels, scratch);
    int8_t *const buffer = scratch + tc_factors_room(op->packed, op->channels);
    unsigned count;
    for (size_t channel = 0; channel < op->channels; channel += count) {
        const size_t rest = op->channels - channel, size = TC_DEPTHWISE_WEIGHTS;
        const int8_t *weights;
        count = rest < op->block ? (unsigned)rest : op->block;
        weights = tc_weights_read(op->weights, channel * size, count * size, buffer);
        for (uint16_t y = first; y < last; y++) {
            tc_depthwise_line_t line;
            const unsigned beyond = tc_depthwise_rows(op, in, y, channel, line.row);
            line.weights = weights;
            line.factors = factors + 2 * channel;
            line.out = tc_output_row(out, y) + channel;
            if (beyond == 0) {
                lines(op, &line, count);
            } else {
                tc_depthwise_cut_lines(op, &line, count, beyond, lines);
            }
        }
    }
}

#endif
