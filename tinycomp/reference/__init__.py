"""References: LiteRT's reference kernels, the simulator, and the comparison of executions."""
