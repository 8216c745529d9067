/* Products of four pixels (or one of them) with pairs of output channels, for convolutions on Armv7E-M.
 *
 * Four weights w0..w3 of a channel are a word R whose halves are 256 w1 + w0 and 256 w3 + w2. Four activations x0..x3
 * are expanded into two words: A = (x1, x3) and B = (256 x0 + 127 - x1, 256 x2 + 127 - x3), each half an int16. Then
 *     R * A + sxtb16(R) * B = 256 (w0 x0 + w1 x1 + w2 x2 + w3 x3) + 127 (w0 + w2)
 * so two SMLAD and a quarter of an SXTB16 are all that four products take, and weights are used as they lie in flash.
 * Build time has checked that no true sum leaves 24 bits.
 *
 * Weights lie pair by pair of channels, in each group by group of four: a word of the first channel, one of the second.
 * Expanded pixels lie group by group: A of each pixel, then B of each pixel.
 *
 * Sums start at 256 * bias - 127 * (w0 + w2 of all groups) + e, where 0 <= e < 128 is chosen such that the low seven
 * bits are the channel's right shift minus one: requantization begins with a shift by seven, which drops e. */
#ifndef TINYCOMP_GEMM_H
#define TINYCOMP_GEMM_H

#include "dsp.h"
#include "tinycomp.h"

typedef struct {
    size_t groups;           /* of four weights each */
    int32_t rounding;        /* 2 * the output's zero point + 1 */
    const int32_t *channels; /* start and multiplier of each */
} tc_gemm_t;

/* The int8 value of a sum: rounds twice, adds the zero point, saturates. The sum's sign may stand for the rounded
 * product's: they differ only where that is 0, and then it does not matter. */
static inline int8_t tc_gemm_requantize(const tc_gemm_t *gemm, const int32_t *channel, uint32_t sum)
{
    const int shift = channel[0] & 127;
    const int32_t rounding = (int32_t)((uint32_t)gemm->rounding << shift);
    const int32_t high = tc_smmlar((int32_t)sum >> 7, channel[1], rounding) + ((int32_t)sum >> 31);
    return (int8_t)tc_halve_to_int8(high >> shift);
}

/* Expands `bytes` bytes, a multiple of four, of one pixel of four. Returns where the next group goes. */
static inline uint32_t *tc_gemm_expand(const int8_t *from, size_t bytes, uint32_t *to)
{
    const int8_t *const end = from + bytes;
    while (from != end) {
        const uint32_t x = tc_load_word(from);
        from += 4;
        to[0] = tc_sxtb16_odd(x);
        to[4] = tc_rev16(x ^ 0x7F007F00u);
        to += 8;
    }
    return to;
}

#if TC_DSP && defined(__OPTIMIZE__)

/* One group of one pixel: 40 bytes. */
#define TC_GEMM_SINGLE                                                    \
    "ldr %[v], [%[w]], #4\n\tldr %[u], [%[w]], #4\n\t"                    \
    "ldr %[a], [%[x]], #16\n\tldr %[b], [%[x]], #16\n\t"                  \
    "smlad %[s], %[v], %[a], %[s]\n\tsmlad %[t], %[u], %[a], %[t]\n\t"    \
    "sxtb16 %[v], %[v]\n\tsxtb16 %[u], %[u]\n\t"                          \
    "smlad %[s], %[v], %[b], %[s]\n\tsmlad %[t], %[u], %[b], %[t]\n\t"

/* All channels, an even number, of one pixel of four. */
static __attribute__((noinline)) void tc_gemm_one(const tc_gemm_t *gemm, unsigned channels, const uint32_t *pixel,
                                                  const int8_t *weights, int8_t *out)
{
    const uint32_t *const last = pixel + 8 * gemm->groups;
    const uint32_t *const fours = pixel + 8 * (gemm->groups & ~(size_t)3);
    const int32_t *channel = gemm->channels;
    for (int8_t *const end = out + channels; out != end; channel += 4) {
        uint32_t s = (uint32_t)channel[0], t = (uint32_t)channel[2];
        const uint32_t *x = pixel;
        uint32_t v, u, a, b;
        __asm__ volatile("b 2f\n"
                         "1:\n\t" TC_GEMM_SINGLE TC_GEMM_SINGLE TC_GEMM_SINGLE TC_GEMM_SINGLE
                         "2:\n\tcmp %[x], %[fours]\n\tbne 1b\n\tb 4f\n"
                         "3:\n\t" TC_GEMM_SINGLE
                         "4:\n\tcmp %[x], %[last]\n\tbne 3b\n\t"
                         : [s] "+r"(s), [t] "+r"(t), [x] "+r"(x), [w] "+r"(weights), [v] "=&r"(v), [u] "=&r"(u),
                           [a] "=&r"(a), [b] "=&r"(b)
                         : [fours] "r"(fours), [last] "r"(last)
                         : "cc", "memory");
        *out++ = tc_gemm_requantize(gemm, channel, s);
        *out++ = tc_gemm_requantize(gemm, channel + 2, t);
    }
}

/* r0-r3 and r4-r7 are the sums of four pixels for each of two channels, r8 the weights, r9 the pixels. 112 bytes. */
#define TC_GEMM_GROUP                                                     \
    "ldr r10, [r8], #4\n\tldr r11, [r8], #4\n\t"                          \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                           \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t"                \
    "smlad r1, r10, lr, r1\n\tsmlad r5, r11, lr, r5\n\t"                  \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                           \
    "smlad r2, r10, r12, r2\n\tsmlad r6, r11, r12, r6\n\t"                \
    "smlad r3, r10, lr, r3\n\tsmlad r7, r11, lr, r7\n\t"                  \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                           \
    "sxtb16 r10, r10\n\tsxtb16 r11, r11\n\t"                              \
    "smlad r0, r10, r12, r0\n\tsmlad r4, r11, r12, r4\n\t"                \
    "smlad r1, r10, lr, r1\n\tsmlad r5, r11, lr, r5\n\t"                  \
    "ldr r12, [r9], #4\n\tldr lr, [r9], #4\n\t"                           \
    "smlad r2, r10, r12, r2\n\tsmlad r6, r11, r12, r6\n\t"                \
    "smlad r3, r10, lr, r3\n\tsmlad r7, r11, lr, r7\n\t"

/* tc_gemm_requantize in place, after r10 = what the channel starts at, r11 = the layer's rounding. */
#define TC_GEMM_CHANNEL "and r10, r10, #127\n\tlsl r11, r11, r10\n\t"
#define TC_GEMM_REQUANTIZE(sum)                                           \
    "asr lr, " sum ", #7\n\tsmmlar lr, lr, r12, r11\n\t"                  \
    "add lr, lr, " sum ", asr #31\n\tasr lr, lr, r10\n\t"                 \
    "ssat " sum ", #8, lr, asr #1\n\t"

/* As tc_gemm_one, for four pixels. The inner loop takes all registers, so everything else is read from memory, which
 * is what volatile is for. Its first round jumps over what four groups have more than the last ones. */
static __attribute__((noinline)) void tc_gemm_four(const tc_gemm_t *gemm, unsigned channels,
                                                   const uint32_t *pixels, const int8_t *weights, int8_t *const *outs)
{
    const int8_t *volatile const from = weights;
    const uint32_t *volatile const first = pixels;
    const uint32_t *volatile const last = pixels + 8 * gemm->groups;
    const int32_t *volatile channel = gemm->channels;
    const int32_t *volatile const channels_end = gemm->channels + 2 * (size_t)channels;
    const int32_t volatile rounding = gemm->rounding;
    int8_t *volatile const out0 = outs[0];
    int8_t *volatile const out1 = outs[1];
    int8_t *volatile const out2 = outs[2];
    int8_t *volatile const out3 = outs[3];
    unsigned volatile done = 0;
    unsigned volatile entry = (0u - (unsigned)gemm->groups) % 4u * 112u;
    __asm__ volatile("adr r12, 2f\n\tldr r11, %[entry]\n\tadd r12, r12, r11\n\t"
                     "orr r12, r12, #1\n\tstr r12, %[entry]\n\t" /* Thumb */
                     "ldr r8, %[from]\n"
                     "1:\n\t" /* a pair of channels */
                     "ldr r10, %[channel]\n\tldr r11, %[entry]\n\t"
                     "ldr r0, [r10]\n\tldr r4, [r10, #8]\n\tldr r9, %[first]\n\t"
                     "mov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\t"
                     "mov r5, r4\n\tmov r6, r4\n\tmov r7, r4\n\t"
                     "bx r11\n\t"
                     ".balign 4\n"
                     "2:\n\t" TC_GEMM_GROUP TC_GEMM_GROUP TC_GEMM_GROUP TC_GEMM_GROUP
                     "ldr r12, %[last]\n\tcmp r9, r12\n\tbne 2b\n\t"
                     "ldr r9, %[channel]\n\tldr r11, %[rounding]\n\t"
                     "ldr r10, [r9]\n\tldr r12, [r9, #4]\n\t" TC_GEMM_CHANNEL TC_GEMM_REQUANTIZE("r0")
                         TC_GEMM_REQUANTIZE("r1") TC_GEMM_REQUANTIZE("r2") TC_GEMM_REQUANTIZE("r3")
                     "ldr r11, %[rounding]\n\t"
                     "ldr r10, [r9, #8]\n\tldr r12, [r9, #12]\n\t" TC_GEMM_CHANNEL TC_GEMM_REQUANTIZE("r4")
                         TC_GEMM_REQUANTIZE("r5") TC_GEMM_REQUANTIZE("r6") TC_GEMM_REQUANTIZE("r7")
                     "add r9, r9, #16\n\tstr r9, %[channel]\n\t"
                     "ldr r9, %[done]\n\t"
                     "ldr r10, %[out0]\n\tldr r11, %[out1]\n\tldr r12, %[out2]\n\tldr lr, %[out3]\n\t"
                     "strb r0, [r10, r9]\n\tstrb r1, [r11, r9]\n\tstrb r2, [r12, r9]\n\tstrb r3, [lr, r9]\n\t"
                     "add r9, r9, #1\n\t"
                     "strb r4, [r10, r9]\n\tstrb r5, [r11, r9]\n\tstrb r6, [r12, r9]\n\tstrb r7, [lr, r9]\n\t"
                     "add r9, r9, #1\n\tstr r9, %[done]\n\t"
                     "ldr r10, %[channel]\n\tldr r11, %[channels_end]\n\tcmp r10, r11\n\tbne 1b\n\t"
                     : [channel] "+m"(channel), [done] "+m"(done), [entry] "+m"(entry)
                     : [from] "m"(from), [first] "m"(first), [last] "m"(last), [channels_end] "m"(channels_end),
                       [rounding] "m"(rounding), [out0] "m"(out0), [out1] "m"(out1), [out2] "m"(out2),
                       [out3] "m"(out3)
                     : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
                       "memory");
}

#else

static void tc_gemm_one(const tc_gemm_t *gemm, unsigned channels, const uint32_t *pixel, const int8_t *weights,
                        int8_t *out)
{
    for (unsigned c = 0; c < channels; c++) {
        const int32_t *const channel = gemm->channels + 2 * (size_t)c;
        const int8_t *const of_channel = weights + 8 * gemm->groups * (c / 2) + 4 * (c % 2);
        uint32_t sum = (uint32_t)channel[0];
        for (size_t g = 0; g < gemm->groups; g++) {
            const uint32_t w = tc_load_word(of_channel + 8 * g);
            sum = tc_smlad(tc_sxtb16(w), pixel[8 * g + 4], tc_smlad(w, pixel[8 * g], sum));
        }
        out[c] = tc_gemm_requantize(gemm, channel, sum);
    }
}

static void tc_gemm_four(const tc_gemm_t *gemm, unsigned channels, const uint32_t *pixels, const int8_t *weights,
                         int8_t *const *outs)
{
    for (unsigned p = 0; p < 4; p++) {
        tc_gemm_one(gemm, channels, pixels + p, weights, outs[p]);
    }
}

#endif

#endif
