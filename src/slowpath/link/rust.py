"""Facts of Rust files → RustProgram: module trees, items by name, methods by type."""

from __future__ import annotations

from slowpath.link.rust_calls import Calls
from slowpath.link.rust_modules import Tree
from slowpath.link.rust_names import Names
from slowpath.model.code import CodeFacts, Fn
from slowpath.program import Program
from slowpath.program.rust import Constant, Function, Module, RustProgram, TraitItem, TypeItem


def link(program: Program) -> RustProgram:
    """The Rust view of a program."""
    tree = Tree(program)
    local_uses: dict[int, dict[str, str]] = {}
    names = Names(tree.crates, local_uses, local_globs(tree.files))
    functions: list[Function] = []
    for path, modules in sorted(tree.modules.items()):
        for module in modules:
            declare(module, tree.files[path])
    for path, modules in sorted(tree.modules.items()):
        for module in modules:
            functions += define(module, path, tree.files[path], names, local_uses)
    functions += expand(tree, functions, names)
    for path, modules in sorted(tree.modules.items()):
        for module in modules:
            dereference(module, tree.files[path], names)
    view = RustProgram(tree.crates, tree.modules, functions, tree.files)
    calls = Calls(view, names)
    for function in functions:
        generics = [name for name, _ in function.owner.generics] if function.owner is not None else []
        named = isinstance(function.self_type, str) and function.self_type not in generics
        if named and isinstance(function.trait, TraitItem):
            calls.extensions.setdefault(function.fact.name, []).append(function)
    view.resolver = calls
    return view


def local_globs(files: dict[str, CodeFacts]) -> dict[int, list[str]]:
    """id(Fn) → the paths of `use path::*` in its body."""
    found: dict[int, list[str]] = {}
    for facts in files.values():
        for use in facts.uses:
            if use.function >= 0 and use.name == "*":
                found.setdefault(id(facts.fns[use.function]), []).append(use.path)
    return found


def declare(module: Module, facts: CodeFacts) -> None:
    """Types, traits, constants and uses: what other modules' paths may name."""
    inline = module.inline
    for definition in facts.types:
        if definition.module == inline:
            module.types.setdefault(definition.name, TypeItem(definition.name, definition, module))
    for owner in facts.owners:
        if owner.kind == "trait" and owner.module == inline:
            module.types.setdefault(owner.type, TraitItem(owner.type, module))
    for constant in facts.constants:
        if constant.module == inline:
            module.values.setdefault(constant.name, Constant(constant.name, module, constant.type, constant.init))
    for use in facts.uses:
        if use.module == inline and use.function < 0:
            if use.name == "*":
                module.globs.append((use.path, use.public))
            elif use.name != "_":
                module.uses.setdefault(use.name, (use.path, use.public))


def dereference(module: Module, facts: CodeFacts, names: Names) -> None:
    """Note at each type what it derefs to, and which actors run on threads of their own."""
    for owner in facts.owners:
        if owner.target and owner.module == module.inline:
            item = names.resolve(module, owner.type.partition("<")[0], value=False)
            if isinstance(item, TypeItem) and owner.trait.rpartition("::")[2] == "Deref":
                item.deref = (module, owner)
            elif isinstance(item, TypeItem):
                item.on_threads = "SyncContext" in owner.target


def define(
    module: Module, path: str, facts: CodeFacts, names: Names, local_uses: dict[int, dict[str, str]]
) -> list[Function]:
    """The functions of one module, entered under their types, traits and names."""
    for use in facts.uses:
        if use.function >= 0 and use.name != "*" and use.module == module.inline:
            local_uses.setdefault(id(facts.fns[use.function]), {})[use.name] = use.path
    own = [f for f in facts.fns if f.module == module.inline and (not f.macro or f.macro.endswith("!"))]
    return [enter(fact, path, module, facts, names) for fact in own]


def enter(fact: Fn, path: str, module: Module, facts: CodeFacts, names: Names) -> Function:
    owner = facts.owners[fact.owner] if fact.owner >= 0 else None
    function = Function(fact, path, module, owner, fact.test or module.test)
    if fact.macro:
        return function
    if owner is None:
        if fact.attributes != ("static",):
            module.values.setdefault(fact.name, function)
        return function
    head = owner.type.split("<")[0].lstrip("&").removeprefix("mut ").removeprefix("dyn ")
    item = names.resolve(module, head, value=False)
    function.self_type = item if isinstance(item, TypeItem | TraitItem | str) else head
    if owner.kind == "trait":
        function.trait = item if isinstance(item, TraitItem) else head
    elif owner.trait:
        trait = names.resolve(module, owner.trait.split("<")[0], value=False)
        function.trait = trait if isinstance(trait, TraitItem | str) else owner.trait.split("<")[0]
    attach(function)
    return function


def attach(function: Function) -> None:
    """Make a method known to its type and trait."""
    kind, trait, name = function.self_type, function.trait, function.fact.name
    if isinstance(kind, TypeItem):
        own = kind.methods.setdefault(name, [])
        if isinstance(trait, TraitItem | str):
            if trait not in kind.traits:
                kind.traits.append(trait)
            own.append(function)
        else:
            own.insert(0, function)
    elif isinstance(kind, TraitItem):
        kind.methods.setdefault(name, []).append(function)
    if isinstance(trait, TraitItem) and trait is not kind:
        trait.implementations.setdefault(name, []).append(function)


def expand(tree: Tree, functions: list[Function], names: Names) -> list[Function]:
    """Methods that the workspace's own `macro_rules!` put into impls: `find_by!(users, find_by_email, ..)`."""
    made: dict[str, list[tuple[str, Fn]]] = {}
    for path, facts in tree.files.items():
        for fact in facts.fns:
            if fact.macro and not fact.macro.endswith("!"):
                made.setdefault(fact.macro.partition("#")[0], []).append((path, fact))
    if not made:
        return []
    found = []
    for path, modules in sorted(tree.modules.items()):
        facts = tree.files[path]
        for module in modules:
            for use in facts.macro_uses:
                if use.module == module.inline:
                    for origin, fact in made.get(use.name, ()):
                        found.append(instance(fact, origin, module, facts, use.owner, use.words, names))
    return found


def instance(
    fact: Fn, origin: str, module: Module, facts: CodeFacts, owner: int, words: tuple[str, ...], names: Names
) -> Function:
    """One function of a macro as one use of it makes it; its body stays where the macro stands."""
    _, _, position = fact.macro.partition("#")
    name = words[int(position)] if position and int(position) < len(words) else fact.name
    copy = Fn(**{field: getattr(fact, field) for field in fact.__struct_fields__})
    copy.name, copy.owner, copy.macro, copy.module = name, owner, "", module.inline
    return enter(copy, origin, module, facts, names)
