"""What users can choose, with the defaults: one dataclass for each goal.

The command line, the Python interface and tinycomp.toml all fill these. Modules here import nothing
heavy, so that `tinycomp --help` is fast.
"""
