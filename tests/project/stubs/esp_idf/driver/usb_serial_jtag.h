#ifndef USB_SERIAL_JTAG_H
#define USB_SERIAL_JTAG_H

#include <freertos/FreeRTOS.h>
#include <stddef.h>

typedef struct {
    uint32_t tx_buffer_size;
    uint32_t rx_buffer_size;
} usb_serial_jtag_driver_config_t;

int usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *usb_serial_jtag_driver_config);
int usb_serial_jtag_read_bytes(void *buf, uint32_t length, TickType_t ticks_to_wait);
int usb_serial_jtag_write_bytes(const void *src, size_t size, TickType_t ticks_to_wait);

#endif
