/* Conventions for inline assembly that needs more registers than the compiler makes available.
 *
 * Such a block behaves like a function: it takes arguments in fixed registers, named in the surrounding C, saves the
 * callee-saved registers, and keeps what does not fit into registers in its own words on the stack. So it does not
 * depend on which registers the compiler reserves (frame pointers, position-independent code) or how it optimizes.
 *
 * With TC_NO_ASM defined, all kernels are C. */
#ifndef TINYCOMP_ASSEMBLY_H
#define TINYCOMP_ASSEMBLY_H

#if defined(__GNUC__) && !defined(TC_NO_ASM)
#define TC_ASM 1
#else
#define TC_ASM 0
#endif

/* Records the bytes of stack that a block takes in this function as an absolute symbol, since the compiler's own
 * stack figures leave them out. */
#define TC_ASM_STACK(function, bytes) ".set tc_stack_of_" function ", " bytes "\n\t"

/* Around functions whose assembly exceeds the string length that every C99 compiler must support. */
#if defined(__clang__)
#define TC_ASM_LONG_STRINGS \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Woverlength-strings\"")
#define TC_ASM_LONG_STRINGS_END _Pragma("clang diagnostic pop")
#else
#define TC_ASM_LONG_STRINGS
#define TC_ASM_LONG_STRINGS_END
#endif

/* Blocks inside loops save only r7, r9 and r11, which the compiler may reserve; the others are declared as
 * clobbered. */

/* Thumb-2: r4 to r11 and lr are free between the two, 36 bytes of stack. */
#define TC_THUMB_SAVE "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
#define TC_THUMB_RESTORE "pop {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"

/* Armv6-M: r4 to r11 are free between the two, 36 bytes of stack. r0 is saved at sp + 16; it is lost. */
#define TC_ARMV6M_SAVE                                                                        \
    "push {r0, r4, r5, r6, r7}\n\tmov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t" \
    "push {r4, r5, r6, r7}\n\t"
#define TC_ARMV6M_RESTORE                                                                \
    "pop {r4, r5, r6, r7}\n\tmov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t" \
    "pop {r0, r4, r5, r6, r7}\n\t"

/* RV32: all registers but sp, gp and tp are free between the two. `size` is a multiple of 16; the first `size` - 52
 * bytes from sp on belong to the block. */
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
