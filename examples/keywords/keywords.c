/* The word in a second of sound: int16 samples on standard input, of LOG_MEL_RATE Hz.
 * On a board, samples come from a microphone's buffer instead; a row of features takes no more of
 * them than a window, so a row can be computed as soon as its samples are there. */
#include <stdio.h>

#include "keywords.h"
#include "log_mel.h"

static int16_t samples[LOG_MEL_RATE];
static log_mel_scratch_t scratch;
static keywords_arena_t arena;
static const char *const names[] = KEYWORDS_CLASS_NAMES;

int main(int count, char **arguments)
{
    size_t found = fread(samples, sizeof samples[0], LOG_MEL_RATE, stdin);
    if (found < LOG_MEL_WINDOW) {
        fprintf(stderr, "Only %u samples. Expected %d.\n", (unsigned)found, LOG_MEL_RATE);
        return 1;
    }
    int8_t input[KEYWORDS_INPUT_SIZE], output[KEYWORDS_OUTPUT_SIZE];
    for (int row = 0; row < LOG_MEL_ROWS; row++) {
        int16_t features[LOG_MEL_BANDS];
        log_mel_row(&scratch, samples + row * LOG_MEL_HOP, features);
        for (int band = 0; band < LOG_MEL_BANDS; band++) {
            input[row * LOG_MEL_BANDS + band] = keywords_quantize_input(features[band] / 256.0f);
            if (count > 1 && arguments[1][0] == '-') {
                printf("%d ", features[band]);
            }
        }
    }
    keywords_invoke(&arena, input, output);
    int best = 0;
    for (int i = 1; i < KEYWORDS_OUTPUT_SIZE; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s %.2f\n", names[best], (double)keywords_dequantize_output(output[best]));
    return 0;
}
