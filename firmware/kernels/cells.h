/* The cells of a pooling window that are inside the input, and the maximum and sum of one channel over them. */
#ifndef TINYCOMP_CELLS_H
#define TINYCOMP_CELLS_H

#include "tinycomp.h"
#include "window.h"

typedef struct {
    const int8_t *row;      /* the window's first row, at column 0 of the input */
    const int8_t *first;    /* the window's first cell */
    const int8_t *end;      /* of the ring that holds the rows */
    size_t ring, stride;    /* bytes of the whole ring; from one row to the next */
    uint16_t rows, columns; /* of the window */
} tc_cells_t;

/* Not inline: most call sites run once a row, or only at a border. */
static __attribute__((noinline)) tc_span_t tc_cells_span(int32_t origin, uint16_t size, uint16_t kernel)
{
    return tc_span(origin, size, kernel, 1);
}

/* The rows of windows of `kernel` rows from row `top` on, over an input of `height` rows. */
static inline tc_cells_t tc_cells_of_rows(const tc_input_t *in, int32_t top, uint16_t height, uint16_t kernel)
{
    const tc_span_t span = tc_cells_span(top, height, kernel);
    tc_cells_t cells;
    cells.row = tc_input_row(in, (uint16_t)(top + span.begin));
    cells.first = cells.row;
    cells.stride = in->stride;
    cells.ring = TC_RING(in) * in->stride;
    cells.end = in->base + cells.ring;
    cells.rows = (uint16_t)(span.end - span.begin);
    cells.columns = 0;
    return cells;
}

/* The columns of one such window: `kernel` columns from `left` on, over rows of `width` cells. */
static inline void tc_cells_move(tc_cells_t *cells, int32_t left, uint16_t width, uint16_t kernel, size_t channels)
{
    uint16_t begin = 0, end = kernel;
    if (left < 0 || left + kernel > width) {
        const tc_span_t span = tc_cells_span(left, width, kernel);
        begin = span.begin;
        end = span.end;
    }
    cells->first = cells->row + (size_t)(left + begin) * channels;
    cells->columns = (uint16_t)(end - begin);
}

/* The cell below. */
static inline const int8_t *tc_cells_below(const tc_cells_t *cells, const int8_t *cell)
{
    cell += cells->stride;
    return !TC_NO_RINGS && cell >= cells->end ? cell - cells->ring : cell;
}

/* The largest value of channel c, or `low` if that is larger. */
static inline int8_t tc_cells_largest(const tc_cells_t *cells, size_t channels, size_t c, int8_t low)
{
    const int8_t *row = cells->first + c;
    int largest = low;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            largest = *cell > largest ? *cell : largest;
        }
    }
    return (int8_t)largest;
}

/* The sum of channel c. */
static inline int32_t tc_cells_sum(const tc_cells_t *cells, size_t channels, size_t c)
{
    const int8_t *row = cells->first + c;
    int32_t sum = 0;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            sum += *cell;
        }
    }
    return sum;
}

#endif
