/* An affine function of two int8 values, (first * x + second * y + offset) >> shift within its bounds; affine_row.h
 * computes it. */
#ifndef TINYCOMP_AFFINE_H
#define TINYCOMP_AFFINE_H

#include "tinycomp.h"

typedef struct {
    int32_t first, second, offset;
    int32_t shift;     /* to the right */
    int32_t low, high; /* bounds of the output */
} tc_affine_t;

#endif
