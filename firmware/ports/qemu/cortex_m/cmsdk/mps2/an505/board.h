/* MPS2+ with the image AN505 (Cortex-M33 in an IoT Kit): Arm DAI 0505. Addresses are the secure ones. */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#define TC_UART 0x50200000U
#define TC_UART_HZ 20000000U
#define TC_UART_RECEIVE_INTERRUPT 32U

#define TC_FPGA_IO 0x50302000U
#define TC_CLOCK_HZ 20000000U
#define TC_CLOCK_QUARTER_NS 200U

#endif
