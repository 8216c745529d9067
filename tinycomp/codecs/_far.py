"""Weights in far memory: that of an AVR beyond its first 64 KB, which pointers do not reach."""

MOST_WEIGHTS = 1 << 16
"""Weights of a layer whose blocks of channels all begin at a number of 16 bits."""
WIDE_KERNEL = "conv_2d_decoded_avr"
"""The kernel that numbers more, in libraries with TC_INDEX_32."""
