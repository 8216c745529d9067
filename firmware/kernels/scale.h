/* The factor that turns sums into int8; sums_to_int8.h applies it. */
#ifndef TINYCOMP_SCALE_H
#define TINYCOMP_SCALE_H

#include "tinycomp.h"

#define TC_SUMS_TO_INT8 4 /* sums that an array has room for */

typedef struct {
    int32_t offset; /* added to each sum; the result is within 30 bits and a sign */
    int32_t multiplier;
    int shift;
    int32_t zero_point; /* of the output */
} tc_scale_t;

#endif
