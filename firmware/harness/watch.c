/* The hooks of the watched inference: see watch.h. */
#include "watch.h"

#include <string.h>

#include "crc32.h"
#include "model.h"
#include "port.h"

typedef enum { TICKS, CHECKSUMS, ONE_TENSOR } watch_mode_t;

static struct {
    watch_mode_t mode;
    uint64_t start; /* of the step */
    uint64_t stop;
    uint64_t overhead; /* of reading the clock twice */
    uint16_t tensor;
    void (*take)(uint32_t offset, const int8_t *data, uint32_t size);
} watch;

static void run(watch_mode_t mode)
{
    watch.mode = mode;
    if (mode != ONE_TENSOR) {
        const size_t cells = tc_model.node_count > tc_model.tensor_count ? tc_model.node_count : tc_model.tensor_count;
        memset(tc_model.trace, 0, cells * sizeof tc_model.trace[0]);
    }
    tc_model.invoke_watched();
}

void tc_watch_ticks(void)
{
    watch.overhead = 0;
    watch.mode = TICKS;
    tc_model.trace[0].ticks = 0;
    tc_step_begin(0);
    tc_step_stop();
    tc_step_end(0, 0, 0, NULL, 0);
    watch.overhead = tc_model.trace[0].ticks;
    run(TICKS);
}

static void checksum(tc_trace_t *trace, uint32_t offset, const int8_t *data, uint32_t size)
{
    if (offset != trace->checksum.size) {
        trace->checksum.size = TC_UNORDERED;
        return;
    }
    trace->checksum.crc = tc_crc32(trace->checksum.crc, (const uint8_t *)data, size);
    trace->checksum.size += size;
}

void tc_watch_checksums(void)
{
    const uint32_t crc = tc_crc32(0, (const uint8_t *)tc_model.input(), tc_model.input_size);
    run(CHECKSUMS);
    tc_model.trace[0].checksum.crc = crc;
    tc_model.trace[0].checksum.size = tc_model.input_size;
}

void tc_watch_tensor(uint16_t tensor, void (*take)(uint32_t offset, const int8_t *data, uint32_t size))
{
    if (tensor == 0U) {
        take(0, tc_model.input(), tc_model.input_size);
        return;
    }
    watch.tensor = tensor;
    watch.take = take;
    run(ONE_TENSOR);
}

void tc_step_begin(uint16_t node)
{
    (void)node;
    if (watch.mode == TICKS) {
        watch.start = tc_port_ticks();
    }
}

void tc_step_stop(void)
{
    if (watch.mode == TICKS) {
        watch.stop = tc_port_ticks();
    }
}

void tc_step_end(uint16_t node, uint16_t tensor, uint32_t offset, const int8_t *data, uint32_t size)
{
    if (watch.mode == TICKS) {
        const uint64_t ticks = watch.stop - watch.start;
        tc_model.trace[node].ticks += ticks > watch.overhead ? ticks - watch.overhead : 0U;
    } else if (size == 0U || tensor == 0U) { /* a step that only accumulates has no output yet */
        return;
    } else if (watch.mode == CHECKSUMS) {
        checksum(&tc_model.trace[tensor], offset, data, size);
    } else if (tensor == watch.tensor) {
        watch.take(offset, data, size);
    }
}
