/* ESP-IDF, 4.4 or later: UART 0 as the line, or the chip's own USB port where the project's console uses that; the
 * core's cycle counter as the clock, joined with esp_timer. One task, which stays on the core that it started on. */
#include "port.h"

#include <driver/uart.h>
#include <esp_rom_sys.h>
#include <esp_timer.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <sdkconfig.h>

#include "counter.h"
#include "cycles.h"

#if defined(CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG)
#include <driver/usb_serial_jtag.h>
#endif
#if defined(__has_include)
#if __has_include(<freertos/idf_additions.h>)
#include <freertos/idf_additions.h>
#endif
#endif

#define BUFFER 1024 /* bytes, for each direction */
#define LINE UART_NUM_0

static uint32_t counter(void)
{
    return tc_counter_read();
}

static uint32_t microseconds(void)
{
    return (uint32_t)esp_timer_get_time();
}

static tc_cycles_t cycles = {counter, microseconds, TC_COUNTER_LAST, 0, 0, 0, 0};
static bool counts_cycles;

#if defined(CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG)
static void open_line(void)
{
    usb_serial_jtag_driver_config_t config = {.tx_buffer_size = BUFFER, .rx_buffer_size = BUFFER};
    usb_serial_jtag_driver_install(&config);
}

static int receive(uint8_t *byte)
{
    return usb_serial_jtag_read_bytes(byte, 1, portMAX_DELAY);
}

static void send(const char *byte)
{
    while (usb_serial_jtag_write_bytes(byte, 1, portMAX_DELAY) != 1) {
    }
}

static void wait_until_sent(void)
{
    /* USB's interrupts are counted */
}
#else
static void open_line(void)
{
    const uart_config_t config = {.baud_rate = TC_BAUD,
                                  .data_bits = UART_DATA_8_BITS,
                                  .parity = UART_PARITY_DISABLE,
                                  .stop_bits = UART_STOP_BITS_1,
                                  .flow_ctrl = UART_HW_FLOWCTRL_DISABLE};
    uart_driver_install(LINE, BUFFER, BUFFER, 0, NULL, 0);
    uart_param_config(LINE, &config);
}

static int receive(uint8_t *byte)
{
    return uart_read_bytes(LINE, byte, 1, portMAX_DELAY);
}

static void send(const char *byte)
{
    uart_write_bytes(LINE, byte, 1);
}

static void wait_until_sent(void)
{
    uart_wait_tx_done(LINE, portMAX_DELAY);
}
#endif

void tc_port_init(void)
{
    open_line();
    tc_counter_start();
    counts_cycles = tc_cycles_start(&cycles, esp_rom_get_cpu_ticks_per_us() * 1000000U);
}

int tc_port_read(void)
{
    uint8_t byte;
    while (receive(&byte) != 1) {
    }
    return byte;
}

void tc_port_write(char byte)
{
    send(&byte);
}

uint32_t tc_port_receive_window(void)
{
    return BUFFER / 2U;
}

/* Waits until the line is idle first: sending causes interrupts too. */
uint64_t tc_port_ticks(void)
{
    wait_until_sent();
    return counts_cycles ? tc_cycles_read(&cycles) : (uint64_t)esp_timer_get_time();
}

const char *tc_port_tick_unit(void)
{
    return counts_cycles ? "cycles" : "microseconds";
}

uint32_t tc_port_ticks_per_second(void)
{
    return counts_cycles ? cycles.per_second : 1000000U;
}

const char *tc_port_interrupts(void)
{
    return "counted";
}

uint8_t *tc_port_stack_limit(void)
{
    return pxTaskGetStackStart(NULL);
}
