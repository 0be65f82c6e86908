"""What is known of crates' features fits together, and the script that checks it reads a crate's source rightly."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import feature_graphs
import feature_tables
import msgspec
import pytest
from feature_gates import ALWAYS, parse
from feature_source import Source
from feature_surface import Names, Surface
from surface import write

from slowpath.tables import Table

TABLES = feature_graphs.load_tables()


class Dependency(msgspec.Struct, forbid_unknown_fields=True):
    optional: bool = False
    features: list[str] = []
    default: bool = True
    package: str = ""


class Graph(msgspec.Struct, forbid_unknown_fields=True):
    table: str
    versions: list[tuple[str, dict[str, list[str]], dict[str, Dependency]]]


GRAPHS = msgspec.json.decode(feature_graphs.GRAPHS.read_bytes(), type=dict[str, Graph])


def test_graphs_are_sorted_and_one_line_each() -> None:
    text = feature_graphs.GRAPHS.read_text()
    given = json.loads(text)
    assert (
        list(given)
        == sorted(given)
        == [json.loads(f"[{line.partition(':')[0]}]")[0] for line in text.split("\n")[1:-2]]
    )
    for graph in given.values():
        for _, features, dependencies in graph["versions"]:
            assert list(features) == sorted(features) and list(dependencies) == sorted(dependencies)
            assert all(values == sorted(values) for values in features.values())
        assert all(one[1:] != other[1:] for one, other in pairwise(graph["versions"]))
        numbers = [feature_graphs.semver(version) for version, _, _ in graph["versions"]]
        assert numbers == sorted(set(numbers))


def test_tables_and_graphs_name_the_same_crates() -> None:
    assert {name: graph.table for name, graph in GRAPHS.items()} == {name: table for name, (table, _) in TABLES.items()}


@pytest.mark.parametrize("crate", TABLES)
def test_each_feature_of_the_newest_version_stands_in_one_class(crate: str) -> None:
    name, table = TABLES[crate]
    msgspec.convert(table, Table)
    versions = [(version, features, {}) for version, features, _ in GRAPHS[crate].versions]
    assert list(feature_tables.wrong_classes(crate, table, versions)) == []
    if "crates" in table:
        among = [graph for graph in GRAPHS.values() if graph.table == name]
        known = {feature for graph in among for _, features, _ in graph.versions for feature in features}
        assert set().union(*feature_tables.classes(table).values()) <= known | {"default"}


ENGINE = {
    "Cargo.toml": """
[package]
name = "engine"
version = "1.2.0"
[features]
default = ["fast"]
fast = []
all = ["fast", "disk", "net"]
disk = ["dep:parts", "parts/files"]
net = ["_sockets"]
_sockets = []
[dependencies]
parts = { path = "parts", optional = true, default-features = false }
serde = { version = "1", optional = true }
""",
    "src/lib.rs": """
#[macro_use]
mod switches;
pub mod run;
mod hidden;
pub use hidden::{Gear, Shift as Lever};
#[cfg(feature = "disk")]
pub use parts::files;
#[cfg(feature = "serde")]
pub use serde::Calls;
if_net! {
    pub mod wire { pub struct Packet; impl Packet { pub fn open(&self) {} } }
    pub use crate::run::Belt;
}
when! { #![any(feature = "disk", feature = "net")] pub fn either() {} }
cfg_if::cfg_if! {
    if #[cfg(feature = "disk")] { pub fn store() {} } else { pub fn forget() {} }
}
#[cfg(test)]
pub mod checks { #[cfg(feature = "disk")] pub fn tested() {} }
#[cfg(not(feature = "net"))]
pub fn alone() {}
calls! { trait Calls { /// Dials
    #[cfg(feature = "net")] fn dial<T: Into<u8>>(at: T); fn stop(); } -> Phone }
""",
    "src/switches.rs": """
macro_rules! if_net { ($($item:item)*) => { $( #[cfg(feature = "_sockets")] #[cfg_attr(docsrs, doc(x))] $item )* } }
macro_rules! when { (#![$meta:meta] $($item:item)*) => { $( #[cfg($meta)] $item )* } }
macro_rules! calls {
    (trait $name:ident {
        $($(#[$attr:meta])* fn $fn:ident $(<$($t:ident: $bound:path),+>)? ($($arg:ident: $ty:ty),*);)*
    } -> $to:ident) => {
        pub trait $name { $( $(#[$attr])* fn $fn $(<$($t: $bound),+>)? (&self, $($arg: $ty),*) {} )* }
        pub struct $to;
        impl $to { $( $(#[$attr])* pub fn $fn $(<$($t: $bound),+>)? ($($arg: $ty),*) -> Self { $to } )* }
    };
}
#[cfg(feature = "disk")]
#[macro_export]
macro_rules! spill { () => {} }
""",
    "src/run.rs": """
pub struct Belt;
impl Belt {
    pub fn new() -> Self { Belt }
    if_net! { pub fn send(&self) {} fn private(&self) {} }
    #[cfg(all(feature = "disk", feature = "fast"))]
    pub fn read() {}
}
""",
    "src/hidden.rs": """
#[cfg_attr(feature = "serde", derive(Serialize, Debug))]
pub enum Gear { First, #[cfg(feature = "net")] Second }
pub trait Shift { #[cfg(feature = "disk")] fn down(&self) {} }
#[cfg(feature = "net")]
impl Shift for Gear {}
pub(crate) mod unseen { #[cfg(feature = "net")] pub struct Never; #[cfg(feature = "net")] impl Never { pub fn x() {} } }
""",
    "parts/Cargo.toml": '[package]\nname = "parts"\nversion = "0.1.0"\n[features]\nfiles = []\nodd = []\n',
    "parts/src/lib.rs": """
pub mod files { pub struct File; #[cfg(feature = "odd")] impl File { pub fn odd(&self) {} } }
""",
}


@pytest.fixture
def engine(tmp_path: Path) -> Names:
    write(tmp_path, ENGINE)
    return Surface(Source(tmp_path), lambda package, series: None).names()


def shown(names: Names) -> dict[str, str]:
    """Path → its gate, for all that is not compiled always."""
    return {
        "::".join(public.path): " | ".join(sorted("+".join(sorted(clause)) for clause in public.gate))
        for public in names.all()
        if public.gate != ALWAYS
    }


def test_names_of_a_crate_that_need_a_feature(engine: Names) -> None:
    assert shown(engine) == {
        "files": "disk",
        "files::File": "disk",
        "wire": "_sockets",
        "wire::Packet": "_sockets",
        "wire::Packet::open": "_sockets",
        "Belt": "_sockets",
        "Belt::new": "_sockets",
        "Belt::send": "_sockets",
        "Belt::read": "_sockets+disk+fast",
        "either": "disk | net",
        "store": "disk",
        "forget": "!disk",
        "alone": "!net",
        "spill": "disk",
        "Calls": "serde",
        "Calls::dial": "net",
        "Phone::dial": "net",
        "run::Belt::send": "_sockets",
        "run::Belt::read": "disk+fast",
        "Gear::Second": "net",
        "Lever::down": "disk",
        "impl Serialize for Gear": "serde",
        "impl Debug for Gear": "serde",
        "impl Shift for Gear": "net",
    }


def test_what_no_sign_covers(engine: Names) -> None:
    table = {
        "aggregates": ["all"],
        "silent": ["fast"],
        "needs": {"disk": ["files", ".read", ".sto*"], "net": ["wire", ".send", "@shift"], "serde": []},
        "covered": {"disk": ["spill: nobody calls it"], "serde": ["impl Debug: no code needs it"]},
    }
    found = [(feature, feature_tables.as_sign(public)) for feature, public in feature_tables.uncovered(engine, table)]
    assert found == [
        ("net", "Belt"),
        ("serde", "Calls"),
        ("disk", "either"),
        ("net", "either"),
        ("serde", "impl Serialize for Gear"),
        ("net", ".dial"),
        ("net", "Gear::Second"),
        ("disk", ".down"),
        ("net", "Phone::dial"),
    ]


@pytest.mark.parametrize(
    ("predicate", "gate"),
    [
        ('feature = "a"', {("a",)}),
        ('all(unix, any(feature = "a", feature = "b"))', {("a",), ("b",)}),
        ('any(docsrs, all(feature = "a", feature = "b", not(test)))', {("a", "b")}),
        ('not(any(feature = "a", feature = "b"))', {("!a", "!b")}),
        ("test", set()),
        ('any(unix, feature = "a")', {()}),
        ('all(feature = "a"', {("a",)}),
    ],
)
def test_predicates(predicate: str, gate: set[tuple[str, ...]]) -> None:
    assert {tuple(sorted(clause)) for clause in parse(predicate)} == gate
