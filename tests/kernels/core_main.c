/* Runs each case on all samples: all rows in one call, then row by row with no more input rows at hand than each row
 * needs. Prints what differs from the expected bytes, and what was written outside of a buffer. */
#include <stdint.h>
#include <string.h>
#ifdef __unix__
#include <stdlib.h>
#endif

#include "port.h"
#include "tinycomp.h"

#define MOST_INPUTS 3

typedef struct {
    uint16_t height;
    size_t stride;
    const int8_t *values; /* of all samples */
} tensor_t;

typedef struct {
    const char *name;
    void (*call)(const tc_input_t *in, const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch);
    unsigned inputs, samples;
    size_t scratch;
    tensor_t tensors[MOST_INPUTS + 1]; /* inputs, the output */
    int in_place;                      /* the output may lie on the first input */
    int reduces;                       /* the kernel counts the input's rows, and sums them up in scratch */
    int keeps;                         /* each row continues with the scratch of the one before */
    unsigned aligned;                  /* bytes of a value: tensors begin at a multiple of it */
    const uint16_t *needed;            /* of each input, for each output row: the rows [low, high) that it reads */
} case_t;

#include "cases.h"

#define MARK 0x5A
#define GUARD 16u
#define SCRATCH_OFFSET 4u /* aligned as an arena's scratch may be: for words of 32 bits, and for nothing larger */

/* A block of memory, `offset` bytes behind a word's boundary. On a computer it is exactly as large as declared, so that
 * a sanitizer sees what passes its end; on a board it lies between guards. */
typedef struct {
    int8_t *start;
    size_t size;
#ifdef __unix__
    void *memory;
#else
    uint32_t memory[(MOST_BYTES > MOST_SCRATCH ? MOST_BYTES : MOST_SCRATCH) / 4 + 2 * GUARD];
#endif
} block_t;

static void allocate(block_t *block, size_t size, size_t offset)
{
    block->size = size;
#ifdef __unix__
    block->memory = malloc(offset + size);
    block->start = (int8_t *)block->memory + offset;
#else
    memset(block->memory, MARK, sizeof block->memory);
    block->start = (int8_t *)block->memory + GUARD + offset;
#endif
    memset(block->start, MARK, size);
}

static int release(block_t *block)
{
#ifdef __unix__
    free(block->memory);
    return 1;
#else
    int whole = 1;
    for (const int8_t *p = (const int8_t *)block->memory;
         p != (const int8_t *)(block->memory + 1) - 4 + sizeof block->memory; p++) {
        whole &= (p >= block->start && p < block->start + block->size) || *p == MARK;
    }
    return whole;
#endif
}

static void put(const char *text)
{
    while (*text != '\0') {
        tc_port_write(*text++);
    }
}

static void put_number(long number)
{
    char digits[12];
    char *end = digits + sizeof digits - 1;
    unsigned long rest = number < 0 ? (unsigned long)-number : (unsigned long)number;
    *end = '\0';
    do {
        *--end = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    put(number < 0 ? "-" : "");
    put(end);
}

static void complain(const case_t *c, const char *what, long at, long expected, long found)
{
    put(c->name);
    put(what);
    put_number(at);
    put(": ");
    put_number(expected);
    put(", not ");
    put_number(found);
    put("\n");
}

static void compare(const case_t *c, const char *how, const int8_t *expected, const int8_t *found, size_t from,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (expected[i] != found[i]) {
            complain(c, how, (long)(from + i), expected[i], found[i]);
            return;
        }
    }
}

static block_t inputs[MOST_INPUTS], output, scratch;

/* All rows at once, with the output in a separate buffer or in place of the first input. */
static void run_whole(const case_t *c, unsigned sample, size_t offset, int in_place)
{
    const tensor_t *const to = &c->tensors[MOST_INPUTS];
    tc_input_t in[MOST_INPUTS];
    int whole = 1;
    for (unsigned i = 0; i < c->inputs; i++) {
        const tensor_t *const t = &c->tensors[i];
        allocate(&inputs[i], t->height * t->stride, offset);
        memcpy(inputs[i].start, t->values + sample * inputs[i].size, inputs[i].size);
        in[i].base = inputs[i].start;
        in[i].stride = t->stride;
#if !TC_NO_RINGS
        in[i].ring = t->height;
#endif
    }
    allocate(&output, to->height * to->stride, (offset + c->aligned) % 4);
    allocate(&scratch, c->scratch, SCRATCH_OFFSET);
    int8_t *const base = in_place ? inputs[0].start : output.start;
#if TC_NO_RINGS
    const tc_output_t out = {base, to->stride};
#else
    const tc_output_t out = {base, to->stride, to->height};
#endif
    c->call(in, &out, 0, c->reduces ? c->tensors[0].height : to->height, scratch.start);
    compare(c, in_place ? ", in place, byte " : ", all rows, byte ", to->values + sample * output.size, out.base, 0,
            output.size);
    for (unsigned i = 0; i < c->inputs; i++) {
        whole &= release(&inputs[i]);
    }
    whole &= release(&output) & release(&scratch);
    if (!whole) {
        complain(c, ", all rows, wrote outside of a buffer, sample ", (long)sample, 0, 0);
    }
}

#if !TC_NO_RINGS

/* Rings that hold as many rows as one output row needs, and two output rows. */
static void run_rows(const case_t *c, unsigned sample, size_t offset)
{
    const tensor_t *const to = &c->tensors[MOST_INPUTS];
    const uint16_t slots = to->height < 2 ? to->height : 2;
    tc_input_t in[MOST_INPUTS];
    int whole = 1;
    for (unsigned i = 0; i < c->inputs; i++) {
        const uint16_t *needed = c->needed + 2u * i * to->height;
        uint16_t most = 1;
        for (unsigned y = 0; y < to->height; y++) {
            const uint16_t count = (uint16_t)(needed[2 * y + 1] - needed[2 * y]);
            most = count > most ? count : most;
        }
        allocate(&inputs[i], most * c->tensors[i].stride, offset);
        in[i].base = inputs[i].start;
        in[i].stride = c->tensors[i].stride;
        in[i].ring = most;
    }
    allocate(&output, slots * to->stride, (offset + 3 * c->aligned) % 4);
    for (uint16_t y = 0; y < to->height; y++) {
        const tc_output_t out = {output.start, to->stride, slots};
        for (unsigned i = 0; i < c->inputs; i++) {
            const uint16_t *const needed = c->needed + 2u * (i * to->height + y);
            const tensor_t *const t = &c->tensors[i];
            memset(inputs[i].start, MARK, inputs[i].size);
            for (uint16_t row = needed[0]; row < needed[1]; row++) {
                memcpy(inputs[i].start + row % in[i].ring * t->stride,
                       t->values + (sample * t->height + row) * t->stride, t->stride);
            }
        }
        if (y == 0 || !c->keeps) {
            allocate(&scratch, c->scratch, SCRATCH_OFFSET);
        }
        c->call(in, &out, y, (uint16_t)(y + 1), scratch.start);
        if (y + 1 == to->height || !c->keeps) {
            whole &= release(&scratch);
        }
        compare(c, ", row by row, byte ", to->values + (sample * to->height + y) * to->stride,
                output.start + y % slots * to->stride, y * to->stride, to->stride);
    }
    for (unsigned i = 0; i < c->inputs; i++) {
        whole &= release(&inputs[i]);
    }
    whole &= release(&output);
    if (!whole) {
        complain(c, ", row by row, wrote outside of a buffer, sample ", (long)sample, 0, 0);
    }
}

/* One input row after the other, in a ring of one. */
static void run_reduction(const case_t *c, unsigned sample, size_t offset)
{
    const tensor_t *const from = &c->tensors[0], *const to = &c->tensors[MOST_INPUTS];
    allocate(&inputs[0], from->stride, offset);
    allocate(&output, to->height * to->stride, (offset + 3 * c->aligned) % 4);
    allocate(&scratch, c->scratch, SCRATCH_OFFSET);
    const tc_input_t in[] = {{inputs[0].start, from->stride, 1}};
    const tc_output_t out = {output.start, to->stride, to->height};
    for (uint16_t y = 0; y < from->height; y++) {
        memcpy(inputs[0].start, from->values + (sample * from->height + y) * from->stride, from->stride);
        c->call(in, &out, y, (uint16_t)(y + 1), scratch.start);
    }
    compare(c, ", row by row, byte ", to->values + sample * output.size, output.start, 0, output.size);
    if (!(release(&inputs[0]) & release(&output) & release(&scratch))) {
        complain(c, ", row by row, wrote outside of a buffer, sample ", (long)sample, 0, 0);
    }
}

#endif

int main(void)
{
    tc_port_init();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t step = cases[i]->aligned;
        for (size_t sample = 0; sample < cases[i]->samples; sample++) {
            run_whole(cases[i], (unsigned)sample, (i + sample) * step % 4, 0);
            if (cases[i]->in_place) {
                run_whole(cases[i], (unsigned)sample, (i + sample + 1) * step % 4, 1);
            }
#if !TC_NO_RINGS
            (cases[i]->reduces ? run_reduction : run_rows)(cases[i], (unsigned)sample, (i + sample + 2) * step % 4);
#endif
        }
    }
    put("end\n");
    while (tc_port_read() >= 0) {
    }
    return 0;
}
