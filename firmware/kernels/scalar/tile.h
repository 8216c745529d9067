/* Four pixels, expanded (products.h) and interleaved: X of four activations of each, then Z of each; 32 bytes. They meet
 * pairs of output channels, whose weights lie in turn, 8 bytes for 4 activations.
 *
 * Where runs of words end lies in flags of 16 bits, the highest first: whether the two products of the first word are
 * runs of their own, then for each word whether a run ends behind it; one does behind the last, and 0 fills what is left.
 * Flags that are 0 end the pair. */
#ifndef TINYCOMP_TILE_H
#define TINYCOMP_TILE_H

#include "products.h"

#define TC_TILE_PIXELS 4
#define TC_TILE_CHANNELS 2
#define TC_TILE_SUMS (TC_TILE_PIXELS * TC_TILE_CHANNELS)

#if defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul) && !defined(__riscv_32e) && defined(__OPTIMIZE__)

/* clang-format off */
/* a0-a3 and a4-a7 are the sums of a run, s2-s5 and s6-s9 those of all, each of four pixels; s10 is the tile, s11 the
 * weights, s1 what follows of the flags, t4 these, t5, ra, s0 masks, t6 the half. */
#define TC_TILE_ADD(offset, a, b) \
    "lw t0, " offset "(s10)\n\tmul t1, t0, t2\n\tadd " a ", " a ", t1\n\tmul t1, t0, t3\n\tadd " b ", " b ", t1\n\t"
#define TC_TILE_BEGIN(offset, a, b) \
    "lw t0, " offset "(s10)\n\tmul " a ", t0, t2\n\tadd " a ", " a ", t6\n\tmul " b ", t0, t3\n\tadd " b ", " b ", t6\n\t"
#define TC_TILE_ODD(w) "add " w ", " w ", ra\n\tsrli " w ", " w ", 8\n\tand " w ", " w ", t5\n\tsub " w ", " w ", s0\n\t"
#define TC_TILE_REST                                                                                        \
    TC_TILE_ODD("t2") TC_TILE_ODD("t3") TC_TILE_ADD("16", "a0", "a4") TC_TILE_ADD("20", "a1", "a5")         \
    TC_TILE_ADD("24", "a2", "a6") TC_TILE_ADD("28", "a3", "a7") "addi s11, s11, 8\n\taddi s10, s10, 32\n\t"
#define TC_TILE_UPPER(a, s) "srai " a ", " a ", 16\n\tadd " s ", " s ", " a "\n\t"
#define TC_TILE_SPLIT                                                                                       \
    TC_TILE_UPPER("a0", "s2") TC_TILE_UPPER("a1", "s3") TC_TILE_UPPER("a2", "s4") TC_TILE_UPPER("a3", "s5") \
    TC_TILE_UPPER("a4", "s6") TC_TILE_UPPER("a5", "s7") TC_TILE_UPPER("a6", "s8") TC_TILE_UPPER("a7", "s9")
#define TC_TILE_EVEN(w, odd) "slli t0, " odd ", 8\n\tsub " w ", " w ", t0\n\t"
#define TC_TILE_Y(x, z, a, b) \
    "lw t0, " x "(s10)\n\tlw t1, " z "(s10)\n\tslli t0, t0, 8\n\tadd t0, t0, t1\n\t" \
    "mul " a ", t0, t2\n\tadd " a ", " a ", t6\n\tmul " b ", t0, t3\n\tadd " b ", " b ", t6\n\t"

/* All sums of some pairs: of four pixels for each channel. A window has so many words. Returns the next pair's flags. */
static __attribute__((noinline)) const uint16_t *tc_tile_pairs(const uint32_t *tile, const uint32_t *weights,
                                                               const uint16_t *flags, size_t words, unsigned pairs,
                                                               int32_t *sums)
{
    const uint32_t *volatile const first = tile;
    const uint32_t *volatile const weight = weights;
    const uint16_t *volatile next = flags;
    int32_t *volatile to = sums;
    int32_t *volatile const end = sums + TC_TILE_SUMS * (size_t)pairs;
    __asm__ volatile(
        "lw s11, %[weight]\n\tlw s1, %[next]\n\t"
        "li t5, 0x00FF00FF\n\tli ra, 0x80808080\n\tli s0, 0x00800080\n\tli t6, 0x8000\n"
        "1:\n\t" /* a pair */
        "lw s10, %[first]\n\t"
        "li s2, 0\n\tli s3, 0\n\tli s4, 0\n\tli s5, 0\n\tli s6, 0\n\tli s7, 0\n\tli s8, 0\n\tli s9, 0\n\t"
        "j 4f\n"
        "2:\n\t" /* a word that is not a run's first */
        "slli t4, t4, 1\n\tlw t2, 0(s11)\n\tlw t3, 4(s11)\n\t"
        TC_TILE_ADD("0", "a0", "a4") TC_TILE_ADD("4", "a1", "a5") TC_TILE_ADD("8", "a2", "a6")
        TC_TILE_ADD("12", "a3", "a7") TC_TILE_REST
        "bgez t4, 2b\n"
        "3:\n\t" TC_TILE_SPLIT
        "slli t4, t4, 1\n\tbnez t4, 5f\n"
        "4:\n\t" /* flags */
        "lhu t4, 0(s1)\n\taddi s1, s1, 2\n\tslli t4, t4, 16\n\tbeqz t4, 7f\n\tbltz t4, 6f\n\tslli t4, t4, 1\n"
        "5:\n\t" /* a run */
        "lw t2, 0(s11)\n\tlw t3, 4(s11)\n\t"
        TC_TILE_BEGIN("0", "a0", "a4") TC_TILE_BEGIN("4", "a1", "a5") TC_TILE_BEGIN("8", "a2", "a6")
        TC_TILE_BEGIN("12", "a3", "a7") TC_TILE_REST
        "bgez t4, 2b\n\t" TC_TILE_SPLIT
        "slli t4, t4, 1\n\tbnez t4, 5b\n\tj 4b\n"
        "6:\n\t" /* a word of two runs */
        "slli t4, t4, 1\n\t"
        "lw t2, 0(s11)\n\tlw t3, 4(s11)\n\tmv a0, t2\n\tmv a1, t3\n\t" TC_TILE_ODD("t2") TC_TILE_ODD("t3")
        TC_TILE_EVEN("a0", "t2") TC_TILE_EVEN("a1", "t3")
        "mv t2, a0\n\tmv t3, a1\n\t"
        TC_TILE_BEGIN("0", "a0", "a4") TC_TILE_BEGIN("4", "a1", "a5") TC_TILE_BEGIN("8", "a2", "a6")
        TC_TILE_BEGIN("12", "a3", "a7") TC_TILE_SPLIT
        "lw t2, 0(s11)\n\tlw t3, 4(s11)\n\t" TC_TILE_ODD("t2") TC_TILE_ODD("t3")
        TC_TILE_Y("0", "16", "a0", "a4") TC_TILE_Y("4", "20", "a1", "a5")
        TC_TILE_Y("8", "24", "a2", "a6") TC_TILE_Y("12", "28", "a3", "a7")
        "addi s11, s11, 8\n\taddi s10, s10, 32\n\tj 3b\n"
        "7:\n\t" /* the pair's end */
        "lw t0, %[to]\n\tlw t1, %[end]\n\t"
        "sw s2, 0(t0)\n\tsw s3, 4(t0)\n\tsw s4, 8(t0)\n\tsw s5, 12(t0)\n\t"
        "sw s6, 16(t0)\n\tsw s7, 20(t0)\n\tsw s8, 24(t0)\n\tsw s9, 28(t0)\n\t"
        "addi t0, t0, 32\n\tsw t0, %[to]\n\tbne t0, t1, 1b\n\tsw s1, %[next]\n\t"
        : [next] "+m"(next), [to] "+m"(to)
        : [first] "m"(first), [weight] "m"(weight), [end] "m"(end)
        : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s0", "s1",
          "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    (void)words;
    return next;
}
/* clang-format on */

#else

/* Adds a run's sums to those of all. */
static inline void tc_tile_split(const uint32_t *run, int32_t *sums)
{
    for (unsigned p = 0; p < TC_TILE_PIXELS; p++) {
        sums[p] += tc_scalar_upper(run[p]);
    }
}

static inline void tc_tile_add(const uint32_t *x, uint32_t w, uint32_t *run)
{
    for (unsigned p = 0; p < TC_TILE_PIXELS; p++) {
        run[p] += x[p] * w;
    }
}

static inline void tc_tile_begin(uint32_t *run)
{
    for (unsigned p = 0; p < TC_TILE_PIXELS; p++) {
        run[p] = TC_SCALAR_HALF;
    }
}

/* One channel of a pair. Returns the next pair's flags. */
static const uint16_t *tc_tile_channel(const uint32_t *tile, const uint32_t *weights, const uint16_t *flags,
                                       int32_t *sums)
{
    uint32_t run[TC_TILE_PIXELS];
    memset(sums, 0, TC_TILE_PIXELS * sizeof *sums);
    while (*flags != 0) {
        unsigned flag = *flags++;
        tc_tile_begin(run);
        if ((flag & 0x8000u) != 0) { /* odd * Y is left of the first word, Y = Z + 2^8 X */
            const uint32_t odd = tc_scalar_odd(*weights);
            tc_tile_add(tile, *weights - (odd << 8), run);
            tc_tile_split(run, sums);
            tc_tile_begin(run);
            tc_tile_add(tile, odd << 8, run);
            tc_tile_add(tile + TC_TILE_PIXELS, odd, run);
            tc_tile_split(run, sums);
            tc_tile_begin(run);
            weights += TC_TILE_CHANNELS;
            tile += 2 * TC_TILE_PIXELS;
            flag <<= 1;
        }
        for (flag = (flag << 1) & 0xFFFFu; flag != 0; flag = (flag << 1) & 0xFFFFu) {
            tc_tile_add(tile, *weights, run);
            tc_tile_add(tile + TC_TILE_PIXELS, tc_scalar_odd(*weights), run);
            weights += TC_TILE_CHANNELS;
            tile += 2 * TC_TILE_PIXELS;
            if ((flag & 0x8000u) != 0) {
                tc_tile_split(run, sums);
                tc_tile_begin(run);
            }
        }
    }
    return flags + 1;
}

static const uint16_t *tc_tile_pairs(const uint32_t *tile, const uint32_t *weights, const uint16_t *flags,
                                     size_t words, unsigned pairs, int32_t *sums)
{
    for (; pairs > 0; pairs--, weights += TC_TILE_CHANNELS * words, sums += TC_TILE_SUMS) {
        (void)tc_tile_channel(tile, weights, flags, sums);
        flags = tc_tile_channel(tile, weights + 1, flags, sums + TC_TILE_PIXELS);
    }
    return flags;
}

#endif

#endif
