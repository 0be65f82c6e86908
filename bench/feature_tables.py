#!/usr/bin/env python3
"""Writes what is known of crates' features, and checks the evidence tables against the crates' own sources.

usage: feature_tables.py regenerate [CRATE …]     graphs.json, from cargo's index, for the crates of all tables and CRATEs
"""

from __future__ import annotations

import argparse

import feature_graphs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["regenerate"])
    parser.add_argument("crates", nargs="*")
    options = parser.parse_args()
    feature_graphs.regenerate(options.crates)


if __name__ == "__main__":
    main()
