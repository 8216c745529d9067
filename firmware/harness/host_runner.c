/* Runs the model on a host, without the protocol. stdin: samples of input_size bytes until end of file. stdout: every
 * part of every tensor as a record (uint16 tensor, uint32 offset, uint32 size, the bytes; little endian), and after
 * each sample an empty record of tensor 65535. Exit codes: 0, 1 output failed, 2 incomplete sample, 3 the measured and
 * the watched inference differ. */
#include <stdio.h>
#include <stdlib.h>

#include "crc32.h"
#include "model.h"

#define END_OF_SAMPLE UINT16_MAX

static void write_bytes(const void *bytes, size_t count)
{
    if (count > 0U && fwrite(bytes, 1, count, stdout) != count) {
        _Exit(1);
    }
}

static void write_record(uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size)
{
    const uint8_t header[10] = {
        (uint8_t)tensor,         (uint8_t)(tensor >> 8),  (uint8_t)offset, (uint8_t)(offset >> 8),
        (uint8_t)(offset >> 16), (uint8_t)(offset >> 24), (uint8_t)size,   (uint8_t)(size >> 8),
        (uint8_t)(size >> 16),   (uint8_t)(size >> 24),
    };
    write_bytes(header, sizeof header);
    write_bytes(data, size);
}

void tc_step_begin(uint16_t node)
{
    (void)node;
}

void tc_step_stop(void)
{
}

void tc_step_end(uint16_t node, uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size)
{
    (void)node;
    if (tensor != 0U) {
        write_record(tensor, offset, data, size);
    }
}

static uint32_t output_after(void (*invoke)(void))
{
    invoke();
    return tc_crc32(0, (const uint8_t *)tc_model.output, tc_model.output_size);
}

int main(void)
{
    size_t count;
    for (size_t samples = 0; (count = fread(tc_model.input(), 1, tc_model.input_size, stdin)) > 0U; samples++) {
        if (count != tc_model.input_size) {
            return 2;
        }
        const uint32_t watched = output_after(tc_model.invoke_watched);
        write_record(END_OF_SAMPLE, 0, NULL, 0);
        if (samples == 0U && output_after(tc_model.invoke) != watched) { /* once: it costs an inference */
            return 3;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
