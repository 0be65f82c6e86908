"""Questions about a build's modules: who is imported both ways, what a feature brings, and by which imports."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping

from slowpath.runtime.bundle_shapes import Build, closure


class Graph:
    """The imports between modules, and the modules of the first load with their bytes."""

    def __init__(self, build: Build, first: Mapping[str, int]) -> None:
        self.first = first
        self.entries = build.entries
        self.static: dict[str, list[str]] = defaultdict(list)
        self.dynamic: dict[str, list[str]] = defaultdict(list)
        for link in build.links:
            (self.dynamic if link.dynamic else self.static)[link.importer].append(link.module)

    def both_ways(self) -> list[str]:
        """Modules of the first load that `import()` names, and a module that is there imports statically."""
        later = {module for modules in self.dynamic.values() for module in modules}
        reached = set(closure(self.entries, self.static))
        at_once = {module for name, modules in self.static.items() if name in reached for module in modules}
        return sorted(later & at_once & self.first.keys())

    def chain(self, targets: Collection[str]) -> tuple[str, ...]:
        """The shortest way of static imports from an entry to one of the modules, both ends named."""
        came: dict[str, str | None] = dict.fromkeys(self.entries)
        waiting = deque(came)
        while waiting:
            name = waiting.popleft()
            if name in targets:
                found: list[str] = []
                at: str | None = name
                while at is not None:
                    found.append(at)
                    at = came[at]
                return tuple(found[::-1])
            for other in self.static.get(name, ()):
                if other not in came:
                    came[other] = name
                    waiting.append(other)
        return ()

    def leaving(self, targets: Collection[str]) -> int:
        """Bytes that the first load would lose if nothing imported the modules statically."""
        kept = {
            name: [other for other in others if other not in targets]
            for name, others in self.static.items()
            if name not in targets
        }
        left = set(closure((entry for entry in self.entries if entry not in targets), kept))
        reached = set(closure(self.entries, self.static))
        return sum(size for module, size in self.first.items() if module in reached and module not in left)


def by_package(modules: Iterable[tuple[str, int]], name: Mapping[str, str]) -> list[tuple[str, int]]:
    """Bytes by package or own module, largest first."""
    summed: dict[str, int] = defaultdict(int)
    for module, size in modules:
        summed[name.get(module, module)] += size
    return sorted(summed.items(), key=lambda each: (-each[1], each[0]))
