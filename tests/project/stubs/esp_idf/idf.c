/* What the port calls, on standard input and output; and main, which calls app_main. */
#include <driver/uart.h>
#include <esp_rom_sys.h>
#include <esp_timer.h>
#include <freertos/idf_additions.h>
#include <stdlib.h>
#include <unistd.h>

void app_main(void);

static int line_is_open;

esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              void **uart_queue, int intr_alloc_flags)
{
    line_is_open = rx_buffer_size > 128 && tx_buffer_size >= 0;
    (void)queue_size;
    (void)uart_queue;
    (void)intr_alloc_flags;
    return uart_num;
}

esp_err_t uart_param_config(uart_port_t uart_num, const uart_config_t *uart_config)
{
    line_is_open &= uart_config->baud_rate == 115200 && uart_config->data_bits == UART_DATA_8_BITS;
    return uart_num;
}

int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait)
{
    const long count = line_is_open ? read(STDIN_FILENO, buf, length) : 0;
    (void)uart_num;
    (void)ticks_to_wait;
    if (count <= 0) {
        exit(line_is_open ? 0 : 1);
    }
    return (int)count;
}

int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size)
{
    (void)uart_num;
    return (int)write(STDOUT_FILENO, src, size);
}

esp_err_t uart_wait_tx_done(uart_port_t uart_num, TickType_t ticks_to_wait)
{
    (void)ticks_to_wait;
    return uart_num;
}

int64_t esp_timer_get_time(void)
{
    static int64_t now;
    return now += 1000;
}

uint32_t esp_rom_get_cpu_ticks_per_us(void)
{
    return 240;
}

uint8_t *pxTaskGetStackStart(TaskHandle_t task)
{
    (void)task;
    return NULL;
}

int main(void)
{
    app_main();
    return 0;
}
