"""Planning: the schedule by rows, and the address of every buffer in one arena."""
