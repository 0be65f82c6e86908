"""Which awaits a name may owe its value to, scope by scope.

An await is a bit in a mask. A name has a mask for itself and one for each property assigned on its own, so that
`body.filters` is not `body.range`.
"""

from __future__ import annotations

Path = tuple[str, str]
"""(name, property or nothing)"""


class Scopes:
    """Innermost last; the first one holds what the function did not declare itself."""

    def __init__(self) -> None:
        self._frames: list[dict[str, dict[str, int]]] = [{}]
        self.assigned: set[str] = set()
        """Names assigned, in whatever scope they live, since somebody emptied the set."""

    def push(self) -> None:
        self._frames.append({})

    def pop(self) -> None:
        self._frames.pop()

    def declare(self, name: str, mask: int) -> None:
        self._frames[-1][name] = {"": mask}

    def local(self, name: str) -> bool:
        """Declared in the function, its parameters excepted."""
        return any(name in frame for frame in self._frames[1:])

    def _frame(self, name: str) -> dict[str, dict[str, int]]:
        for frame in reversed(self._frames):
            if name in frame:
                return frame
        return self._frames[0]

    def read(self, path: Path) -> int:
        """What a read of the path may rest on: with no property, all of them."""
        known = self._frame(path[0]).get(path[0])
        if known is None:
            return 0
        if path[1]:
            return known.get("", 0) | known.get(path[1], 0)
        mask = 0
        for part in known.values():
            mask |= part
        return mask

    def taint(self, path: Path, mask: int) -> None:
        """The path may from now on rest on these awaits too."""
        if mask:
            known = self._frame(path[0]).setdefault(path[0], {})
            known[path[1]] = known.get(path[1], 0) | mask

    def assign(self, path: Path, mask: int) -> None:
        self.assigned.add(path[0])
        self.taint(path, mask)
