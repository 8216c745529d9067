/* golden: int8 inference by tinycomp 0.1.0. Generated, do not edit. */
#include "golden.h"

/* What holds for all layers of the kernels that ask: they leave out what they would do else. */
#define TC_CONVOLUTION_EVEN 1
#define TC_CONVOLUTION_UNDILATED 1
#define TC_DEPTHWISE_UNCLAMPED 1
#define TC_FULLY_CONNECTED_UNCLAMPED 1

#include "golden_weights.h"
#include "tinycomp/add_dsp.h"
#include "tinycomp/average_pool_2d.h"
#include "tinycomp/conv_2d_dsp.h"
#include "tinycomp/dense.h"
#include "tinycomp/depthwise_3x3_dsp.h"
#include "tinycomp/fully_connected_small_dsp.h"
#include "tinycomp/softmax.h"

#if TC_VERSION != 1
#error "The headers in tinycomp/ are of another generator version: generate the library again."
#endif

/* A harness that watches an inference includes this file again with another name and its own steps. */
#ifndef TC_INVOKE
#define TC_INVOKE golden_invoke
#endif
#ifndef TC_STEP_BEGIN
#define TC_STEP_BEGIN(node)
#define TC_STEP_END(node, tensor, offset, data, size)
#endif

/* conv_2d: conv_2d, 8x8x1 -> 4x4x4, 576 multiply-accumulates */
static TC_CONST tc_dense_t golden_conv_2d_weights = {
    {tc_dense_read},
    golden_conv_2d_weights_values, /* values */
};
static TC_CONST tc_conv_2d_dsp_t golden_conv_2d = {
    8, /* input_height */
    8, /* input_width */
    1, /* input_channels */
    4, /* output_width */
    4, /* output_channels */
    3, /* kernel_height */
    3, /* kernel_width */
    2, /* stride_height */
    2, /* stride_width */
    1, /* dilation_height */
    1, /* dilation_width */
    0, /* padding_top */
    0, /* padding_left */
    35, /* input_zero_point */
    -1, /* activation_min */
    127, /* activation_max */
    1, /* gathers */
    0, /* workspace */
    0, /* bytes */
    4, /* block */
    &golden_conv_2d_weights.weights, /* weights */
    -1, /* rounding */
    golden_conv_2d_factors, /* factors */
};

/* depthwise_conv_2d: depthwise_conv_2d, 4x4x4 -> 4x4x4, 576 multiply-accumulates */
static TC_CONST tc_dense_t golden_depthwise_conv_2d_weights = {
    {tc_dense_read},
    golden_depthwise_conv_2d_weights_values, /* values */
};
static TC_CONST tc_depthwise_3x3_dsp_t golden_depthwise_conv_2d = {
    4, /* input_height */
    4, /* input_width */
    4, /* input_channels */
    4, /* output_width */
    1, /* stride_height */
    1, /* padding_top */
    1, /* padding_left */
    -1, /* input_zero_point */
    -128, /* activation_min */
    127, /* activation_max */
    0, /* decoded */
    &golden_depthwise_conv_2d_weights.weights, /* weights */
    93, /* rounding */
    golden_depthwise_conv_2d_factors, /* factors */
};

/* conv_2d_1: conv_2d, 4x4x4 -> 4x4x4, 256 multiply-accumulates */
static TC_CONST tc_dense_t golden_conv_2d_1_weights = {
    {tc_dense_read},
    golden_conv_2d_1_weights_values, /* values */
};
static TC_CONST tc_conv_2d_dsp_t golden_conv_2d_1 = {
    4, /* input_height */
    4, /* input_width */
    4, /* input_channels */
    4, /* output_width */
    4, /* output_channels */
    1, /* kernel_height */
    1, /* kernel_width */
    1, /* stride_height */
    1, /* stride_width */
    1, /* dilation_height */
    1, /* dilation_width */
    0, /* padding_top */
    0, /* padding_left */
    46, /* input_zero_point */
    -128, /* activation_min */
    127, /* activation_max */
    0, /* gathers */
    0, /* workspace */
    0, /* bytes */
    4, /* block */
    &golden_conv_2d_1_weights.weights, /* weights */
    -107, /* rounding */
    golden_conv_2d_1_factors, /* factors */
};

/* add: add, 4x4x4 + 4x4x4 -> 4x4x4 */
static TC_CONST tc_add_dsp_t golden_add = {
    0, /* coarse */
    -54, /* fine_zero_point */
    -128, /* activation_min */
    127, /* activation_max */
    16, /* size */
    1833582650, /* fine_multiplier */
    2097154, /* fine_rounding */
    2, /* fine_shift */
    1533916910, /* multiplier */
    6553600, /* rounding */
    18, /* shift */
};

/* average_pool_2d: average_pool_2d, 4x4x4 -> 2x2x4 */
static TC_CONST tc_average_pool_2d_t golden_average_pool_2d = {
    4, /* input_height */
    4, /* input_width */
    4, /* channels */
    2, /* output_width */
    2, /* kernel_height */
    2, /* kernel_width */
    2, /* stride_height */
    2, /* stride_width */
    0, /* padding_top */
    0, /* padding_left */
    -128, /* activation_min */
    127, /* activation_max */
    2147483649, /* reciprocal */
    2, /* reciprocal_shift */
};

/* fully_connected: fully_connected, 16 -> 3, 48 multiply-accumulates */
static TC_CONST tc_dense_t golden_fully_connected_weights = {
    {tc_dense_read},
    golden_fully_connected_weights_values, /* values */
};
static TC_CONST tc_fully_connected_small_dsp_t golden_fully_connected = {
    1, /* width */
    16, /* input_size */
    3, /* output_size */
    1, /* channel_step */
    -1, /* output_zero_point */
    -128, /* activation_min */
    127, /* activation_max */
    &golden_fully_connected_weights.weights, /* weights */
    golden_fully_connected_start, /* start */
    golden_fully_connected_multiplier, /* multiplier */
    golden_fully_connected_shift, /* shift */
};

/* softmax: softmax, 3 -> 3 */
static TC_CONST tc_softmax_t golden_softmax = {
    1, /* width */
    3, /* channels */
    -248, /* smallest_difference */
    23, /* shift */
    1131018240, /* multiplier */
};

void TC_INVOKE(golden_arena_t *arena, const int8_t *input, int8_t *output)
{
    TC_STEP_BEGIN(0);
    { /* conv_2d: conv_2d, 8x8x1 -> 4x4x4, 576 multiply-accumulates */
        const tc_input_t in[] = {
            {input, 8, 8},
        };
        const tc_output_t out = {arena->bytes + 0, 16, 4};
        tc_conv_2d_dsp(&golden_conv_2d, in, &out, 0, 4, arena->bytes + 64);
}
    TC_STEP_END(0, 1, 0, arena->bytes + 0, 64);
    TC_STEP_BEGIN(1);
    { /* depthwise_conv_2d: depthwise_conv_2d, 4x4x4 -> 4x4x4, 576 multiply-accumulates */
        const tc_input_t in[] = {
            {arena->bytes + 0, 16, 4},
        };
        const tc_output_t out = {arena->bytes + 280, 16, 4};
        tc_depthwise_3x3_dsp(&golden_depthwise_conv_2d, in, &out, 0, 4, arena->bytes + 64);
}
    TC_STEP_END(1, 2, 0, arena->bytes + 280, 64);
    TC_STEP_BEGIN(2);
    { /* conv_2d_1: conv_2d, 4x4x4 -> 4x4x4, 256 multiply-accumulates */
        const tc_input_t in[] = {
            {arena->bytes + 280, 16, 4},
        };
        const tc_output_t out = {arena->bytes + 280, 16, 4};
        tc_conv_2d_dsp(&golden_conv_2d_1, in, &out, 0, 4, arena->bytes + 64);
}
    TC_STEP_END(2, 3, 0, arena->bytes + 280, 64);
    TC_STEP_BEGIN(3);
    { /* add: add, 4x4x4 + 4x4x4 -> 4x4x4 */
        const tc_input_t in[] = {
            {arena->bytes + 0, 16, 4},
            {arena->bytes + 280, 16, 4},
        };
        const tc_output_t out = {arena->bytes + 0, 16, 4};
        tc_add_dsp(&golden_add, in, &out, 0, 4, NULL);
}
    TC_STEP_END(3, 4, 0, arena->bytes + 0, 64);
    TC_STEP_BEGIN(4);
    { /* average_pool_2d: average_pool_2d, 4x4x4 -> 2x2x4 */
        const tc_input_t in[] = {
            {arena->bytes + 0, 16, 4},
        };
        const tc_output_t out = {arena->bytes + 64, 8, 2};
        tc_average_pool_2d(&golden_average_pool_2d, in, &out, 0, 2, NULL);
}
    TC_STEP_END(4, 5, 0, arena->bytes + 64, 16);
    TC_STEP_BEGIN(5);
    TC_STEP_END(5, 6, 0, arena->bytes + 64, 16);
    TC_STEP_BEGIN(6);
    { /* fully_connected: fully_connected, 16 -> 3, 48 multiply-accumulates */
        const tc_input_t in[] = {
            {arena->bytes + 64, 16, 1},
        };
        const tc_output_t out = {output, 3, 1};
        tc_fully_connected_small_dsp(&golden_fully_connected, in, &out, 0, 1, NULL);
}
    TC_STEP_END(6, 7, 0, output, 3);
    TC_STEP_BEGIN(7);
    { /* softmax: softmax, 3 -> 3 */
        const tc_input_t in[] = {
            {output, 3, 1},
        };
        const tc_output_t out = {output, 3, 1};
        tc_softmax(&golden_softmax, in, &out, 0, 1, NULL);
}
    TC_STEP_END(7, 8, 0, output, 3);
}
