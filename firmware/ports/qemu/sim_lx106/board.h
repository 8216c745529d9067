/* QEMU's sim machine with an Xtensa LX106: its cycle counter runs at 40 MHz of virtual time. */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#define TC_CLOCK_HZ 40000000U
#define TC_CLOCK_QUARTER_NS 100U

#endif
