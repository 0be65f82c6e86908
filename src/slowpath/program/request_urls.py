"""URL templates of requests: constants looked up, parameters filled in, and the text that is shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slowpath.model.requests import Argument, Part, RequestConstant, RequestFacts, Template
from slowpath.program.web import Declaration, WebProgram

MAX_DEPTH = 6
MAX_PARTS = 40


@cache
def table() -> dict[str, Any]:
    """The page of known clients."""
    with (Path(__file__).parent / "http_clients.toml").open("rb") as file:
        return tomllib.load(file)


class Arguments:
    """What a call gives for the parameters of the function that it calls."""

    def __init__(self, params: tuple[str, ...], args: tuple[Argument, ...]) -> None:
        self._given: dict[str, tuple[Argument, str]] = {}
        self._args = args
        for position, param in enumerate(params):
            arg = args[position] if position < len(args) else Argument()
            if param.startswith("{"):
                self._given.update({key: (arg, key) for key in param.strip("{}").split(",")})
            else:
                self._given[param.lstrip(".")] = (arg, "")

    def has(self, name: str) -> bool:
        return root(name) in self._given

    def option(self, key: str) -> Template:
        """What any object among the arguments says for a key."""
        return next((dict(arg.options)[key] for arg in self._args if key in dict(arg.options)), ())

    def value(self, name: str, wanted: str) -> Template:
        """What stands for a (dotted) parameter; `wanted` is the option that is meant where an object stands for it."""
        arg, key = self._given[root(name)]
        inner = name.partition(".")[2] or key
        options = dict(arg.options)
        if inner and inner in options:
            return options[inner]
        if inner:
            return (Part("hole", source(arg)),)
        if arg.options:
            keys = table()["url_options"] if wanted == "url" else (wanted,)
            return next((options[one] for one in keys if one in options), ())
        return arg.value


class Constants:
    """What names of a file mean as strings."""

    def __init__(self, files: Mapping[str, RequestFacts], web: WebProgram) -> None:
        self._files, self._web = files, web
        self._named: dict[str, dict[str, RequestConstant]] = {}

    def closed(self, path: str, template: Template, params: frozenset[str], depth: int = 0) -> Template:
        """A template in which only parameters are left as names."""
        if all(part.kind == "text" for part in template):
            return template
        found: list[Part] = []
        for part in template:
            if part.kind == "name" and root(part.text) not in params:
                found += self._meaning(path, part.text, depth)
            elif part.kind == "hole" and part.text and root(part.text) not in params:
                found.append(Part("hole"))
            else:
                found.append(part)
        return tuple(found[:MAX_PARTS])

    def _meaning(self, path: str, name: str, depth: int) -> Template:
        if depth > MAX_DEPTH:
            return (Part("hole"),)
        called = name.endswith("()")
        name = name.removesuffix("()")
        where, constant = path, self._of(path).get(name)
        if constant is None and not name.startswith("this."):
            head, _, rest = name.partition(".")
            target = self._web.resolve(path, head)
            if isinstance(target, Declaration):
                where = target.path
                full = rest if target.name == "*" else f"{target.name}.{rest}" if rest else target.name
                constant = self._of(where).get(full)
        if constant is None or (constant.params and not called):
            return (Part("hole"),)
        inner = self.closed(where, constant.value, frozenset(), depth + 1)
        return tuple(part if part.kind == "text" else Part("hole") for part in inner)

    def _of(self, path: str) -> dict[str, RequestConstant]:
        if path not in self._named:
            facts = self._files.get(path)
            self._named[path] = {each.name: each for each in facts.constants} if facts is not None else {}
        return self._named[path]


def filled(template: Template, arguments: Arguments, wanted: str, kept: frozenset[str]) -> Template:
    """A template of a function, as one call of it makes it; `kept` are names that both know."""
    found: list[Part] = []
    for part in template:
        if part.kind == "name" and arguments.has(part.text):
            found += arguments.value(part.text, wanted)
        elif part.kind == "hole" and part.text and arguments.has(part.text):
            value = arguments.value(root(part.text), wanted)
            found.append(Part("hole", next((each.text for each in value if each.kind != "text"), "")))
        else:
            found.append(part if part.kind == "text" or root(part.text) in kept else Part("hole"))
    return tuple(found[:MAX_PARTS])


def source(arg: Argument) -> str:
    """The name that an argument is read from."""
    return next((part.text for part in arg.value if part.kind != "text" and part.text), "")


def root(name: str) -> str:
    """`user` of `user.id`."""
    return name.partition(".")[0].removesuffix("()")


def whole(template: Template) -> bool:
    """Is a value just one name?"""
    return len(template) == 1 and template[0].kind == "name"


def shown(template: Template) -> str:
    """The text, with `{}` for what is put in."""
    return "".join(part.text if part.kind == "text" else "{}" for part in template)
