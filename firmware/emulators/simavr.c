/* Runs a program on a simulated AVR chip, with its first UART as standard input and output. Link with -lsimavr.
 *
 *   simavr CHIP HERTZ PROGRAM.elf [true]
 *
 * With `true` the chip runs in real time, or slower if the computer can't keep up; otherwise as fast as possible.
 * Runs until it is killed, until standard input is closed, or until the chip crashes or sleeps with interrupts disabled
 * (exit code 1). */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_time.h>

#define UART '0'
#define CYCLES_BETWEEN_LOOKS 20000U
#define PATIENCE_MS 100

static struct {
    avr_irq_t *receive;
    uint8_t bytes[4096]; /* bytes from standard input for the chip */
    size_t count;
    size_t at;
    bool ready; /* the UART can take another byte */
    bool closed;
} line = {.ready = true};

/* Waits for bytes, at most that long, and takes what is available. */
static void look(int milliseconds)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    if (line.at < line.count || line.closed || poll(&input, 1, milliseconds) <= 0) {
        return;
    }
    const ssize_t count = read(STDIN_FILENO, line.bytes, sizeof line.bytes);
    line.closed = count <= 0;
    line.count = count > 0 ? (size_t)count : 0U;
    line.at = 0;
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

/* Waits until real time reaches the chip's time. Delays are not caught up. */
static void pace(avr_t *avr)
{
    static uint64_t ahead_of;
    const uint64_t due = ahead_of + avr->cycle * 1000000U / avr->frequency;
    const uint64_t now = now_us();
    if (due <= now) {
        ahead_of += now - due;
    } else if (due - now >= 1000U) {
        usleep((useconds_t)(due - now));
    }
}

static void feed(void)
{
    while (line.ready && line.at < line.count) {
        avr_raise_irq(line.receive, line.bytes[line.at++]);
    }
}

static void on_ready(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)value;
    (void)unused;
    line.ready = true;
}

static void on_full(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)value;
    (void)unused;
    line.ready = false;
}

static void on_sent(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)unused;
    putchar((int)value);
}

/* While the chip sleeps, this process does too, until a byte arrives. */
static void on_sleep(avr_t *avr, avr_cycle_count_t cycles)
{
    const uint64_t milliseconds = avr_cycles_to_usec(avr, cycles) / 1000U;
    fflush(stdout);
    look(milliseconds < PATIENCE_MS ? (int)milliseconds : PATIENCE_MS);
}

/* Standard output is the serial line, so messages of simavr go to standard error. */
static void on_message(avr_t *avr, const int level, const char *format, va_list arguments)
{
    if (avr == NULL || avr->log >= level) {
        vfprintf(stderr, format, arguments);
    }
}

static void connect_uart(avr_t *avr)
{
    uint32_t flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS(UART), &flags);
    line.receive = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(UART), UART_IRQ_INPUT);
    if (line.receive == NULL) {
        fprintf(stderr, "simavr's %s has no UART %c; a chip with its own USB, or without a UART, needs a stand-in\n",
                avr->mmcu, UART);
        exit(1);
    }
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(UART), UART_IRQ_OUTPUT), on_sent, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(UART), UART_IRQ_OUT_XON), on_ready, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ(UART), UART_IRQ_OUT_XOFF), on_full, NULL);
}

static avr_t *chip(const char *name, uint32_t hertz, const char *program)
{
    static elf_firmware_t firmware;
    avr_global_logger_set(on_message);
    avr_t *const avr = avr_make_mcu_by_name(name);
    if (avr == NULL || elf_read_firmware(program, &firmware) != 0) {
        fprintf(stderr, "simavr knows no chip %s, or can't read %s\n", name, program);
        exit(1);
    }
    firmware.frequency = hertz;
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    avr->log = LOG_ERROR;
    avr->sleep = on_sleep;
    connect_uart(avr);
    return avr;
}

int main(int count, char **arguments)
{
    const bool paced = count == 5 && strcmp(arguments[4], "true") == 0;
    if (count != 4 && !paced) {
        fprintf(stderr, "usage: simavr CHIP HERTZ PROGRAM.elf [true]\n");
        return 1;
    }
    avr_t *const avr = chip(arguments[1], (uint32_t)strtoul(arguments[2], NULL, 10), arguments[3]);
    avr_cycle_count_t next = 0;
    int state = cpu_Running;
    while (state != cpu_Done && state != cpu_Crashed && !line.closed) {
        state = avr_run(avr);
        if (avr->cycle >= next) {
            next = avr->cycle + CYCLES_BETWEEN_LOOKS;
            fflush(stdout);
            look(0);
            if (paced) {
                pace(avr);
            }
        }
        feed();
    }
    fflush(stdout);
    if (!line.closed) {
        fprintf(stderr, "the chip %s\n", state == cpu_Done ? "sleeps with interrupts disabled" : "crashed");
    }
    return line.closed ? 0 : 1;
}
