/* QEMU's virt machine with a 32-bit RISC-V core. */
#ifndef TC_BOARD_H
#define TC_BOARD_H

#define TC_CLOCK_HZ 10000000U
#define TC_CLOCK_QUARTER_NS 400U

#endif
