"""Inline `slowpath: allow(rule-id) reason`: which findings it silences, and which allows deserve a word themselves."""

from __future__ import annotations
