"""`python -m slowpath`."""

from slowpath.cli import main

main()
