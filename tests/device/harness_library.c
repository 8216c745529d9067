/* The harness as a library of this computer: bytes in, bytes out, for tests of what a line does to them. */
#include <string.h>

#include "fake_port.h"
#include "server.h"

size_t exchange(const uint8_t *bytes, size_t count, char *replies, size_t room);

static char *to;
static size_t written, size;

/* Sends bytes, after a restart with its boot lines; returns the size of what is replied. */
size_t exchange(const uint8_t *bytes, size_t count, char *replies, size_t room)
{
    at = bytes;
    left = count;
    to = replies;
    written = 0;
    size = room;
    now = 0; /* the boot lines hold a time: they are of one length */
    tc_server_run();
    return written;
}

void tc_port_init(void)
{
    /* nothing to start */
}

void tc_port_write(char byte)
{
    if (written < size) {
        to[written++] = byte;
    }
}

uint32_t tc_port_receive_window(void)
{
    return 64;
}

const char *tc_port_interrupts(void)
{
    return "counted";
}
