"""Where samples come from: one module for each format of files or folders."""
