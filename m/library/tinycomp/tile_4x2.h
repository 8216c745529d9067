/* Multiplies a tile of four pixels with pairs of output channels. The pixels are expanded (products.h) and interleaved:
 * X of four activations of each pixel, then Z of each, 32 bytes. The weights of a pair are interleaved, 8 bytes for 4
 * activations.
 *
 * Flags of 16 bits, the highest first, tell where runs of words end: the first one whether the two products of the
 * first word are separate runs, then one per word whether a run ends after it; a run ends after the last word, and the
 * rest is filled with 0. Flags of 0 end the pair. */
#ifndef TINYCOMP_TILE_4X2_H
#define TINYCOMP_TILE_4X2_H

#include "products.h"

#define TC_TILE_PIXELS 4
#define TC_TILE_CHANNELS 2
#define TC_TILE_WORD (2 * TC_TILE_PIXELS) /* words of a tile per word of weights */

/* Pairs of channels, and the requantization of their sums. */
typedef struct {
    unsigned pairs;
    size_t words; /* per window */
    const uint32_t *weights;
    const uint16_t *flags;
    const int32_t *factors; /* per channel: bias * 32 + right shift, multiplier */
    int32_t rounding;       /* 2 * the output's zero point + 1 */
    int32_t low, high;
} tc_tile_t;

/* Requantizes a sum, rounding twice. A sum s with multiplier m and right shift r becomes
 * (floor(s m / 2^30) +- 1 + ((2 z + 1) << r)) >> (r + 1), with - if s < 0; z is the output's zero point. */
static inline int8_t tc_tile_output(const tc_tile_t *pairs, const int32_t *factor, int32_t sum)
{
    const int shift = factor[0] & 31;
    const int32_t product = tc_scalar_high_word(sum * 4, factor[1]) + 1 + ((sum >> 30) & ~1);
    return tc_clamp((product + pairs->rounding * ((int32_t)1 << shift)) >> (shift + 1), pairs->low, pairs->high);
}

#if TC_SCALAR_RV32

/* clang-format off */
/* a0-a3 and a4-a7 are the sums of the run, s2-s5 and s6-s9 the total sums, each of four pixels; s10 is the tile, s11
 * the weights, s1 the next flags, t4 the current ones, t5, ra and s0 are masks, t6 is the half. */
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
/* Stack frame: 0 the tile, 4 the next factors, 8 their end, 12 the rounding, 16 and 20 the bounds, 24 to 36 the
 * outputs, 40 the channel. t1 is the factor, t2 the rounding, t3 the right shift + 1, a4 and a5 are the bounds. */
#define TC_TILE_FACTOR(offset)                                                                                \
    "lw t3, " offset "(t0)\n\tlw t1, " offset "+4(t0)\n\tlw t2, 12(sp)\n\tandi t3, t3, 31\n\t"            \
    "sll t2, t2, t3\n\taddi t2, t2, 1\n\taddi t3, t3, 1\n\t"
#define TC_TILE_STORE(s, out, c)                                                                        \
    "slli a6, " s ", 2\n\tmulh a6, a6, t1\n\tsrai " s ", " s ", 30\n\tandi " s ", " s ", -2\n\t"        \
    "add a6, a6, t2\n\tadd a6, a6, " s "\n\tsra a6, a6, t3\n\tbge a6, a4, 8f\n\tmv a6, a4\n8:\n\t"      \
    "ble a6, a5, 8f\n\tmv a6, a5\n8:\n\tsb a6, " c "(" out ")\n\t"

/* The assembly relies on these member offsets of tc_tile_t. */
typedef char tc_assert_tile_offsets[offsetof(tc_tile_t, weights) == 8 && offsetof(tc_tile_t, high) == 28 ? 1 : -1];

/* Pixels are stored in the order 3 to 0, so that padding pixels may share an address. Returns the flags after the last
 * pair's. */
TC_ASM_LONG_STRINGS
static __attribute__((noinline)) const uint16_t *tc_tile_all(const tc_tile_t *pairs, const uint32_t *tile,
                                                             int8_t *const *outs)
{
    register uintptr_t a0 __asm__("a0") = (uintptr_t)pairs; /* then the flags */
    register const uint32_t *a1 __asm__("a1") = tile;
    register int8_t *const *a2 __asm__("a2") = outs;
    __asm__ volatile(
        TC_ASM_STACK("tc_tile_all", "96") TC_RV32_SAVE("96")
        "lw t0, 0(a0)\n\tlw s11, 8(a0)\n\tlw s1, 12(a0)\n\tlw t1, 16(a0)\n\tlw t2, 20(a0)\n\tlw t3, 24(a0)\n\t"
        "lw t4, 28(a0)\n\tslli t0, t0, 4\n\tadd t0, t0, t1\n\tsw a1, 0(sp)\n\tsw t1, 4(sp)\n\tsw t0, 8(sp)\n\t"
        "sw t2, 12(sp)\n\tsw t3, 16(sp)\n\tsw t4, 20(sp)\n\tlw t0, 0(a2)\n\tlw t1, 4(a2)\n\tlw t2, 8(a2)\n\t"
        "lw t3, 12(a2)\n\tsw t0, 24(sp)\n\tsw t1, 28(sp)\n\tsw t2, 32(sp)\n\tsw t3, 36(sp)\n\tsw zero, 40(sp)\n\t"
        "li t5, 0x00FF00FF\n\tli ra, 0x80808080\n\tli s0, 0x00800080\n\tli t6, 0x8000\n"
        "1:\n\t" /* a pair */
        "lw t0, 4(sp)\n\tlw s10, 0(sp)\n\tlw s2, 0(t0)\n\tlw s6, 8(t0)\n\t"
        "srai s2, s2, 5\n\tmv s3, s2\n\tmv s4, s2\n\tmv s5, s2\n\t"
        "srai s6, s6, 5\n\tmv s7, s6\n\tmv s8, s6\n\tmv s9, s6\n\t"
        "j 4f\n"
        "2:\n\t" /* a word that is not the first of a run */
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
        "lw t0, 4(sp)\n\tlw t1, 40(sp)\n\tlw a0, 24(sp)\n\tlw a1, 28(sp)\n\tlw a2, 32(sp)\n\t"
        "lw a3, 36(sp)\n\tadd a0, a0, t1\n\tadd a1, a1, t1\n\tadd a2, a2, t1\n\tadd a3, a3, t1\n\t"
        "addi t1, t1, 2\n\tsw t1, 40(sp)\n\tlw a4, 16(sp)\n\tlw a5, 20(sp)\n\t"
        TC_TILE_FACTOR("0") TC_TILE_STORE("s5", "a3", "0") TC_TILE_STORE("s4", "a2", "0")
        TC_TILE_STORE("s3", "a1", "0") TC_TILE_STORE("s2", "a0", "0")
        TC_TILE_FACTOR("8") TC_TILE_STORE("s9", "a3", "1") TC_TILE_STORE("s8", "a2", "1")
        TC_TILE_STORE("s7", "a1", "1") TC_TILE_STORE("s6", "a0", "1")
        "addi t0, t0, 16\n\tsw t0, 4(sp)\n\tlw t1, 8(sp)\n\tbne t0, t1, 1b\n\tmv a0, s1\n\t" TC_RV32_RESTORE("96")
        : "+r"(a0), "+r"(a1), "+r"(a2)
        :
        : "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    return (const uint16_t *)a0;
}
TC_ASM_LONG_STRINGS_END
/* clang-format on */

#else

#if TC_SCALAR_ARMV6M

/* clang-format off */
/* r4-r7 are the sums of the run, r8-r11 the total sums, each of four pixels; r2 is the tile, r3 the weights, lr the
 * flags, r12 the half, r0 a word of weights. Stack frame: 0 the caller's r8 to r11, 16 a word's odd weights, 20 the
 * next flags, 24 the sums, 28, 32 and 36 the masks. */
#define TC_TILE_ADD(offset, s) "ldr r1, [r2, #" offset "]\n\tmuls r1, r0, r1\n\tadds " s ", " s ", r1\n\t"
#define TC_TILE_BEGIN(offset, s) "ldr " s ", [r2, #" offset "]\n\tmuls " s ", r0, " s "\n\tadd " s ", r12\n\t"
#define TC_TILE_FIRST TC_TILE_BEGIN("0", "r4") TC_TILE_BEGIN("4", "r5") TC_TILE_BEGIN("8", "r6") TC_TILE_BEGIN("12", "r7")
#define TC_TILE_ODD                                                                                                \
    "ldr r1, [sp, #28]\n\tadds r0, r0, r1\n\tlsrs r0, r0, #8\n\tldr r1, [sp, #32]\n\tands r0, r0, r1\n\t"            \
    "ldr r1, [sp, #36]\n\tsubs r0, r0, r1\n\t"
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
    register uintptr_t r0 __asm__("r0") = (uintptr_t)tile; /* then the flags */
    register const uint32_t *r1 __asm__("r1") = weights;
    register const uint16_t *r2 __asm__("r2") = flags;
    register int32_t *r3 __asm__("r3") = sums;
    register uint32_t r4 __asm__("r4") = 0x80808080u;
    register uint32_t r5 __asm__("r5") = 0x00FF00FFu;
    register uint32_t r6 __asm__("r6") = 0x00800080u;
    __asm__ volatile(
        ".syntax unified\n\t" TC_ASM_STACK("tc_tile_channel", "44")
        "push {r0, r2, r3, r4, r5, r6, r7}\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t"
        "push {r4, r5, r6, r7}\n\tldm r3!, {r4, r5, r6, r7}\n\tmov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"
        "mov r2, r0\n\tmov r3, r1\n\tmovs r1, #128\n\tlsls r1, r1, #8\n\tmov r12, r1\n\tb 4f\n"
        "2:\n\t" /* a word that is not the first of a run */
        "ldr r0, [r3]\n\t" TC_TILE_ADD("0", "r4") TC_TILE_ADD("4", "r5") TC_TILE_ADD("8", "r6") TC_TILE_ADD("12", "r7")
        TC_TILE_REST TC_TILE_FLAG
        "bcc 2b\n"
        "3:\n\t" TC_TILE_SPLIT
        "mov r1, lr\n\tcmp r1, #0\n\tbne 5f\n"
        "4:\n\t" /* flags */
        "ldr r1, [sp, #20]\n\tldrh r0, [r1]\n\tadds r1, #2\n\tstr r1, [sp, #20]\n\t"
        "lsls r0, r0, #16\n\tbeq 1f\n\tlsls r0, r0, #1\n\tmov lr, r0\n\tbcc 5f\n\tb 6f\n"
        "1:\n\tb 7f\n"
        "5:\n\t" /* a run */
        "ldr r0, [r3]\n\t" TC_TILE_FIRST TC_TILE_REST TC_TILE_FLAG
        "bcc 2b\n\t" TC_TILE_SPLIT
        "mov r1, lr\n\tcmp r1, #0\n\tbne 5b\n\tb 4b\n"
        "6:\n\t" /* a word of two runs */
        "ldr r0, [r3]\n\t" TC_TILE_ODD "str r0, [sp, #16]\n\t"
        TC_TILE_Y("0", "16", "r4") TC_TILE_Y("4", "20", "r5") TC_TILE_Y("8", "24", "r6") TC_TILE_Y("12", "28", "r7")
        TC_TILE_SPLIT
        "ldr r1, [sp, #16]\n\tlsls r1, r1, #8\n\tldr r0, [r3]\n\tsubs r0, r0, r1\n\t" TC_TILE_FIRST
        "adds r2, #32\n\tadds r3, #8\n\t" TC_TILE_FLAG
        "b 3b\n"
        "7:\n\t"
        "ldr r0, [sp, #24]\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\tstm r0!, {r4, r5, r6, r7}\n\t"
        "pop {r4, r5, r6, r7}\n\tmov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"
        "ldr r0, [sp, #4]\n\tadd sp, sp, #8\n\tpop {r3, r4, r5, r6, r7}\n\t"
        : "+l"(r0), "+l"(r1), "+l"(r2), "+l"(r3), "+l"(r4), "+l"(r5), "+l"(r6)
        :
        : "r12", "lr", "cc", "memory");
    return (const uint16_t *)r0;
}
/* clang-format on */

#else

/* Adds the products of one channel of a pair to the sums of two pixels; more would not fit into 16 registers. Returns
 * the next pair's flags. */
static const uint16_t *tc_tile_two(const uint32_t *tile, const uint32_t *weights, const uint16_t *flags, int32_t *sums)
{
    int32_t sum0 = sums[0], sum1 = sums[1];
    uint32_t flag;
    while ((flag = (uint32_t)*flags++ << 16) != 0) {
        uint32_t run0 = TC_SCALAR_HALF, run1 = TC_SCALAR_HALF;
        if ((flag & 0x80000000u) != 0) { /* odd * Y remains of the first word, Y = Z + 2^8 X */
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

/* Adds the products of a word, not split into two runs, to the run of both channels. */
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

/* A single pixel of a tile. Returns the flags after the last pair's. */
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
