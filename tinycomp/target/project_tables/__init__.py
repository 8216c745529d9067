"""Tables of board files for kinds of projects: one module per table, with the table's name."""
