"""Plan: order of work by rows, and the address of every buffer in one arena."""
