"""One JavaScript or TypeScript file's bytes → WebFacts. Each pass reads the same tree."""

from __future__ import annotations

from slowpath.extract import awaits, modules, react, requests
from slowpath.extract.parsing import broken, parse, too_deep
from slowpath.extract.scopes import Scopes
from slowpath.model.web import WebFacts


def extract_typescript(source: bytes) -> WebFacts:
    """The facts of a .ts file."""
    return _extract("typescript", source)


def extract_tsx(source: bytes) -> WebFacts:
    """The facts of a .tsx, .jsx or .js file (JSX everywhere but in .ts)."""
    return _extract("tsx", source)


def _extract(grammar: str, source: bytes) -> WebFacts:
    tree = parse(grammar, source)
    if too_deep(tree, source):
        raise RecursionError
    scopes = Scopes(tree.root_node, source)
    return WebFacts(
        broken=broken(tree),
        module=modules.extract(tree, source),
        react=react.extract(scopes, source),
        awaits=awaits.extract(tree, source),
        requests=requests.extract(scopes, source),
    )
