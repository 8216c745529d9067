/* FULLY_CONNECTED on Armv7E-M with weights that are zero in blocks: a vector is expanded once (gemm.h), and outputs are
 * computed one by one from the words that are kept (kept_words.h), each with four weights. Sums start at
 * 256 * bias - 127 * (w0 + w2 of all words). */
#ifndef TINYCOMP_FULLY_CONNECTED_KEPT_DSP_H
#define TINYCOMP_FULLY_CONNECTED_KEPT_DSP_H

#include "fully_connected_outputs.h"
#include "kept_words.h"

typedef tc_fully_connected_dsp_t tc_fully_connected_kept_dsp_t;

/* What follows in the weights of the outputs. */
typedef struct {
    const int8_t *words;
    const uint16_t *kept;
} tc_kept_cursor_t;

/* The number of zeros before the highest bit that is set; there is one. */
static inline unsigned tc_kept_zeros(uint32_t bits)
{
#if TC_DSP
    uint32_t count;
    __asm__("clz %0, %1" : "=r"(count) : "r"(bits));
    return count;
#else
    unsigned count = 0;
    for (; (bits & 0x80000000u) == 0; bits <<= 1) {
        count++;
    }
    return count;
#endif
}

/* Expands a vector of `size` values, filled up with zeros to groups of four, to two words each. */
static inline void tc_kept_expand(const int8_t *from, size_t size, uint32_t *to)
{
    for (; size >= 4; size -= 4, from += 4, to += 2) {
        const uint32_t four = tc_load_word(from);
        to[0] = tc_sxtb16_odd(four);
        to[1] = tc_rev16(four ^ 0x7F007F00u);
    }
    if (size != 0) {
        uint32_t four = 0;
        for (size_t i = 0; i < size; i++) {
            four |= (uint32_t)(uint8_t)from[i] << (8 * i);
        }
        to[0] = tc_sxtb16_odd(four);
        to[1] = tc_rev16(four ^ 0x7F007F00u);
    }
}

/* The next output's sum over `words` words of inputs, kept or not. */
static inline uint32_t tc_kept_sum(tc_kept_cursor_t *cursor, const uint32_t *inputs, size_t words, uint32_t sum)
{
    const int8_t *w = cursor->words;
    const uint16_t *kept = cursor->kept;
    for (const uint32_t *const end = inputs + 2 * words; inputs < end; inputs += 2 * TC_KEPT_WORDS_UNIT) {
        const uint32_t *x = inputs;
        for (uint32_t bits = (uint32_t)*kept++ << 16; bits != 0; bits <<= 1) {
            const unsigned zeros = tc_kept_zeros(bits);
            const uint32_t four = tc_load_word(w);
            x += 2 * zeros;
            bits <<= zeros;
            sum = tc_smlad(four, x[0], sum);
            sum = tc_smlad(tc_sxtb16(four), x[1], sum);
            w += 4;
            x += 2;
        }
    }
    cursor->words = w;
    cursor->kept = kept;
    return sum;
}

/* Output rows [first, last). Scratch: two words per four inputs. */
static __attribute__((noinline)) void tc_fully_connected_kept_dsp(const tc_fully_connected_kept_dsp_t *op,
                                                                  const tc_input_t *in, const tc_output_t *out,
                                                                  uint16_t first, uint16_t last, int8_t *scratch)
{
    const tc_kept_words_t *const codec = (const tc_kept_words_t *)op->weights;
    uint32_t *const inputs = (uint32_t *)(void *)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *from = tc_input_row(in, y);
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
            tc_kept_cursor_t cursor = {codec->words, codec->kept};
            tc_kept_expand(from, op->input_size, inputs);
            for (unsigned c = 0; c < op->output_size; c++) {
                const uint32_t sum = tc_kept_sum(&cursor, inputs, codec->length, (uint32_t)op->start[c]);
                tc_fully_connected_store(op, c, &sum, 1, &to[c]);
            }
            tc_fully_connected_clamp(op, to);
        }
    }
}

#endif
