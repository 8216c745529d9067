/* BBC micro:bit V1 as QEMU has it: its timers run at 16 MHz of virtual time. */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#define TC_CLOCK_HZ 16000000U
#define TC_CLOCK_QUARTER_NS 250U

#endif
