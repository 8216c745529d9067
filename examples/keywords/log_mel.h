/* Features of sounds: energies of bands on a logarithmic scale. log_mel.py computes the same. */
#ifndef LOG_MEL_H
#define LOG_MEL_H

#include <stdint.h>

#include "log_mel_sizes.h"

/* What one window needs: 8 bytes a sample. The caller owns it. */
typedef struct {
    int32_t real[LOG_MEL_WINDOW];
    int32_t imaginary[LOG_MEL_WINDOW];
} log_mel_scratch_t;

/* One row of features from LOG_MEL_WINDOW samples; the next row's begin LOG_MEL_HOP samples later. */
void log_mel_row(log_mel_scratch_t *scratch, const int16_t *samples, int16_t row[LOG_MEL_BANDS]);

#endif
