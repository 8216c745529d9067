#include "log_mel.h"

#include "log_mel_tables.h"

#define HALF (LOG_MEL_WINDOW / 2)

/* The index with its bits in reverse order, where the transform wants a sample. */
static unsigned reversed(unsigned index)
{
    unsigned found = 0;
    for (int bit = 0; bit < LOG_MEL_STAGES; bit++) {
        found |= (index >> bit & 1u) << (LOG_MEL_STAGES - 1 - bit);
    }
    return found;
}

/* A Fourier transform in place; every stage halves the values, so none overflows. */
static void transform(int32_t *real, int32_t *imaginary)
{
    for (int half = 1; half < LOG_MEL_WINDOW; half *= 2) {
        for (int first = 0; first < LOG_MEL_WINDOW; first += 2 * half) {
            for (int i = 0; i < half; i++) {
                int a = first + i, b = a + half;
                int64_t c = cosines[i * (HALF / half)], s = sines[i * (HALF / half)];
                int32_t x = (int32_t)((real[b] * c - imaginary[b] * s) >> 15);
                int32_t y = (int32_t)((real[b] * s + imaginary[b] * c) >> 15);
                real[b] = (real[a] - x) >> 1;
                imaginary[b] = (imaginary[a] - y) >> 1;
                real[a] = (real[a] + x) >> 1;
                imaginary[a] = (imaginary[a] + y) >> 1;
            }
        }
    }
}

/* The energy under a triangle of height 64. */
static uint64_t band_energy(const log_mel_scratch_t *scratch, int low, int middle, int high)
{
    uint64_t sum = 0;
    for (int i = low; i < high && i < HALF; i++) {
        int64_t real = scratch->real[i], imaginary = scratch->imaginary[i];
        uint64_t energy = (uint64_t)(real * real + imaginary * imaginary) >> 8;
        int weight = i < middle ? 64 * (i - low) / (middle - low) : 64 * (high - i) / (high - middle);
        sum += energy * (unsigned)weight;
    }
    return sum;
}

/* The logarithm to the base 2, in 1/256; 0 of 0. */
static int16_t logarithm(uint64_t value)
{
    int whole = 0;
    while (value >> whole > 1) {
        whole++;
    }
    uint64_t six_bits = whole < 6 ? value << (6 - whole) : value >> (whole - 6);
    return value == 0 ? 0 : (int16_t)(whole * 256 + logarithms[six_bits - 64]);
}

void log_mel_row(log_mel_scratch_t *scratch, const int16_t *samples, int16_t row[LOG_MEL_BANDS])
{
    for (unsigned i = 0; i < LOG_MEL_WINDOW; i++) {
        unsigned to = reversed(i);
        scratch->real[to] = ((samples[i] * hann[i] + 0x4000) >> 15) * 4096;
        scratch->imaginary[to] = 0;
    }
    transform(scratch->real, scratch->imaginary);
    for (int band = 0; band < LOG_MEL_BANDS; band++) {
        row[band] = logarithm(band_energy(scratch, edges[band], edges[band + 1], edges[band + 2]));
    }
}
