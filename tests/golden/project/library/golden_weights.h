/* golden: constant arrays by tinycomp 0.1.0. Generated, do not edit. */
#ifndef GOLDEN_WEIGHTS_H
#define GOLDEN_WEIGHTS_H

#include "tinycomp/tinycomp.h"

#ifdef __cplusplus
extern "C" {
#endif

extern TC_CONST int32_t golden_conv_2d_factors[8];
extern TC_CONST int8_t golden_conv_2d_weights_values[48];
extern TC_CONST int32_t golden_depthwise_conv_2d_factors[8];
extern TC_CONST int8_t golden_depthwise_conv_2d_weights_values[36];
extern TC_CONST int32_t golden_conv_2d_1_factors[8];
extern TC_CONST int8_t golden_conv_2d_1_weights_values[16];
extern TC_CONST int32_t golden_fully_connected_start[3];
extern TC_CONST int32_t golden_fully_connected_multiplier[3];
extern TC_CONST int8_t golden_fully_connected_shift[3];
extern TC_CONST int8_t golden_fully_connected_weights_values[48];

#ifdef __cplusplus
}
#endif

#endif
