/* All pairs of weights of a 4-bit codebook as operands of SMLAD, so that a single load decodes two weights. The halves
 * of an operand are weights times 256, as sums are scaled by 256 (gemm.h). */
#ifndef TINYCOMP_PAIR_TABLE_H
#define TINYCOMP_PAIR_TABLE_H

#include "nibbles.h"
#include "tinycomp.h"

#define TC_PAIR_TABLE 256 /* operands; the lower bits are the index of the lower half */
#define TC_PAIR_TABLE_ENTRIES 16

/* Fills a table, for as many lower weights at a time as stay in registers; in small code for one. */
static __attribute__((noinline)) void tc_pair_table_fill(const tc_weights_t *weights, uint32_t *pairs)
{
    const int8_t *const table = ((const tc_nibbles_t *)weights)->table;
    const int8_t *const end = table + TC_PAIR_TABLE_ENTRIES;
#if TC_SMALL
    for (const int8_t *high = table; high != end; high++) {
        for (const int8_t *low = table; low != end; low++) {
            *pairs++ = (uint8_t)*low * 256u | (uint32_t)(uint8_t)*high << 24;
        }
    }
#else
    for (const int8_t *low = table; low != end; low += 4, pairs += 4) {
        const uint32_t l0 = (uint8_t)low[0] * 256u, l1 = (uint8_t)low[1] * 256u, l2 = (uint8_t)low[2] * 256u,
                       l3 = (uint8_t)low[3] * 256u;
        uint32_t *to = pairs;
        for (const int8_t *high = table; high != end; high++, to += TC_PAIR_TABLE_ENTRIES) {
            const uint32_t upper = (uint32_t)(uint8_t)*high << 24;
            to[0] = l0 | upper;
            to[1] = l1 | upper;
            to[2] = l2 | upper;
            to[3] = l3 | upper;
        }
    }
#endif
}

static inline const int8_t *tc_pair_table_indices(const tc_weights_t *weights)
{
    return (const int8_t *)((const tc_nibbles_t *)weights)->indices;
}

#endif
