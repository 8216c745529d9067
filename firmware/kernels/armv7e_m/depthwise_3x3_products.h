/* Products of tiles of six outputs with windows of 3 x 3 cells on Armv7E-M, for horizontal strides of 1 and 2; see
 * depthwise_3x3.h for the cells. r0-r5 are sums, r6-r8 weights, r11 the cells, r12 what sums start at. */
#ifndef TINYCOMP_DEPTHWISE_3X3_PRODUCTS_H
#define TINYCOMP_DEPTHWISE_3X3_PRODUCTS_H

/* clang-format off */
/* Rows 0 and 1: r6, r7 and r8 are the weights of the three columns. */
#define TC_DEPTHWISE_FIRST_ROWS \
    "ldr r9, [r11, #0]\n\tsmlad r0, r9, r6, r12\n\tldr r9, [r11, #16]\n\tsmlad r1, r9, r6, r12\n\t" \
    "smlad r0, r9, r7, r0\n\tldr r9, [r11, #48]\n\tsmlad r2, r9, r6, r12\n\tsmlad r1, r9, r7, r1\n\t" \
    "smlad r0, r9, r8, r0\n\tldr r9, [r11, #64]\n\tsmlad r3, r9, r6, r12\n\tsmlad r2, r9, r7, r2\n\t" \
    "smlad r1, r9, r8, r1\n\tldr r9, [r11, #96]\n\tsmlad r4, r9, r6, r12\n\tsmlad r3, r9, r7, r3\n\t" \
    "smlad r2, r9, r8, r2\n\tldr r9, [r11, #112]\n\tsmlad r5, r9, r6, r12\n\tsmlad r4, r9, r7, r4\n\t" \
    "smlad r3, r9, r8, r3\n\tldr r9, [r11, #144]\n\tsmlad r5, r9, r7, r5\n\tsmlad r4, r9, r8, r4\n\t" \
    "ldr r9, [r11, #160]\n\tsmlad r5, r9, r8, r5\n\t"
#define TC_DEPTHWISE_FIRST_ROWS_STRIDE_2 \
    "ldr r9, [r11, #0]\n\tsmlad r0, r9, r6, r12\n\tldr r9, [r11, #16]\n\tsmlad r0, r9, r7, r0\n\t" \
    "ldr r9, [r11, #48]\n\tsmlad r1, r9, r6, r12\n\tsmlad r0, r9, r8, r0\n\tldr r9, [r11, #64]\n\t" \
    "smlad r1, r9, r7, r1\n\tldr r9, [r11, #96]\n\tsmlad r2, r9, r6, r12\n\tsmlad r1, r9, r8, r1\n\t" \
    "ldr r9, [r11, #112]\n\tsmlad r2, r9, r7, r2\n\tldr r9, [r11, #144]\n\tsmlad r3, r9, r6, r12\n\t" \
    "smlad r2, r9, r8, r2\n\tldr r9, [r11, #160]\n\tsmlad r3, r9, r7, r3\n\tldr r9, [r11, #192]\n\t" \
    "smlad r4, r9, r6, r12\n\tsmlad r3, r9, r8, r3\n\tldr r9, [r11, #208]\n\tsmlad r4, r9, r7, r4\n\t" \
    "ldr r9, [r11, #240]\n\tsmlad r5, r9, r6, r12\n\tsmlad r4, r9, r8, r4\n\tldr r9, [r11, #256]\n\t" \
    "smlad r5, r9, r7, r5\n\tldr r9, [r11, #288]\n\tsmlad r5, r9, r8, r5\n\t"
/* Row 2: r6 is the weights of the first two columns, r7 those of the last two. */
#define TC_DEPTHWISE_THIRD_ROW \
    "ldr r9, [r11, #32]\n\tsmlad r0, r9, r6, r0\n\tsmlatb r1, r9, r6, r1\n\tldr r9, [r11, #80]\n\t" \
    "smlabt r0, r9, r7, r0\n\tsmlad r1, r9, r7, r1\n\tsmlad r2, r9, r6, r2\n\tsmlatb r3, r9, r6, r3\n\t" \
    "ldr r9, [r11, #128]\n\tsmlabt r2, r9, r7, r2\n\tsmlad r3, r9, r7, r3\n\tsmlad r4, r9, r6, r4\n\t" \
    "smlatb r5, r9, r6, r5\n\tldr r9, [r11, #176]\n\tsmlabt r4, r9, r7, r4\n\tsmlad r5, r9, r7, r5\n\t"
#define TC_DEPTHWISE_THIRD_ROW_STRIDE_2 \
    "ldr r9, [r11, #32]\n\tsmlad r0, r9, r6, r0\n\tldr r9, [r11, #80]\n\tsmlabt r0, r9, r7, r0\n\t" \
    "smlad r1, r9, r6, r1\n\tldr r9, [r11, #128]\n\tsmlabt r1, r9, r7, r1\n\tsmlad r2, r9, r6, r2\n\t" \
    "ldr r9, [r11, #176]\n\tsmlabt r2, r9, r7, r2\n\tsmlad r3, r9, r6, r3\n\tldr r9, [r11, #224]\n\t" \
    "smlabt r3, r9, r7, r3\n\tsmlad r4, r9, r6, r4\n\tldr r9, [r11, #272]\n\tsmlabt r4, r9, r7, r4\n\t" \
    "smlad r5, r9, r6, r5\n\tldr r9, [r11, #320]\n\tsmlabt r5, r9, r7, r5\n\t"
/* clang-format on */

#endif
