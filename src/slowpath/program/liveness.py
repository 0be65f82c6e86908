"""Whether a running server gets to a function: by a route, a message, a task, or as a library that somebody calls.

Start-up is what only `main`, tests, benches, examples, build scripts and command line tools reach.
"""

from __future__ import annotations

import re
from collections import deque
from functools import cache, cached_property

from slowpath.program.contexts import Contexts
from slowpath.program.paths import known, named
from slowpath.program.rust import Crate, Function, RustProgram, Site, TypeItem

FOR_TESTS = re.compile(r"(^|_)(tests?|testing|mock|fake|dummy)(_|$)")
"""Names of functions that, where nothing is seen to call them, tests call."""


@cache
def _entry(name: str) -> re.Pattern[str]:
    return re.compile(known()["entry"][name])


class Liveness:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.contexts = program.shared(Contexts)
        self._live: dict[tuple[int, bool], bool] = {}
        self._handlers: dict[int, bool] = {}
        self._used: dict[str, set[str]] = {}
        """package folder → first segments of the paths that its code names"""

    def is_handler(self, function: Function) -> bool:
        """Whether a framework calls a function by an attribute, or because it was registered by name."""
        if id(function) not in self._handlers:
            self._handlers[id(function)] = self._is_handler(function)
        return self._handlers[id(function)]

    def _is_handler(self, function: Function) -> bool:
        if self.is_main(function):
            return False
        if any(_entry("functions").match(attribute) for attribute in function.fact.attributes):
            return True
        if self.is_resolver(function):
            return True
        return any(self._is_registered(site) for site in self.program.callers(function))

    def _is_registered(self, site: Site) -> bool:
        """Whether a function is handed, by its path, to a framework that will call it: `get(show)`."""
        level = site.function.fact.scopes[site.call.scope]
        if site.function.test or level.kind != "closure" or not level.subject:
            return False
        taker = self.contexts.consumer(site.function, f"|{site.call.scope}")
        if any(
            use.path.partition("::")[0] in known()["entry"]["filters"]
            for use in self.program.facts[site.function.file].uses
        ):
            return True
        return taker is not None and not self._applies(taker, f"|{site.call.scope}")

    def _applies(self, taker: Site, operand: str) -> bool:
        """Whether a call runs the function it is given itself, now or on another thread."""
        call = taker.call
        if call.receiver != "-" and call.name in known()["iteration"]["adaptors"] + known()["apply"]["methods"]:
            return True
        if any(self.contexts.matches(taker, named(section)) for section in ("offload", "once", "fallback", "spawn")):
            return True
        position = call.args.index(operand) + (call.receiver != "-") if operand in call.args else -1
        for callee in self.program.resolve(taker).functions:
            params = callee.fact.params
            name = params[position][0] if 0 <= position < len(params) else ""
            if name and any(inner.name == name or name in inner.args for inner in callee.fact.calls):
                return True
        return False

    def is_resolver(self, function: Function) -> bool:
        owner = function.owner
        return owner is not None and any(_entry("resolvers").match(a) for a in owner.attributes)

    def runs_on_worker(self, function: Function) -> bool:
        """A sync function that the framework calls inline on an async worker."""
        if function.fact.is_async or function.test:
            return False
        if self.is_resolver(function) or self._is_called_inline(function):
            return True
        if not any(_entry("functions").match(a) for a in function.fact.attributes):
            return False
        roots = known()["entry"]["sync-frameworks"]
        crate = self.program.facts[function.file]
        return any(use.path.split("::")[0] in roots for use in crate.uses) or any(
            attribute.split("::")[0] in roots for attribute in function.fact.attributes
        )

    def _is_called_inline(self, function: Function) -> bool:
        """Whether a runtime calls a sync method between the polls of its worker: an actor's handler, an interceptor."""
        trait, kind = function.trait, function.self_type
        if not isinstance(trait, str) or (isinstance(kind, TypeItem) and kind.on_threads):
            return False
        crates = known()["entry"]["inline-traits"].get(trait.rsplit("::", 1)[-1], ())
        used = self._roots().get(function.module.crate.folder, set()) | {trait.partition("::")[0]}
        return bool(used.intersection(crates))

    def is_main(self, function: Function) -> bool:
        fact = function.fact
        return (fact.name == "main" and function.owner is None) or fact.attributes == ("static",)

    def is_live(self, function: Function, strict: bool = False) -> bool:
        """Whether a running server gets to a function. Without callers it counts as live, unless `strict`."""
        if (id(function), strict) not in self._live:
            self._search(function, strict)
        return self._live[id(function), strict]

    def _search(self, function: Function, strict: bool) -> None:
        """Up the call graph until something lives; where nothing does, nothing on the way does either."""
        below: dict[int, int] = {id(function): 0}
        queue = deque([function])
        while queue:
            current = queue.popleft()
            lives = self._live.get((id(current), strict))
            if lives is None:
                lives = self._lives(current, strict)
            callers = self._serving(self._callers(current)) if lives is None else []
            if lives or any(self.in_task(site) or self.in_served_closure(site) for site in callers):
                step = id(current)
                while step:
                    self._live[step, strict] = True
                    step = below[step]
                return
            for site in callers:
                if id(site.function) not in below:
                    below[id(site.function)] = id(current)
                    queue.append(site.function)
        self._live.update(((step, strict), False) for step in below)

    def _lives(self, function: Function, strict: bool) -> bool | None:
        """Whether a function lives of itself; None where its callers decide."""
        if (
            function.test
            or self.is_main(function)
            or function.module.crate.kind in ("test", "bench", "example", "build")
        ):
            return False
        if self.is_handler(function) or self.is_live_of_itself(function):
            return True
        if self._callers(function):
            return None
        fact = function.fact
        hidden = (
            function.trait is None and not fact.public and not fact.attributes and not self._may_be_called(function)
        )
        if isinstance(function.trait, str) or strict or hidden or FOR_TESTS.search(function.fact.name):
            return False
        return self.is_server(function.module.crate)

    def _may_be_called(self, function: Function) -> bool:
        """Whether a call of that name is there whose receiver is not known: else the compiler calls it dead code."""
        sites = self.program.sites.get(function.fact.name, ())
        return any(not site.function.test and self.program.resolve(site).how == "unknown" for site in sites)

    def is_live_of_itself(self, function: Function) -> bool:
        """Whether a function implements a trait of another crate, whose calls are not seen; set-up traits aside."""
        trait = function.trait
        if not isinstance(trait, str) or trait.rsplit("::", 1)[-1] in known()["entry"]["setup-traits"]:
            return False
        crate = function.module.crate
        return not function.test and crate.kind not in ("test", "bench", "example", "build") and not self.is_tool(crate)

    def _callers(self, function: Function) -> list[Site]:
        callers = self.program.callers(function)
        return [site for site in callers if not site.function.test and site.function is not function]

    def _serving(self, callers: list[Site]) -> list[Site]:
        """Without the calls that run once in the life of the process, and the futures that a thread drives itself."""
        return [s for s in callers if self.contexts.of(s).kind != "once" and not self.contexts.drives_itself(s)]

    def is_served(self, crate: Crate) -> bool:
        """Whether a server package holds or uses a crate; without any server in sight, libraries are somebody's."""
        return crate.folder in self._served if self._served else crate.kind == "lib"

    def is_server(self, crate: Crate) -> bool:
        """Whether a package is a server itself; without any server in sight, libraries are taken to be part of one."""
        return crate.folder in self._servers if self._servers else crate.kind == "lib"

    @cached_property
    def _servers(self) -> set[str]:
        """Folders of the packages that are servers."""
        return {modules[0].crate.folder for file, modules in self.program.modules.items() if self._serves(file)}

    @cached_property
    def _served(self) -> set[str]:
        """Those, and the folders of the workspace's libraries that they use."""
        libraries = {crate.name: crate.folder for crate in self.program.crates if crate.kind == "lib"}
        found: set[str] = set()
        open_ = list(self._servers)
        while open_:
            folder = open_.pop()
            if folder not in found:
                found.add(folder)
                open_ += [libraries[root] for root in self._roots().get(folder, ()) if root in libraries]
        return found

    def _serves(self, file: str) -> bool:
        """Whether a file uses a server framework, or holds a handler."""
        facts = self.program.facts[file]
        if self.program.modules[file][0].test:
            return False
        servers = tuple(known()["entry"]["servers"])
        names = [use.path for use in facts.uses]
        names += [call.name for fn in facts.fns for call in fn.calls if "::" in call.name]
        if any(name.startswith(servers) and any(f"{name}::".startswith(f"{s}::") for s in servers) for name in names):
            return True
        return any(
            _entry("functions").match(attribute) for fn in facts.fns if not fn.test for attribute in fn.attributes
        )

    def _roots(self) -> dict[str, set[str]]:
        """Package folder → first segments of the paths that its code names."""
        if not self._used:
            for file, modules in self.program.modules.items():
                if not modules[0].test:
                    roots = {use.path.partition("::")[0] for use in self.program.facts[file].uses}
                    self._used.setdefault(modules[0].crate.folder, set()).update(roots, self.program.roots(file))
        return self._used

    def is_tool(self, crate: Crate) -> bool:
        """Whether a package belongs to a command line tool beside the servers of its workspace: it serves nobody."""
        if self.is_served(crate) or not self._served:
            return False
        parses = bool(self._roots().get(crate.folder, set()) & set(known()["entry"]["argument-parsers"]))
        return parses or not any(other.folder == crate.folder and other.kind == "bin" for other in self.program.crates)

    def is_live_site(self, site: Site, strict: bool = False) -> bool:
        """Whether a running server gets to a call: its function is live, or a task that start-up spawns holds it."""
        if site.function.test:
            return False
        return self.in_task(site) or self.in_served_closure(site) or self.is_live(site.function, strict)

    def in_served_closure(self, site: Site) -> bool:
        """Whether a call stands in async code of a closure that a framework calls: `fn_service(|s| async { .. })`."""
        function, waits = site.function, False
        for index, level in function.scopes_of(site.call.scope):
            waits |= level.kind == "async"
            if level.kind == "closure" and waits:
                taker = self.contexts.consumer(function, f"|{index}")
                if taker is not None and taker.call.name.rsplit("::", 1)[-1] in known()["entry"]["closure-takers"]:
                    return True
        return False

    def in_task(self, site: Site) -> bool:
        """Whether a call runs in a task that its function spawns in a server."""
        return self.contexts.in_spawned(site) and not self.is_tool(site.function.module.crate)
