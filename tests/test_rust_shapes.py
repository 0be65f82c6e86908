"""Every shape in which Rust hides what a call reaches: each leads from an async function to the same blocking write."""

from __future__ import annotations

import pytest

from slowpath import engine, rulebook
from slowpath.discover import Discovery
from slowpath.model.report import Report

RULES = [rule for rule in rulebook.load() if rule.id == "blocking-in-async"]
STORE = """
pub mod disk;
pub use disk::*;
pub type Alias = Arc<Disk>;
pub static GLOBAL: LazyLock<Disk> = LazyLock::new(|| Disk);
pub struct App { pub inner: Inner }
pub struct Inner { pub disk: Arc<Disk> }
pub struct Holder { pub d: Disk }
pub enum Kind { A(Disk), B { disk: Disk } }
pub trait Keeps { fn keep(&self); }
impl Keeps for Disk { fn keep(&self) { std::fs::write("a", "b").unwrap(); } }
pub fn pair() -> (Disk, u8) { (Disk, 1) }
pub fn open() -> Result<Disk, ()> { Ok(Disk) }
pub fn with<T>(f: impl FnOnce(&Disk) -> T) -> T { f(&Disk) }
pub fn load_it() -> String { std::fs::read_to_string("x").unwrap() }
pub async fn make() -> Result<Disk, ()> { Ok(Disk) }
pub fn keeper() -> impl Keeps { Disk }
"""
DISK = """
#[derive(Default)]
pub struct Disk;
pub struct DiskBuilder;
impl Disk {
    pub fn builder() -> DiskBuilder { DiskBuilder }
    pub fn save(&self, t: &str) { std::fs::write(t, "x").unwrap(); }
}
impl DiskBuilder { pub fn folder(self, t: &str) -> Self { self } pub fn build(self) -> Disk { Disk } }
pub struct Decoy;
impl Decoy { pub fn save(&self, t: &str) {} pub fn keep(&self) {} }
"""
HEAD = """
use axum::extract::{Extension, State};
mod store;
pub use store::disk::Disk as Drive;
use store::*;
"""

SHAPES = {
    "glob in a body": 'pub async fn shape() { use std::fs::*; let x = read_to_string("a").unwrap(); }',
    "use in a block": 'pub async fn shape() { let t = { use std::fs; fs::read("x").unwrap() }; let '
    'u = tokio::fs::read("x").await.unwrap(); }',
    "State of an Arc": 'pub async fn shape(State(app): State<std::sync::Arc<App>>) { app.inner.disk.save("x"); }',
    "Extension": 'pub async fn shape(Extension(app): Extension<App>) { app.inner.disk.save("x"); }',
    "a type parameter": "pub async fn shape<T: Keeps>(t: T) { t.keep(); }",
    "a trait object": "pub async fn shape(t: &dyn Keeps) { t.keep(); }",
    "a builder through a renamed re-export": 'pub async fn shape() { Drive::builder().folder("x").build().save("y"); }',
    "a tuple": 'pub async fn shape() { let (d, _) = pair(); d.save("x"); }',
    "the question mark": 'pub async fn shape() -> Result<(), ()> { let d = open()?; d.save("x"); Ok(()) }',
    "a closure's parameter": 'pub async fn shape() { with(|d| d.save("x")); }',
    "try_stream!": "pub fn shape() -> impl Stream { async_stream::try_stream! { let t = "
    'std::fs::read("x")?; yield t; } }',
    "json!": 'pub async fn shape() { json!({"a": load_it()}); }',
    "if let": 'pub async fn shape(d: Option<Drive>) { if let Some(d) = d { d.save("x") } }',
    "for over a Vec": 'pub async fn shape(ds: Vec<Drive>) { for d in &ds { d.save("x"); } }',
    "a look-up in a map": "pub async fn shape(ds: std::collections::HashMap<u8, Drive>) { "
    'ds.get(&1).unwrap().save("x"); }',
    "for_each": 'pub async fn shape(ds: Vec<Drive>) { ds.iter().for_each(|d| d.save("x")); }',
    "a qualified path": "pub async fn shape() { <Drive as Keeps>::keep(&Drive); }",
    "a derived constructor": 'pub async fn shape() { let d = Drive::default(); d.save("a"); }',
    "a static": 'pub async fn shape() { GLOBAL.save("x"); }',
    "an alias": 'pub async fn shape(d: Alias) { d.save("x"); }',
    "let else": 'pub async fn shape(d: Option<Drive>) { let Some(d) = d else { return }; d.save("x"); }',
    "a struct literal": 'pub async fn shape() { let h = Holder { d: Drive }; h.d.save("x"); }',
    "a closure in a binding": "pub async fn shape() { let f = || load_it(); f(); }",
    "an argument of an awaited call": "pub async fn shape() { tokio_thing(load_it()).await; }",
    "payloads of an enum": 'pub async fn shape(k: Kind) { match k { Kind::A(d) => d.save("x"), '
    'Kind::B { disk } => disk.save("y") } }',
    "an awaited constructor": 'pub async fn shape() { let d = make().await.unwrap(); d.save("x"); }',
    "a lock": 'pub async fn shape(m: std::sync::Mutex<Drive>) { m.lock().unwrap().save("x"); }',
    "a match that hands on": "pub async fn shape(d: Result<Drive, ()>) { let d = match d { Ok(d) "
    '=> d, Err(_) => return }; d.save("x"); }',
    "an if that hands on": "pub async fn shape(a: bool) { let d = if a { Drive } else { "
    'Drive::default() }; d.save("x"); }',
    "impl Trait returned": "pub async fn shape() { keeper().keep(); }",
    "Box<dyn Trait>": "pub async fn shape() { let b: Box<dyn Keeps> = Box::new(Drive); b.keep(); }",
}
QUIET = {
    "a closure in a macro that is handed to the pool": "pub async fn shape(x: u8) { "
    'tokio::task::spawn_blocking(enclose!{(x) move || { Drive.save("x") }}).await; }',
    "another type's method of that name": 'pub async fn shape(d: store::disk::Decoy) { d.save("x"); d.keep(); }',
    "an awaited name from a glob": 'pub async fn shape() { use tokio::fs::*; read("a").await; }',
    "a closure for later": "struct Lazy(Box<dyn Fn()>); impl Lazy { fn new(f: impl Fn()) -> "
    "Lazy { Lazy(Box::new(f)) } } "
    'pub async fn shape() { Lazy::new(|| Drive.save("x")); }',
    "a macro of the workspace's own": "macro_rules! aside { ($f:expr) => { run_aside($f) } } "
    "fn run_aside<F: FnOnce()>(f: F) { tokio::task::spawn_blocking(f); } pub async fn shape() { "
    'aside!(|| Drive.save("x")); }',
    "a future that a thread drives": "fn start() { std::thread::spawn(|| { let rt = make_rt(); "
    "rt.block_on(inner()) }); } "
    'async fn inner() { Drive.save("x"); }',
}


def scan(code: str) -> Report:
    texts = {"src/lib.rs": HEAD + code, "src/store.rs": STORE, "src/store/disk.rs": DISK}
    files = [(path, "rust", texts[path].encode()) for path in sorted(texts)]
    return engine.analyse(Discovery(files, []), RULES)


@pytest.mark.parametrize("shape", SHAPES)
def test_found(shape: str) -> None:
    found = scan(SHAPES[shape]).findings
    assert [(finding.function, finding.confidence) for finding in found] == [("shape", found[0].confidence)]
    assert found[0].place.path == "src/lib.rs"


@pytest.mark.parametrize("shape", QUIET)
def test_quiet(shape: str) -> None:
    assert not scan(QUIET[shape]).findings
