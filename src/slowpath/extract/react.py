"""One JavaScript or TypeScript tree in, ReactFacts out: components, memo wrappers, hooks, contexts and JSX call sites.

Sites are found by their bytes and then looked up in the tree, so files without React cost a regex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.extract.parsing import text
from slowpath.extract.react_components import components, functions, hooks, memos, styled
from slowpath.extract.react_effects import remembering
from slowpath.extract.react_gates import shown_by
from slowpath.extract.react_hooks import hook_values
from slowpath.extract.react_nested import nested
from slowpath.extract.react_owners import callee_name, function_name, owner
from slowpath.extract.react_plain import hook_imports
from slowpath.extract.react_queries import EARLY, MADE, calls_of, made, prefetched
from slowpath.extract.react_selectors import selectors, stores
from slowpath.extract.react_sites import elements, handed_over, provider, site
from slowpath.extract.react_sources import Values
from slowpath.extract.react_states import states, working
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.react import ReactFacts, Site

RELEVANT = re.compile(rb"</|/>|\buse[A-Z]|createContext|\bstyled\b")
DIRECTIVE = re.compile(rb"[\"']use (no )?memo[\"']")
CONTEXT = re.compile(r"^(createContext|React\.createContext)\b")


def extract(scopes: Scopes, source: bytes) -> ReactFacts:
    """The facts of one file."""
    facts = ReactFacts(remembering=remembering(scopes.root, source))
    facts.working = working(scopes, source)
    if not any(pattern.search(source) for pattern in (RELEVANT, MADE, EARLY)):
        return facts
    facts.prefetched = sorted(set(prefetched(scopes, source)))
    facts.made = list(made(scopes, source))
    found = functions(scopes)
    facts.components = list(components(scopes, found))
    facts.memos = list(memos(scopes, source, found))
    facts.hooks = list(hook_values(scopes, source))
    if facts.hooks:
        facts.hook_imports = list(hook_imports(scopes, source))
    facts.directives = list(_directives(scopes, source))
    if b"createContext" in source:
        facts.contexts = _contexts(scopes)
    if b"styled" in source:
        facts.styled = list(styled(scopes))
    facts.states = list(states(scopes, source))
    facts.selectors = list(selectors(scopes, source))
    facts.stores = list(stores(scopes))
    shown = list(elements(scopes, source))
    facts.nested = list(nested(scopes, shown))
    for name, function in found.items():
        values = Values(function, scopes)
        facts.calls.extend(calls_of(name, function, values, scopes))
        facts.shown.extend(shown_by(name, function, values, len(facts.shown)))
    for name, function in hooks(scopes).items():
        facts.calls.extend(calls_of(name, function, Values(function, scopes), scopes))
    for tag, element in shown:
        around = owner(element)
        if around is None:
            facts.sites.append(Site(tag, (element.start_byte, element.start_byte + 1 + len(tag)), ""))
        if around is None or not around.at_render or handed_over(element):
            continue
        facts.sites.append(site(tag, element, around, scopes))
        provided = provider(tag, element, around, scopes)
        if provided is not None:
            facts.providers.append(provided)
    return facts


def _directives(scopes: Scopes, source: bytes) -> Iterator[tuple[str, bool]]:
    for match in DIRECTIVE.finditer(source):
        node = scopes.root.descendant_for_byte_range(match.start(), match.end())
        while node is not None and node.type in ("string", "string_fragment", "expression_statement"):
            node = node.parent
        if node is not None and node.type == "program":
            yield "", not match[1]
        elif node is not None and node.type == "statement_block" and node.parent is not None:
            name = function_name(node.parent) if node.parent.type in FUNCTIONS else ""
            if name:
                yield name, not match[1]


def _contexts(scopes: Scopes) -> list[str]:
    """Names of the contexts that the file's top level creates."""
    return [
        name
        for name, binding in scopes.names(scopes.root).items()
        if binding.value is not None
        and binding.value.type == "call_expression"
        and callee_name(binding.value) == "createContext"
        and CONTEXT.match(text(binding.value))
    ]
