"""One pure function per rule that a page alone cannot express: `check(program, rule) -> Iterator[Finding]`."""
