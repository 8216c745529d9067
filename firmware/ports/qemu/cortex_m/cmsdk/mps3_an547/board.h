/* MPS3 with the image AN547 (Cortex-M55 in an SSE-300 subsystem): Arm DAI 0547. Addresses are the secure ones. */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#define TC_UART 0x59303000U
#define TC_UART_HZ 25000000U
#define TC_UART_RECEIVE_INTERRUPT 33U

#define TC_CLOCK_HZ 32000000U
#define TC_CLOCK_QUARTER_NS 125U

#endif
