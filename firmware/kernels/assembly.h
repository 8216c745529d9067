/* How kernels hold blocks of assembly that need more registers than a compiler hands out.
 *
 * Such a block behaves like a function: arguments come in registers that are named in the C around it, it saves what
 * callers expect to find again, and what does not fit into registers lies in words of its own on the stack. So it does
 * not matter which registers the compiler keeps for itself (frame pointers, position-independent code), nor how it
 * optimizes.
 *
 * With TC_NO_ASM defined, all kernels are C. */
#ifndef TINYCOMP_ASSEMBLY_H
#define TINYCOMP_ASSEMBLY_H

#if defined(__GNUC__) && !defined(TC_NO_ASM)
#define TC_ASM 1
#else
#define TC_ASM 0
#endif

/* Records, as a symbol without an address, the bytes of stack that a block takes in this function, which the
 * compiler's own figures leave out. */
#define TC_ASM_STACK(function, bytes) ".set tc_stack_of_" function ", " bytes "\n\t"

/* Around functions whose assembly is longer than the strings that every C99 compiler has to take. */
#if defined(__clang__)
#define TC_ASM_LONG_STRINGS \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Woverlength-strings\"")
#define TC_ASM_LONG_STRINGS_END _Pragma("clang diagnostic pop")
#else
#define TC_ASM_LONG_STRINGS
#define TC_ASM_LONG_STRINGS_END
#endif

/* Blocks inside of loops leave it to the compiler to save what it never keeps for itself, and save r7, r9 and r11. */

/* Thumb-2: r4 to r11 and lr are free between both, 36 bytes of stack. */
#define TC_THUMB_SAVE "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
#define TC_THUMB_RESTORE "pop {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"

/* Armv6-M: r4 to r11 are free between both, 36 bytes of stack. r0 lies at sp + 16; it is lost. */
#define TC_ARMV6M_SAVE                                                                        \
    "push {r0, r4, r5, r6, r7}\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t" \
    "push {r4, r5, r6, r7}\n\t"
#define TC_ARMV6M_RESTORE                                                                \
    "pop {r4, r5, r6, r7}\n\tmov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t" \
    "pop {r0, r4, r5, r6, r7}\n\t"

/* RV32: all registers but sp, gp and tp are free between both. `size` is a multiple of 16; the first `size` - 52 bytes
 * from sp on are the block's own. */
#define TC_RV32_SAVE(size)                                                            \
    "addi sp, sp, -" size "\n\tsw s0, " size "-4(sp)\n\tsw s1, " size "-8(sp)\n\t"    \
    "sw s2, " size "-12(sp)\n\tsw s3, " size "-16(sp)\n\tsw s4, " size "-20(sp)\n\t"  \
    "sw s5, " size "-24(sp)\n\tsw s6, " size "-28(sp)\n\tsw s7, " size "-32(sp)\n\t"  \
    "sw s8, " size "-36(sp)\n\tsw s9, " size "-40(sp)\n\tsw s10, " size "-44(sp)\n\t" \
    "sw s11, " size "-48(sp)\n\tsw ra, " size "-52(sp)\n\t"
#define TC_RV32_RESTORE(size)                                                          \
    "lw s0, " size "-4(sp)\n\tlw s1, " size "-8(sp)\n\tlw s2, " size "-12(sp)\n\t"     \
    "lw s3, " size "-16(sp)\n\tlw s4, " size "-20(sp)\n\tlw s5, " size "-24(sp)\n\t"   \
    "lw s6, " size "-28(sp)\n\tlw s7, " size "-32(sp)\n\tlw s8, " size "-36(sp)\n\t"   \
    "lw s9, " size "-40(sp)\n\tlw s10, " size "-44(sp)\n\tlw s11, " size "-48(sp)\n\t" \
    "lw ra, " size "-52(sp)\n\taddi sp, sp, " size "\n\t"

#endif
