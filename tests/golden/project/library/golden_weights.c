/* golden: constant arrays by tinycomp 0.1.0. Generated, do not edit. */
#include "golden_weights.h"

TC_CONST int32_t golden_conv_2d_bias[4] = {
    -5987, -4289, -12697, -4034,
};

TC_CONST int32_t golden_conv_2d_multiplier[4] = {
    1377417194, 1515279259, 1414364842, 1424178768,
};

TC_CONST int8_t golden_conv_2d_shift[4] = {
    -8, -8, -7, -8,
};

TC_CONST int8_t golden_conv_2d_weights_values[36] = {
    11, -94, 65, 114, 122, 31, 94, -33, -90, 3, -14, 42, 126, -57, 91, -92, -39, 73, -64,
    43, -10, 3, 113, 81, 86, 13, 123, 123, -93, -75, -49, 14, 83, -4, 123, -37,
};

TC_CONST int32_t golden_depthwise_conv_2d_bias[4] = {
    65, 1092, 829, 1185,
};

TC_CONST int32_t golden_depthwise_conv_2d_multiplier[4] = {
    1492222537, 1956031042, 1680304204, 1438718102,
};

TC_CONST int8_t golden_depthwise_conv_2d_shift[4] = {
    -8, -8, -8, -8,
};

TC_CONST int8_t golden_depthwise_conv_2d_weights_values[36] = {
    94, 121, 101, -50, -18, -66, -90, 91, 44, -108, -76, 16, 102, 126, -72, 28,
    -119, -83, -76, -15, -39, 58, -8, -41, 104, 32, 50, 63, -41, 100, -123, -49,
    -87, -126, 127, -105,
};

TC_CONST int32_t golden_conv_2d_1_bias[4] = {
    4547, 5841, 9441, -1024,
};

TC_CONST int32_t golden_conv_2d_1_multiplier[4] = {
    1986330354, 1615884322, 1292456427, 1301448846,
};

TC_CONST int8_t golden_conv_2d_1_shift[4] = {
    -7, -7, -7, -7,
};

TC_CONST int8_t golden_conv_2d_1_weights_values[16] = {
    -83, -49, -49, 70, -83, -83, 70, -49, -105, -83, 70, -49, 70, -49, 70, -49,
};

TC_CONST int32_t golden_fully_connected_bias[3] = {
    -2394, -5135, -3254,
};

TC_CONST int32_t golden_fully_connected_multiplier[3] = {
    1201229796, 1299166742, 1241213551,
};

TC_CONST int32_t golden_fully_connected_extension[3] = {
    0, 0, 0,
};

TC_CONST int8_t golden_fully_connected_shift[3] = {
    -8, -8, -8,
};

TC_CONST int8_t golden_fully_connected_weights_values[48] = {
    -24, 122, -34, 112, 1, -41, 111, -16, 70, -47, 127, 63, 96, -117, -100, -110,
    8, -24, 122, -65, -84, 88, -50, 62, -54, 12, -107, 41, 106, 49, 97, 72,
    17, 109, -5, -89, 14, 32, -83, -91, 42, -15, -5, 73, 47, 101, -85, 66,
};
