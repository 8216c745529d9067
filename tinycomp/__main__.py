"""`python -m tinycomp`."""

from tinycomp.cli.main import main

main()
