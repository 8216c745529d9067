/* golden: constant arrays by tinycomp 0.1.0. Generated, do not edit. */
#include "golden_weights.h"

TC_CONST int32_t golden_conv_2d_factors[8] = {
    -1558265, 1377417194, -1094009, 1515279259, -3281914, 1414364842, -1035257, 1424178768,
};

TC_CONST int8_t golden_conv_2d_weights_values[48] = {
    11, -94, 65, 114, 3, -14, 42, 126, 122, 31, 94, -33, -57, 90, -92, -40, -90, -1, 0,
    0, 73, 0, 0, 0, -64, 42, -10, 2, 123, -93, -75, -50, 113, 81, 86, 13, 14, 83,
    -4, 122, 123, 0, 0, 0, -37, -1, 0, 0,
};

TC_CONST int32_t golden_depthwise_conv_2d_factors[8] = {
    16647, 1492222537, 279559, 1956031042, 212231, 1680304204, 303367, 1438718102,
};

TC_CONST int8_t golden_depthwise_conv_2d_weights_values[36] = {
    94, 121, -50, -18, 101, -90, -66, 91, 44, -108, -76, 102, 126, 16, 28, -72,
    -119, -83, -76, -15, 58, -8, -39, 104, -41, 32, 50, 63, -41, -123, -49, 100,
    -126, -87, 127, -105,
};

TC_CONST int32_t golden_conv_2d_1_factors[8] = {
    1180806, 1986330354, 1496966, 1615884322, 2421382, 1292456427, -279802, 1301448846,
};

TC_CONST int8_t golden_conv_2d_1_weights_values[16] = {
    -83, -50, -49, 69, -83, -84, 70, -49, -105, -84, 70, -49, 70, -49, 70, -49,
};

TC_CONST int32_t golden_fully_connected_start[3] = {
    -644233, -1319386, -825658,
};

TC_CONST int32_t golden_fully_connected_multiplier[3] = {
    1201229796, 1299166742, 1241213551,
};

TC_CONST int8_t golden_fully_connected_shift[3] = {
    14, 14, 14,
};

TC_CONST int8_t golden_fully_connected_weights_values[48] = {
    -24, 121, -34, 111, 1, -41, 111, -16, 70, -47, 127, 63, 96, -117, -100, -111,
    8, -24, 122, -65, -84, 87, -50, 61, -54, 11, -107, 40, 106, 49, 97, 72,
    17, 109, -5, -90, 14, 32, -83, -92, 42, -15, -5, 72, 47, 101, -85, 65,
};
