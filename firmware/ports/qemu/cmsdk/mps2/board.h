/* MPS2+ with the images AN385, AN386 and AN500 (Cortex-M3, M4 and M7): Arm DAI 0385, 0386, 0500. */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#define TC_UART 0x40004000U
#define TC_UART_HZ 25000000U
#define TC_UART_RECEIVE_INTERRUPT 0U

#define TC_CLOCK_HZ 25000000U
#define TC_CLOCK_QUARTER_NS 160U

#endif
