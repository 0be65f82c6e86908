"""slowpath: finds what makes a Rust + TypeScript/React product slow, and shows the path that proves it."""

__version__ = "0.1.0"
