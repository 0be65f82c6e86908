"""Reach pages that a user writes: ten lines of data, no code, in every context."""

from __future__ import annotations

from pathlib import Path

import pytest
from surface import run, scan, write

PAGE = """+++
severity = "warning"
confidence = "high"
message = "{{path}} in `{{function}}`"
[reach]
effect = "sends-mail"
sinks = ["post::Office::send"]
context = "{context}"
barriers = ["tokio::task::spawn_blocking"]
+++
# Mail
It takes a second.
## Instead
Queue it.
## Limits
None.
## Examples
```rust
{flagged}
```
```rust
{quiet}
```
"""

HELPER = "fn tell(office: &post::Office) { office.send(1); }\n"
CASES = {
    "async": (
        HELPER + "pub async fn page(office: &post::Office) { tell(office); } //~",
        HELPER
        + "pub async fn page(office: post::Office) { tokio::task::spawn_blocking(move || tell(&office)).await; }",
    ),
    "handler": (
        HELPER + '#[post("/mail")]\nasync fn page(office: web::Data<post::Office>) { tell(&office); } //~',
        HELPER + "fn main() { tell(&post::Office::new()); }",
    ),
    "loop": (
        HELPER + "pub fn all(office: &post::Office, names: Vec<String>) { for _name in names { tell(office); } } //~",
        HELPER + "pub fn all(office: &post::Office) { for attempt in 0..3 { tell(office); } }",
    ),
    "per-call": (
        '#[get("/")]\nasync fn page() { post::Office::send("all"); } //~',
        '#[get("/")]\nasync fn page(name: String) { post::Office::send(&name); }',
    ),
}


@pytest.mark.parametrize("context", CASES)
def test_a_page_in_each_context(context: str, tmp_path: Path) -> None:
    flagged, quiet = CASES[context]
    root = write(tmp_path, {"pages/mail.md": PAGE.format(context=context, flagged=flagged, quiet=quiet)})
    outcome = run("rules", "test", root / "pages")
    assert outcome.returncode == 0 and "2 examples, 0 failed" in outcome.stdout, outcome
    write(root, {"slowpath.toml": 'rules = ["pages"]', "src/lib.rs": flagged})
    assert [finding["rule"] for finding in scan(root, "--select", "mail")["findings"]] == ["mail"]


def test_an_unknown_context_is_refused_by_name(tmp_path: Path) -> None:
    root = write(tmp_path, {"pages/mail.md": PAGE.format(context="sometimes", flagged="", quiet="")})
    outcome = run("rules", "test", root / "pages")
    assert outcome.returncode == 2 and "mail.md" in outcome.stderr and "sometimes" in outcome.stderr, outcome
