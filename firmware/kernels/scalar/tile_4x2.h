/* Four pixels, expanded (products.h) and interleaved: X of four activations of each, then Z of each; 32 bytes. They meet
 * pairs of output channels, whose weights lie in turn, 8 bytes for 4 activations.
 *
 * Where runs of words end lies in flags of 16 bits, the highest first: whether the two products of the first word are
 * runs of their own, then for each word whether a run ends behind it; one does behind the last, and 0 fills what is left.
 * Flags that are 0 end the pair. */
#ifndef TINYCOMP_TILE_4X2_H
#define TINYCOMP_TILE_4X2_H

#include "products.h"

#define TC_TILE_PIXELS 4
#define TC_TILE_CHANNELS 2
#define TC_TILE_WORD (2 * TC_TILE_PIXELS) /* words of a tile for one of weights */

/* Pairs of channels, and what becomes of their sums. */
typedef struct {
    unsigned pairs;
    size_t words; /* of a window */
    const uint32_t *weights;
    const uint16_t *flags;
    const int32_t *factors; /* of each channel: what sums start at * 32 + right shift, and the multiplier */
    int32_t rounding;       /* 2 * the output's zero point + 1 */
    int32_t low, high;
} tc_tile_t;

/* int8 of a sum; rounds twice. A sum s, the multiplier m and a right shift r become
 * (floor(s m / 2^30) +- 1 + ((2 z + 1) << r)) >> (r + 1), minus where s is negative; z is the output's zero point. */
static inline int8_t tc_tile_output(const tc_tile_t *pairs, const int32_t *factor, int32_t sum)
{
    const int shift = factor[0] & 31;
    const int32_t product = tc_scalar_high_word(sum * 4, factor[1]) + 1 + ((sum >> 30) & ~1);
    return tc_clamp((product + pairs->rounding * ((int32_t)1 << shift)) >> (shift + 1), pairs->low, pairs->high);
}

#if TC_SCALAR_RV32 && defined(__OPTIMIZE__)

/* clang-format off */
/* a0-a3 and a4-a7 are the sums of a run, s2-s5 and s6-s9 those of all, each of four pixels; s10 is the tile, s11 the
 * weights, s1 what follows of the flags, t4 these, t5, ra, s0 masks, t6 the half. */
#define TC_TILE_ADD(offset, a, b) \
    "lw t0, " offset "(s10)\n\tmul t1, t0, t2\n\tadd " a ", " a ", t1\n\tmul t1, t0, t3\n\tadd " b ", " b ", t1\n\t"
#define TC_TILE_BEGIN(offset, a, b) \
    "lw t0, " offset "(s10)\n\tmul " a ", t0, t2\n\tadd " a ", " a ", t6\n\tmul " b ", t0, t3\n\tadd " b ", " b ", t6\n\t"
#define TC_TILE_ODD(w) "add " w ", " w ", ra\n\tsrli " w ", " w ", 8\n\tand " w ", " w ", t5\n\tsub " w ", " w ", s0\n\t"
#define TC_TILE_WEIGHTS "lw t2, 0(s11)\n\tlw t3, 4(s11)\n\t"
#define TC_TILE_NEXT "addi s11, s11, 8\n\taddi s10, s10, 32\n\t"
#define TC_TILE_REST                                                                                \
    TC_TILE_ODD("t2") TC_TILE_ODD("t3") TC_TILE_ADD("16", "a0", "a4") TC_TILE_ADD("20", "a1", "a5") \
    TC_TILE_ADD("24", "a2", "a6") TC_TILE_ADD("28", "a3", "a7") TC_TILE_NEXT
#define TC_TILE_FIRST                                                                     \
    TC_TILE_BEGIN("0", "a0", "a4") TC_TILE_BEGIN("4", "a1", "a5") TC_TILE_BEGIN("8", "a2", "a6") \
    TC_TILE_BEGIN("12", "a3", "a7")
#define TC_TILE_UPPER(a, s) "srai " a ", " a ", 16\n\tadd " s ", " s ", " a "\n\t"
#define TC_TILE_SPLIT                                                                                       \
    TC_TILE_UPPER("a0", "s2") TC_TILE_UPPER("a1", "s3") TC_TILE_UPPER("a2", "s4") TC_TILE_UPPER("a3", "s5") \
    TC_TILE_UPPER("a4", "s6") TC_TILE_UPPER("a5", "s7") TC_TILE_UPPER("a6", "s8") TC_TILE_UPPER("a7", "s9")
#define TC_TILE_Y(x, z, a, b)                                                        \
    "lw t0, " x "(s10)\n\tlw t1, " z "(s10)\n\tslli t0, t0, 8\n\tadd t0, t0, t1\n\t" \
    "mul " a ", t0, t2\n\tadd " a ", " a ", t6\n\tmul " b ", t0, t3\n\tadd " b ", " b ", t6\n\t"
#define TC_TILE_EVEN(w, offset) "lw t1, " offset "(s11)\n\tslli " w ", " w ", 8\n\tsub " w ", t1, " w "\n\t"
/* t1 is the factor, t2 the rounding, t3 the right shift + 1, a4 and a5 are the bounds. */
#define TC_TILE_FACTOR(offset)                                                                                \
    "lw t3, " offset "(t0)\n\tlw t1, " offset "+4(t0)\n\tlw t2, %[rounding]\n\tandi t3, t3, 31\n\t"            \
    "sll t2, t2, t3\n\taddi t2, t2, 1\n\taddi t3, t3, 1\n\t"
#define TC_TILE_STORE(s, out, c)                                                                        \
    "slli a6, " s ", 2\n\tmulh a6, a6, t1\n\tsrai " s ", " s ", 30\n\tandi " s ", " s ", -2\n\t"        \
    "add a6, a6, t2\n\tadd a6, a6, " s "\n\tsra a6, a6, t3\n\tbge a6, a4, 8f\n\tmv a6, a4\n8:\n\t"      \
    "ble a6, a5, 8f\n\tmv a6, a5\n8:\n\tsb a6, " c "(" out ")\n\t"

/* Pixels that are the same place are written in the order 3 to 0. Returns the flags behind the last pair's. */
static __attribute__((noinline)) const uint16_t *tc_tile_all(const tc_tile_t *pairs, const uint32_t *tile,
                                                             int8_t *const *outs)
{
    const uint32_t *volatile const first = tile;
    const uint32_t *volatile const weights = pairs->weights;
    const uint16_t *volatile flags = pairs->flags;
    const int32_t *volatile factors = pairs->factors;
    const int32_t *volatile const end = pairs->factors + 4 * (size_t)pairs->pairs;
    const int32_t volatile rounding = pairs->rounding, low = pairs->low, high = pairs->high;
    int8_t *volatile const out0 = outs[0];
    int8_t *volatile const out1 = outs[1];
    int8_t *volatile const out2 = outs[2];
    int8_t *volatile const out3 = outs[3];
    unsigned volatile channel = 0;
    __asm__ volatile(
        "lw s11, %[weights]\n\tlw s1, %[flags]\n\t"
        "li t5, 0x00FF00FF\n\tli ra, 0x80808080\n\tli s0, 0x00800080\n\tli t6, 0x8000\n"
        "1:\n\t" /* a pair */
        "lw t0, %[factors]\n\tlw s10, %[first]\n\tlw s2, 0(t0)\n\tlw s6, 8(t0)\n\t"
        "srai s2, s2, 5\n\tmv s3, s2\n\tmv s4, s2\n\tmv s5, s2\n\t"
        "srai s6, s6, 5\n\tmv s7, s6\n\tmv s8, s6\n\tmv s9, s6\n\t"
        "j 4f\n"
        "2:\n\t" /* a word that is not a run's first */
        "slli t4, t4, 1\n\t" TC_TILE_WEIGHTS
        TC_TILE_ADD("0", "a0", "a4") TC_TILE_ADD("4", "a1", "a5") TC_TILE_ADD("8", "a2", "a6")
        TC_TILE_ADD("12", "a3", "a7") TC_TILE_REST
        "bgez t4, 2b\n"
        "3:\n\t" TC_TILE_SPLIT
        "slli t4, t4, 1\n\tbnez t4, 5f\n"
        "4:\n\t" /* flags */
        "lhu t4, 0(s1)\n\taddi s1, s1, 2\n\tslli t4, t4, 16\n\tbeqz t4, 7f\n\tbltz t4, 6f\n\tslli t4, t4, 1\n"
        "5:\n\t" /* a run */
        TC_TILE_WEIGHTS TC_TILE_FIRST TC_TILE_REST
        "bgez t4, 2b\n\t" TC_TILE_SPLIT
        "slli t4, t4, 1\n\tbnez t4, 5b\n\tj 4b\n"
        "6:\n\t" /* a word of two runs */
        "slli t4, t4, 1\n\t" TC_TILE_WEIGHTS TC_TILE_ODD("t2") TC_TILE_ODD("t3")
        TC_TILE_Y("0", "16", "a0", "a4") TC_TILE_Y("4", "20", "a1", "a5")
        TC_TILE_Y("8", "24", "a2", "a6") TC_TILE_Y("12", "28", "a3", "a7") TC_TILE_SPLIT
        TC_TILE_EVEN("t2", "0") TC_TILE_EVEN("t3", "4") TC_TILE_FIRST TC_TILE_NEXT
        "j 3b\n"
        "7:\n\t" /* the pair's end */
        "lw t0, %[factors]\n\tlw t1, %[channel]\n\tlw a0, %[out0]\n\tlw a1, %[out1]\n\tlw a2, %[out2]\n\t"
        "lw a3, %[out3]\n\tadd a0, a0, t1\n\tadd a1, a1, t1\n\tadd a2, a2, t1\n\tadd a3, a3, t1\n\t"
        "addi t1, t1, 2\n\tsw t1, %[channel]\n\tlw a4, %[low]\n\tlw a5, %[high]\n\t"
        TC_TILE_FACTOR("0") TC_TILE_STORE("s5", "a3", "0") TC_TILE_STORE("s4", "a2", "0")
        TC_TILE_STORE("s3", "a1", "0") TC_TILE_STORE("s2", "a0", "0")
        TC_TILE_FACTOR("8") TC_TILE_STORE("s9", "a3", "1") TC_TILE_STORE("s8", "a2", "1")
        TC_TILE_STORE("s7", "a1", "1") TC_TILE_STORE("s6", "a0", "1")
        "addi t0, t0, 16\n\tsw t0, %[factors]\n\tlw t1, %[end]\n\tbne t0, t1, 1b\n\tsw s1, %[flags]\n\t"
        : [flags] "+m"(flags), [factors] "+m"(factors), [channel] "+m"(channel)
        : [first] "m"(first), [weights] "m"(weights), [end] "m"(end), [rounding] "m"(rounding), [low] "m"(low),
          [high] "m"(high), [out0] "m"(out0), [out1] "m"(out1), [out2] "m"(out2), [out3] "m"(out3)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1",
          "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    return flags;
}
/* clang-format on */

#else

#if TC_SCALAR_ARMV6M && defined(__OPTIMIZE__)

/* clang-format off */
/* r4-r7 are the sums of a run, r8-r11 those of all, each of four pixels; r2 is the tile, r3 the weights, lr the flags, r12
 * the half, r0 a word of weights. */
#define TC_TILE_ADD(offset, s) "ldr r1, [r2, #" offset "]\n\tmuls r1, r0, r1\n\tadds " s ", " s ", r1\n\t"
#define TC_TILE_BEGIN(offset, s) "ldr " s ", [r2, #" offset "]\n\tmuls " s ", r0, " s "\n\tadd " s ", r12\n\t"
#define TC_TILE_FIRST TC_TILE_BEGIN("0", "r4") TC_TILE_BEGIN("4", "r5") TC_TILE_BEGIN("8", "r6") TC_TILE_BEGIN("12", "r7")
#define TC_TILE_ODD                                                                                                \
    "ldr r1, %[carry]\n\tadds r0, r0, r1\n\tlsrs r0, r0, #8\n\tldr r1, %[bytes]\n\tands r0, r0, r1\n\t"            \
    "ldr r1, %[excess]\n\tsubs r0, r0, r1\n\t"
#define TC_TILE_REST                                                                                               \
    TC_TILE_ODD TC_TILE_ADD("16", "r4") TC_TILE_ADD("20", "r5") TC_TILE_ADD("24", "r6") TC_TILE_ADD("28", "r7")    \
    "adds r2, #32\n\tadds r3, #8\n\t"
#define TC_TILE_FLAG "mov r1, lr\n\tlsls r1, r1, #1\n\tmov lr, r1\n\t"
#define TC_TILE_SPLIT                                                                                              \
    "asrs r4, r4, #16\n\tadd r8, r4\n\tasrs r5, r5, #16\n\tadd r9, r5\n\t"                                         \
    "asrs r6, r6, #16\n\tadd r10, r6\n\tasrs r7, r7, #16\n\tadd r11, r7\n\t"
#define TC_TILE_Y(x, z, s)                                                                                         \
    "ldr r1, [r2, #" x "]\n\tlsls r1, r1, #8\n\tldr " s ", [r2, #" z "]\n\tadds " s ", " s ", r1\n\t"              \
    "muls " s ", r0, " s "\n\tadd " s ", r12\n\t"

/* Adds the products of one channel of a pair to sums of four pixels. Returns the next pair's flags. */
static __attribute__((noinline)) const uint16_t *tc_tile_channel(const uint32_t *tile, const uint32_t *weights,
                                                                 const uint16_t *flags, int32_t *sums)
{
    const uint32_t *volatile const first = tile;
    const uint32_t *volatile const words = weights;
    const uint16_t *volatile next = flags;
    int32_t *volatile const to = sums;
    const uint32_t volatile carry = 0x80808080u, bytes = 0x00FF00FFu, excess = 0x00800080u;
    uint32_t volatile odd = 0;
    __asm__ volatile(
        ".syntax unified\n\t"
        "ldr r0, %[to]\n\tldr r2, [r0]\n\tmov r8, r2\n\tldr r2, [r0, #4]\n\tmov r9, r2\n\t"
        "ldr r2, [r0, #8]\n\tmov r10, r2\n\tldr r2, [r0, #12]\n\tmov r11, r2\n\t"
        "movs r1, #128\n\tlsls r1, r1, #8\n\tmov r12, r1\n\tldr r2, %[first]\n\tldr r3, %[words]\n\t"
        "b 4f\n"
        "2:\n\t" /* a word that is not a run's first */
        "ldr r0, [r3]\n\t" TC_TILE_ADD("0", "r4") TC_TILE_ADD("4", "r5") TC_TILE_ADD("8", "r6") TC_TILE_ADD("12", "r7")
        TC_TILE_REST TC_TILE_FLAG
        "bcc 2b\n"
        "3:\n\t" TC_TILE_SPLIT
        "mov r1, lr\n\tcmp r1, #0\n\tbne 5f\n"
        "4:\n\t" /* flags */
        "ldr r1, %[next]\n\tldrh r0, [r1]\n\tadds r1, #2\n\tstr r1, %[next]\n\t"
        "lsls r0, r0, #16\n\tbeq 1f\n\tlsls r0, r0, #1\n\tmov lr, r0\n\tbcc 5f\n\tb 6f\n"
        "1:\n\tb 7f\n"
        "5:\n\t" /* a run */
        "ldr r0, [r3]\n\t" TC_TILE_FIRST TC_TILE_REST TC_TILE_FLAG
        "bcc 2b\n\t" TC_TILE_SPLIT
        "mov r1, lr\n\tcmp r1, #0\n\tbne 5b\n\tb 4b\n"
        "6:\n\t" /* a word of two runs */
        "ldr r0, [r3]\n\t" TC_TILE_ODD "str r0, %[odd]\n\t"
        TC_TILE_Y("0", "16", "r4") TC_TILE_Y("4", "20", "r5") TC_TILE_Y("8", "24", "r6") TC_TILE_Y("12", "28", "r7")
        TC_TILE_SPLIT
        "ldr r1, %[odd]\n\tlsls r1, r1, #8\n\tldr r0, [r3]\n\tsubs r0, r0, r1\n\t" TC_TILE_FIRST
        "adds r2, #32\n\tadds r3, #8\n\t" TC_TILE_FLAG
        "b 3b\n"
        "7:\n\t"
        "ldr r0, %[to]\n\tmov r2, r8\n\tstr r2, [r0]\n\tmov r2, r9\n\tstr r2, [r0, #4]\n\t"
        "mov r2, r10\n\tstr r2, [r0, #8]\n\tmov r2, r11\n\tstr r2, [r0, #12]\n\t"
        : [next] "+m"(next), [odd] "+m"(odd)
        : [first] "m"(first), [words] "m"(words), [to] "m"(to), [carry] "m"(carry), [bytes] "m"(bytes),
          [excess] "m"(excess)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    return next;
}
/* clang-format on */

#else

/* Adds the products of one channel of a pair to sums of two pixels: more would not stay in 16 registers. Returns the next
 * pair's flags. */
static const uint16_t *tc_tile_two(const uint32_t *tile, const uint32_t *weights, const uint16_t *flags, int32_t *sums)
{
    int32_t sum0 = sums[0], sum1 = sums[1];
    uint32_t flag;
    while ((flag = (uint32_t)*flags++ << 16) != 0) {
        uint32_t run0 = TC_SCALAR_HALF, run1 = TC_SCALAR_HALF;
        if ((flag & 0x80000000u) != 0) { /* odd * Y is left of the first word, Y = Z + 2^8 X */
            const uint32_t odd = tc_scalar_odd(*weights), even = *weights - (odd << 8);
            sum0 += tc_scalar_upper(run0 + tile[0] * even);
            sum1 += tc_scalar_upper(run1 + tile[1] * even);
            sum0 += tc_scalar_upper(run0 + (tile[TC_TILE_PIXELS] + (tile[0] << 8)) * odd);
            sum1 += tc_scalar_upper(run1 + (tile[TC_TILE_PIXELS + 1] + (tile[1] << 8)) * odd);
            weights += TC_TILE_CHANNELS;
            tile += TC_TILE_WORD;
            flag <<= 1;
        }
        for (flag <<= 1; flag != 0; flag <<= 1) {
            const uint32_t word = *weights, odd = tc_scalar_odd(word);
            run0 += tile[0] * word + tile[TC_TILE_PIXELS] * odd;
            run1 += tile[1] * word + tile[TC_TILE_PIXELS + 1] * odd;
            weights += TC_TILE_CHANNELS;
            tile += TC_TILE_WORD;
            if ((flag & 0x80000000u) != 0) {
                sum0 += tc_scalar_upper(run0);
                sum1 += tc_scalar_upper(run1);
                run0 = TC_SCALAR_HALF;
                run1 = TC_SCALAR_HALF;
            }
        }
    }
    sums[0] = sum0;
    sums[1] = sum1;
    return flags;
}

static const uint16_t *tc_tile_channel(const uint32_t *tile, const uint32_t *weights, const uint16_t *flags,
                                       int32_t *sums)
{
    (void)tc_tile_two(tile, weights, flags, sums);
    return tc_tile_two(tile + 2, weights, flags, sums + 2);
}

#endif

static const uint16_t *tc_tile_all(const tc_tile_t *pairs, const uint32_t *tile, int8_t *const *outs)
{
    const uint16_t *flags = pairs->flags, *next = flags;
    for (unsigned c = 0; c < TC_TILE_CHANNELS * pairs->pairs; c++) {
        const uint32_t *const weights = pairs->weights + TC_TILE_CHANNELS * pairs->words * (c / 2) + c % 2;
        const int32_t *const factor = pairs->factors + 2 * (size_t)c;
        const int32_t bias = factor[0] >> 5;
        int32_t sums[TC_TILE_PIXELS] = {bias, bias, bias, bias};
        next = tc_tile_channel(tile, weights, flags, sums);
        for (unsigned p = TC_TILE_PIXELS; p-- > 0;) {
            outs[p][c] = tc_tile_output(pairs, factor, sums[p]);
        }
        flags = c % 2 != 0 ? next : flags;
    }
    return next;
}

#endif

/* Adds the products of a word that is not in halves to a run of both channels. */
static inline void tc_tile_both(const uint32_t *pixel, const uint32_t *weights, uint32_t *run)
{
    const uint32_t x = pixel[0], z = pixel[TC_TILE_PIXELS], a = weights[0], b = weights[1];
    run[0] += x * a + z * tc_scalar_odd(a);
    run[1] += x * b + z * tc_scalar_odd(b);
}

static inline void tc_tile_both_split(uint32_t *run, int32_t *sums)
{
    sums[0] += tc_scalar_upper(run[0]);
    sums[1] += tc_scalar_upper(run[1]);
    run[0] = TC_SCALAR_HALF;
    run[1] = TC_SCALAR_HALF;
}

/* A single pixel of a tile. Returns the flags behind the last pair's. */
static __attribute__((noinline)) const uint16_t *tc_tile_one(const tc_tile_t *pairs, const uint32_t *pixel, int8_t *out)
{
    const uint32_t *weights = pairs->weights;
    const uint16_t *flags = pairs->flags;
    const int32_t *factor = pairs->factors;
    for (unsigned n = pairs->pairs; n > 0; n--, factor += 2 * TC_TILE_CHANNELS) {
        int32_t sums[TC_TILE_CHANNELS] = {factor[0] >> 5, factor[2] >> 5};
        uint32_t run[TC_TILE_CHANNELS] = {TC_SCALAR_HALF, TC_SCALAR_HALF};
        uint32_t flag;
        for (const uint32_t *x = pixel; (flag = (uint32_t)*flags++ << 16) != 0;) {
            if ((flag & 0x80000000u) != 0) {
                const uint32_t y = x[TC_TILE_PIXELS] + (x[0] << 8);
                const uint32_t odd[TC_TILE_CHANNELS] = {tc_scalar_odd(weights[0]), tc_scalar_odd(weights[1])};
                run[0] += x[0] * (weights[0] - (odd[0] << 8));
                run[1] += x[0] * (weights[1] - (odd[1] << 8));
                tc_tile_both_split(run, sums);
                run[0] += y * odd[0];
                run[1] += y * odd[1];
                tc_tile_both_split(run, sums);
                weights += TC_TILE_CHANNELS;
                x += TC_TILE_WORD;
                flag <<= 1;
            }
            for (flag <<= 1; flag != 0; flag <<= 1) {
                tc_tile_both(x, weights, run);
                weights += TC_TILE_CHANNELS;
                x += TC_TILE_WORD;
                if ((flag & 0x80000000u) != 0) {
                    tc_tile_both_split(run, sums);
                }
            }
        }
        *out++ = tc_tile_output(pairs, factor, sums[0]);
        *out++ = tc_tile_output(pairs, factor + 2, sums[1]);
    }
    return flags;
}

#endif
