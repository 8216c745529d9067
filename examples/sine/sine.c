/* Eight sines: real numbers are quantized with the scale and zero point of the header, and the
 * output is dequantized with those of the output. */
#include <math.h>
#include <stdio.h>

#include "sine.h"

static sine_arena_t arena;

int main(void)
{
    for (int step = 0; step < 8; step++) {
        float angle = 0.7853982f * (float)step;
        int8_t input[SINE_INPUT_SIZE], output[SINE_OUTPUT_SIZE];
        input[0] = sine_quantize_input(angle);
        sine_invoke(&arena, input, output);
        float found = sine_dequantize_output(output[0]);
        printf("sin(%.3f) = %.3f, by the network %.3f\n", (double)angle, sin((double)angle),
               (double)found);
    }
    return 0;
}
