/* The harness as a POSIX process: standard input and output are the line (a pseudo-terminal in raw mode, or pipes). */
#define _POSIX_C_SOURCE 200809L

#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct {
    uint8_t bytes[4096];
    size_t count;
    size_t at;
} received;

static struct {
    char bytes[4096];
    size_t count;
} pending;

void tc_port_init(void)
{
    /* standard input and output are open already */
}

static void flush(void)
{
    size_t at = 0;
    while (at < pending.count) {
        const ssize_t count = write(STDOUT_FILENO, pending.bytes + at, pending.count - at);
        if (count > 0) {
            at += (size_t)count;
        } else if (errno != EINTR) {
            _Exit(1); /* the reader is gone */
        }
    }
    pending.count = 0;
}

int tc_port_read(void)
{
    while (received.at == received.count) {
        flush();
        const ssize_t count = read(STDIN_FILENO, received.bytes, sizeof received.bytes);
        if (count <= 0 && errno != EINTR) {
            return -1;
        }
        received.count = count > 0 ? (size_t)count : 0U;
        received.at = 0;
    }
    return received.bytes[received.at++];
}

void tc_port_write(char byte)
{
    pending.bytes[pending.count++] = byte;
    if (pending.count == sizeof pending.bytes) {
        flush();
    }
}

uint32_t tc_port_receive_window(void)
{
    return 2048; /* half the buffer of a pseudo-terminal */
}

uint64_t tc_port_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

const char *tc_port_tick_unit(void)
{
    return "microseconds";
}

uint32_t tc_port_ticks_per_second(void)
{
    return 1000000U;
}

const char *tc_port_interrupts(void)
{
    return "counted";
}

uint8_t *tc_port_stack_limit(void)
{
    return NULL;
}
