/* The harness as a target of libFuzzer: an input is what a host sends. Every command must be answered once, in ASCII,
 * whatever was sent before; the sanitizers see the rest. Ends after FUZZ_BYTES bytes. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_port.h"
#include "server.h"

#ifndef FUZZ_BYTES
#define FUZZ_BYTES 10000000UL
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long bytes, inputs, replies;
static char line[512];
static size_t length;

static void fail(const char *what)
{
    fprintf(stderr, "harness: %s\n", what);
    abort();
}

void tc_port_init(void)
{
    length = 0;
    replies = 0;
}

void tc_port_write(char byte)
{
    if (byte == '\n') {
        if (length == 0 || line[length - 1] != '\r') {
            fail("a line that does not end with CR LF");
        }
        replies += length == 8 && memcmp(line, "m-ready", 7) == 0;
        length = 0;
        return;
    }
    if (!isprint((unsigned char)byte) && byte != '\r') {
        fail("a byte that is not printable ASCII");
    }
    if (length == sizeof line) {
        fail("a line of more than 512 bytes");
    }
    line[length++] = byte;
}

uint32_t tc_port_receive_window(void)
{
    return 0;
}

const char *tc_port_interrupts(void)
{
    return "off";
}

/* Thousands of inferences are only slow. */
static int is_slow(const uint8_t *data, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        digits = isdigit(data[i]) ? digits + 1 : 0;
        if (digits == 3 && i > 8) {
            for (size_t j = i - 8; j < i; j++) {
                if (data[j] == 'r' && data[j + 1] == ' ') {
                    return 1;
                }
            }
        }
    }
    return 0;
}

/* Sends the bytes and a '%', which ends a command that they leave behind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[8192];
    unsigned long commands = 1; /* boot */
    if (size >= sizeof copy || is_slow(data, size)) {
        return -1;
    }
    memcpy(copy, data, size);
    copy[size] = '%';
    for (size_t i = 0; i <= size; i++) {
        commands += copy[i] == '%';
    }
    at = copy;
    left = size + 1;
    tc_server_run();
    if (replies != commands) {
        fail("not one reply for each command");
    }
    bytes += size;
    inputs++;
    if (bytes >= FUZZ_BYTES) {
        printf("%lu bytes in %lu inputs: every command was answered once\n", bytes, inputs);
        fflush(stdout);
        _Exit(0);
    }
    return 0;
}
