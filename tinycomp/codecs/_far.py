"""Weights in far memory: an AVR's program memory beyond the first 64 KB, out of reach of
pointers.
"""

MOST_WEIGHTS = 1 << 16
"""The most weights of a layer for which all blocks of channels start at a 16-bit index."""
WIDE_KERNEL = "conv_2d_decoded_avr"
"""The kernel that supports more weights, in libraries with TC_INDEX_32."""
