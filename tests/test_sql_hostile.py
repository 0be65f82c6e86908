"""Hostile and odd SQL, schema files and diesel.toml: nothing fails or hangs, and nothing is said that may be false."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from surface import write

from slowpath import discover, engine, rulebook
from slowpath.discover import Discovery, language_of
from slowpath.extract.sql import extract
from slowpath.link.replay import replay
from slowpath.model.report import Report

RULES = [rule for rule in rulebook.load() if rule.group == "diesel"]
SECONDS = 4.0
"""Each case takes less than half of that; what is quadratic takes minutes."""
DEEP = 50_000

START = "CREATE TABLE parcels (id BIGSERIAL PRIMARY KEY, label TEXT, weight INTEGER NOT NULL);\n"
SCHEMA = "diesel::table! { parcels (id) { id -> Int8, label -> Text, weight -> Int4, } }\n"
DRIFT = "`parcels.label` can be NULL after the migrations, but is `Text` in `table!`"
UP = "migrations/2024-01-01-000000_start/up.sql"
NEXT = "migrations/2024-02-01-000000_next/up.sql"
PROJECT: dict[str, str] = {UP: START, "src/lib.rs": SCHEMA}


def analyse(found: Discovery) -> Report:
    """The report of the database rules; asserts that nothing failed and that time was short."""
    started = time.process_time()
    report = engine.analyse(found, RULES, min_confidence="medium")
    assert time.process_time() - started < SECONDS
    assert not [trouble for trouble in report.troubles if trouble.internal]
    return report


def scan(files: dict[str, str]) -> Report:
    """The report on sources by path."""
    texts = [(path, language_of(path) or "", text.encode()) for path, text in files.items()]
    assert all(language for _, language, _ in texts)
    return analyse(Discovery(sorted(texts), []))


def rules(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


def says(report: Report) -> list[str]:
    """The messages of schema-drift, up to the advice."""
    return [f.message.partition(". Queries")[0] for f in report.findings if f.rule == "schema-drift"]


HARMLESS = {
    "garbage": "%%% ??? \x01\x02 ) ( ; CREAT TABLE parcels (; ALTER; DROP; CREATE; ;;;",
    "unbalanced": "CREATE TABLE other (a INT)))); CREATE INDEX ON other ((((a); SELECT )))",
    "closing only": "SELECT 1" + ")" * DEEP,
    "nested comment": "/*" * DEEP + "*/" * DEEP,
    "comment with quotes": "-- it's \"not` $$ /* \n/* it's 'not' $$ \" */",
    "doubled quotes": "INSERT INTO other VALUES ('" + "''" * DEEP + "');",
    "parentheses": "CREATE TABLE deep (a INT DEFAULT " + "(" * DEEP + "1" + ")" * DEEP + ");",
    "index on parentheses": "CREATE INDEX deep ON other (" + "(" * DEEP + "a" + ")" * DEEP + ");",
    "predicate": "CREATE INDEX deep ON other (a) WHERE " + "(" * DEEP + "a" + ")" * DEEP + ";",
    "brackets": "CREATE TABLE deep (a INT" + "[" * DEEP + "]" * DEEP + ");",
    "commas": "CREATE TABLE deep (" + "a INT," * 20_000 + "b INT);",
    "dots": "CREATE TABLE " + "a." * DEEP + "b (c INT);",
    "spaces": "INSERT INTO" + " " * DEEP + "other" + " " * DEEP + "(a)" + " " * DEEP + ";",
    "spaces before no rows": "INSERT INTO other" + " " * DEEP + "x; VALUES",
    "semicolons": ";" * DEEP,
    "bodies": "CREATE TRIGGER t AFTER INSERT ON other BEGIN " + "SELECT 1; " * 20_000 + "END;",
    "do": "DO $$ BEGIN " + "IF NOT EXISTS (SELECT 1) THEN " * 5_000 + "END IF; " * 5_000 + "END $$;",
    "unknown": "DROP TABLE nothing; DROP INDEX nothing; ALTER TABLE nothing ADD a INT; DROP TYPE nothing CASCADE;",
    "circles": "CREATE TABLE a (id INT PRIMARY KEY, b INT); CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a);"
    "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; ALTER TABLE a ADD parent INT REFERENCES a;"
    "CREATE VIEW v AS SELECT * FROM w; CREATE VIEW w AS SELECT * FROM v;",
    "own partition": "CREATE TABLE p (a INT) PARTITION BY LIST (a); ALTER TABLE p ATTACH PARTITION p FOR VALUES IN (1);"
    "CREATE INDEX ON p (a); CREATE TABLE q (LIKE q INCLUDING ALL) INHERITS (q); ALTER TABLE p ADD b INT;",
    "names": 'CREATE TABLE n ("a" INT, c INT); CREATE INDEX ON n (lower(a));'
    'ALTER TABLE n RENAME COLUMN a TO "\\1(["; ALTER TABLE n RENAME COLUMN "\\1([" TO b; ALTER TABLE n DROP COLUMN c;',
    "a name from A to B to A": "ALTER TABLE parcels RENAME TO boxes; ALTER TABLE boxes RENAME TO crates;"
    "ALTER TABLE crates RENAME TO parcels; ALTER TABLE parcels RENAME COLUMN label TO name;"
    "ALTER TABLE parcels RENAME COLUMN name TO label;",
    "created again": "CREATE TABLE IF NOT EXISTS parcels (id INT, other TEXT);",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_the_rest_is_read_and_judged(kind: str) -> None:
    assert says(scan({**PROJECT, NEXT: HARMLESS[kind]})) == [DRIFT]
    assert says(scan({**PROJECT, UP: f"{HARMLESS[kind]}\n;\n{START}"})) == [DRIFT]


CLOUDED = {
    "string": "INSERT INTO other VALUES ('never closed); ALTER TABLE parcels ALTER label SET NOT NULL;",
    "dollar quote": "DO $body$ BEGIN END; ALTER TABLE parcels ALTER label SET NOT NULL; $$",
    "comment": "/* /* */ ALTER TABLE parcels ALTER label SET NOT NULL;",
    "name": 'ALTER TABLE "parcels ALTER label SET NOT NULL;',
    "binary": "\0\0\0 ALTER TABLE parcels ALTER label SET NOT NULL;",
    "wide characters": "ALTER TABLE parcels ALTER label SET NOT NULL;".encode("utf-16-le").decode(),
    "another product": "ALTER TABLE parcels FROBNICATE label;",
    "what strings make": "DO $$ BEGIN EXECUTE 'ALTER TABLE ' || a || b FROM information_schema.tables; END $$;",
}


@pytest.mark.parametrize("kind", CLOUDED)
def test_what_is_not_understood_is_said_once_and_not_judged(kind: str) -> None:
    report = scan({**PROJECT, NEXT: CLOUDED[kind]})
    assert rules(report) == ["migrations-not-understood"]
    assert report.findings[0].place.path == NEXT and "`parcels`" in report.findings[0].message
    later = "migrations/2024-03-01-000000_later/up.sql"
    assert says(scan({**PROJECT, NEXT: CLOUDED[kind], later: f"DROP TABLE parcels; {START}"})) == [DRIFT]


@pytest.mark.parametrize("text", [START.replace("\n", "\r\n"), f"\ufeff{START}", f"\ufeff\r\n--x\r\n\t{START}\r\n"])
def test_line_ends_and_marks_of_order(text: str) -> None:
    assert says(scan({**PROJECT, UP: text})) == [DRIFT]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_a_problem_and_leave_nothing_sure(tmp_path: Path, encoding: str) -> None:
    root = write(tmp_path, {**PROJECT, NEXT: ""})
    (root / NEXT).write_bytes("-- für alle\nALTER TABLE parcels ALTER label SET NOT NULL;".encode(encoding))
    report = analyse(discover.discover(root))
    assert not report.findings
    assert [(t.path, t.message.partition(" (")[0]) for t in report.troubles] == [(NEXT, "not UTF-8")]


def test_too_large_is_a_problem_and_leaves_nothing_sure(tmp_path: Path) -> None:
    root = write(tmp_path, {**PROJECT, NEXT: ""})
    with (root / NEXT).open("wb") as file:
        file.truncate(50_000_000)
    report = analyse(discover.discover(root))
    assert not report.findings
    assert [t.message for t in report.troubles] == ["50.0 MB, too large to be source, skipped"]


def test_ten_megabytes_of_data() -> None:
    row = "({n}, 'it''s -- no /* comment; $$', \"x\", NULL, -1.5, E'\\\\x00'),\n"
    data = "".join(row.format(n=n) for n in range(1000))
    text = f"INSERT INTO parcels (id, label) VALUES\n{data}(0);\n".encode() * 150
    started = time.process_time()
    facts = extract(text + START.encode())
    assert len(text) > 9_000_000 and time.process_time() - started < SECONDS
    assert len(facts.operations) == 1 and facts.seeded == ["parcels"]


def test_a_folder_of_migrations_with_everything_in_it(tmp_path: Path) -> None:
    odd = {
        "migrations/README.md": "CREATE TABLE parcels (id INT);",
        "migrations/.gitkeep": "",
        "migrations/tool.py": "DROP TABLE parcels",
        "migrations/notes.sql": "DROP TABLE parcels;",
        "migrations/2024-01-15-000000_no_up/down.sql": "DROP TABLE parcels;",
        "migrations/2024-01-20-000000_nested/deeper/up.sql": "DROP TABLE parcels;",
        "migrations/2024-02-01-000000 _with some spaces/up.sql": "ALTER TABLE parcels ADD COLUMN height INTEGER;",
        "migrations/2024-01-01-000000_twice/up.sql": "ALTER TABLE parcels ADD COLUMN depth INTEGER;",
        "migrations/up.sql": "DROP TABLE parcels;",
        "migrations/99999999999999999999999999999999_far/up.sql": "ALTER TABLE parcels ADD COLUMN width INTEGER;",
    }
    report = analyse(discover.discover(write(tmp_path, {**PROJECT, **odd})))
    listed = [f"the migrations give `parcels` a column `{name}`" for name in ("depth", "height", "width")]
    assert [DRIFT, *listed] == sorted(message.partition(" that `table!`")[0] for message in says(report))


def test_the_order_of_every_layout() -> None:
    steps = ["CREATE TABLE parcels (id BIGINT PRIMARY KEY, a TEXT);", "ALTER TABLE parcels RENAME a TO b;"]
    steps += ["ALTER TABLE parcels RENAME b TO label;", "ALTER TABLE parcels ADD weight INTEGER NOT NULL;"]
    layouts = (
        ["00000000000000_initial/up.sql", "2023-01-01-000000_b/up.sql", "20230102000000_c/up.sql", "2024-x/up.sql"],
        ["1_a.sql", "2_b.up.sql", "10_c.sql", "20230102000000_d.sql"],
        ["V1__a.sql", "V1.2__b.sql", "V2__c.sql", "V10__d.sql"],
        ["0001-a.sql", "0002 b.sql", "0003.sql", "0010_d.sql"],
    )
    for names in layouts:
        files = {f"db/migrations/{name}": step for name, step in zip(names, steps, strict=True)}
        files["db/migrations/2_b.down.sql"] = "DROP TABLE parcels;"
        assert says(scan({**files, "src/lib.rs": SCHEMA})) == [DRIFT], names


ODD_SCHEMAS = {
    "tables made by a macro": "macro_rules! all { ($n:ident) => { diesel::table! { $n (id) { id -> Int8, } } } }\n"
    "all!(parcels);",
    "included": 'mod schema { include!(concat!(env!("OUT_DIR"), "/schema.rs")); }',
    "empty": "diesel::table! {} diesel::table!(); diesel::table!{;} table![ ]",
    "cut off": "diesel::table! { parcels (id",
    "no columns": "diesel::table! { parcels (id) {} }",
    "odd tokens": "diesel::table! { #[sql_name] #[] parcels. (id, ) { id -> , -> Text, -> } -> { } :: <> }",
    "deep types": f"diesel::table! {{ parcels (id) {{ id -> {'Nullable<' * 3000}Int8{'>' * 3000}, }} }}",
    "many": "".join(f"diesel::table! {{ t{n} (id) {{ id -> Int8, }} }}\n" for n in range(2000)),
}


@pytest.mark.parametrize("kind", ODD_SCHEMAS)
def test_schema_files_of_all_kinds(kind: str) -> None:
    report = scan({UP: START, "src/lib.rs": ODD_SCHEMAS[kind]})
    assert set(rules(report)) <= {"schema-drift", "migrations-missing"} and all(
        "parcels" in message for message in says(report)
    )


CONFIGS = {
    "broken": "[print_schema\nfile = 3",
    "types": 'print_schema = 3\nmigrations_directory = "x"',
    "more types": "[print_schema]\nfile = 3\npatch_file = []\nfilter = 1\n[print_schema.x]\nfile = {}\n"
    "[migrations_directory]\ndir = 1",
    "outside": '[print_schema]\nfile = "../../../etc/passwd"\npatch_file = "/etc/hosts"\n'
    '[migrations_directory]\ndir = "../../.."',
    "elsewhere": '[print_schema]\nfile = "src/lib.rs"\n[migrations_directory]\ndir = "/home/someone/else/migrations"',
    "nothing": "[print_schema]\n",
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_diesel_toml_of_all_kinds(kind: str) -> None:
    assert says(scan({**PROJECT, "diesel.toml": CONFIGS[kind]})) == [DRIFT]


def test_diesel_toml_in_another_encoding(tmp_path: Path) -> None:
    root = write(tmp_path, {**PROJECT, "diesel.toml": ""})
    (root / "diesel.toml").write_bytes(b'[print_schema]\nfile = "\xff"')
    report = analyse(discover.discover(root))
    assert says(report) == [DRIFT] and [t.path for t in report.troubles] == ["diesel.toml"]


@pytest.mark.parametrize("patch", ["gone.patch", "../secret.patch", "/etc/hosts", "migrations", "loop.patch"])
def test_a_patch_that_cannot_be_read_makes_all_unsure(tmp_path: Path, patch: str) -> None:
    config = f'[print_schema]\nfile = "src/lib.rs"\npatch_file = "{patch}"\n'
    root = write(tmp_path / "p", {**PROJECT, "diesel.toml": config})
    (tmp_path / "secret.patch").write_text("+++ b/src/lib.rs\n+        secret -> Text,\n")
    (root / "loop.patch").symlink_to("loop.patch")
    report = analyse(discover.discover(root))
    assert not report.findings
    assert not any("secret" in path for path in report.sources.texts)


def test_patches_of_all_kinds() -> None:
    for text in (
        "+++ b/src/lib.rs\n@@\n+ -> \n- -> x\n",
        "+++ \n+++\n -> ",
        "@@ -> @@\n" * 5000,
        "+" + "a" * DEEP + " -> ",
    ):
        assert says(scan({**PROJECT, "a.patch": text})) == [DRIFT]
    assert not says(
        scan({**PROJECT, "a.patch": "+++ b/src/lib.rs\n@@ -1 +1 @@\n-  label -> Nullable<Text>,\n+  label -> Text,"})
    )


def test_links_that_go_in_circles(tmp_path: Path) -> None:
    root = write(tmp_path, PROJECT)
    (root / "migrations/loop").symlink_to(root / "migrations", target_is_directory=True)
    (root / "migrations/2024-01-02-000000_a").mkdir()
    (root / "migrations/2024-01-02-000000_a/up.sql").symlink_to(root / "migrations/2024-01-03-000000_b/up.sql")
    (root / "migrations/2024-01-03-000000_b").mkdir()
    (root / "migrations/2024-01-03-000000_b/up.sql").symlink_to(root / "migrations/2024-01-02-000000_a/up.sql")
    report = analyse(discover.discover(root))
    assert not report.findings and {t.message for t in report.troubles} == {"a broken link, skipped"}


STATEMENTS = (
    *(text for texts in (HARMLESS, CLOUDED) for text in texts.values() if len(text) < 1000),
    *(path.read_text() for path in sorted((Path(__file__).parents[1] / "fixtures/shop/migrations").rglob("up.sql"))),
    "CREATE TABLE `t` (`a` INT UNSIGNED NOT NULL AUTO_INCREMENT, KEY k (`a`), PRIMARY KEY (`a`)) ENGINE=InnoDB;",
    "ALTER TABLE t CHANGE a b TEXT, MODIFY c INT NOT NULL FIRST, ADD FULLTEXT INDEX f (b), DROP FOREIGN KEY k;",
    "CREATE DOMAIN d AS citext COLLATE \"C\" NOT NULL CHECK (VALUE <> ''); ALTER TYPE x RENAME VALUE 'a' TO 'b';",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t USING gin (a gin_trgm_ops, lower(b) DESC) INCLUDE (c);",
    "CREATE MATERIALIZED VIEW v (a, b) AS SELECT 1, 2; CREATE TABLE c AS WITH x AS (SELECT 1 AS y) SELECT * FROM x;",
    "ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY USING INDEX i, ADD c INT GENERATED ALWAYS AS (a * 2) STORED;",
)
BITS = "( ) ' \" ` ; $$ $a$ /* */ -- # , . \\ :: [ ] E' LIKE RENAME CREATE ALTER DROP TABLE DO BEGIN END".split()


def test_mutated_statements_never_fail() -> None:
    chance = random.Random(4)
    started = time.process_time()
    for _ in range(1500):
        text = chance.choice(STATEMENTS)
        for _ in range(chance.choice((1, 2, 6))):
            at, other = chance.randrange(len(text) + 1), chance.choice(STATEMENTS)
            text = chance.choice(
                (
                    f"{text[:at]} {chance.choice(BITS)} {text[at:]}",
                    text[:at] + text[at + chance.choice((1, 4, 30)) :],
                    text[:at] + other[chance.randrange(len(other)) :][:60] + text[at:],
                    text[:at],
                )
            )
        operations = extract(text.encode()).operations
        for dialect in ("postgres", "mysql", "sqlite"):
            replay(dialect, [("a", extract(START.encode()).operations), ("b", operations), ("c", operations)])
    assert time.process_time() - started < 10 * SECONDS


def test_nothing_outside_of_the_project_is_read(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"2024-05-01-000000_x/up.sql": "DROP TABLE parcels;"})
    root = write(tmp_path / "p", PROJECT)
    (root / "migrations/2024-05-01-000000.sql").symlink_to(outside / "2024-05-01-000000_x/up.sql")
    report = analyse(discover.discover(root))
    assert not report.findings and [t.message for t in report.troubles] == ["a link that leaves the project, skipped"]


def series(text: str, count: int) -> str:
    """The text for each number, with the one before it in `{m}`."""
    return "".join(text.format(n=n, m=n - 1) for n in range(1, count + 1))


CUT_OFF = ("ALTER TABLE t ADD KEY (", "CREATE TABLE t (a int, KEY (", "ALTER TABLE t ADD KEY", "CREATE INDEX i ON t (")


@pytest.mark.parametrize("text", CUT_OFF)
def test_statements_that_stop_in_the_middle(text: str) -> None:
    assert {
        getattr(each, "table", None) or getattr(each, "name", None) for each in extract(text.encode()).operations
    } == {"t"}


PARTITIONS = "CREATE TABLE p0 (a INT, b INT) PARTITION BY LIST (a);"
MANY = {
    "partitions in partitions": PARTITIONS
    + series("CREATE TABLE p{n} PARTITION OF p{m} DEFAULT PARTITION BY LIST (a);", 1500)
    + "CREATE INDEX i ON p0 (a); ALTER TABLE p0 ADD PRIMARY KEY (a); ALTER TABLE p0 ADD UNIQUE (b);"
    "DROP INDEX i; ALTER TABLE p0 DROP CONSTRAINT p0_pkey;",
    "partitions side by side": PARTITIONS
    + series("CREATE TABLE p{n} PARTITION OF p0 FOR VALUES IN ({n});", 3000)
    + series("ALTER TABLE p0 ADD COLUMN c{n} INT;", 30),
    "tables renamed twice": series(
        "CREATE TABLE t{n} (a INT PRIMARY KEY); ALTER TABLE t{n} RENAME TO u{n}; ALTER TABLE u{n} RENAME a TO b;"
        "ALTER TABLE u{n} RENAME TO v{n};",
        3000,
    ),
    "functions": series("CREATE FUNCTION f{n}() RETURNS INT AS $$ ALTER TABLE x ADD y INT $$ LANGUAGE sql;", 3000),
    "backticks": "CREATE TABLE `other` (`a` INT);" + series("CREATE TABLE `o{n}` (`a` INT);", 3000),
    "indexes without a name": "CREATE TABLE other (a INT);" + "CREATE INDEX ON other (a);" * 3000,
    "indexes of one table": "CREATE TABLE other (a INT);"
    + series("CREATE INDEX i{n} ON other (lower(a || '{n}'));", 3000),
    "long names": "CREATE TABLE {t} ({c} INT); CREATE INDEX ON {t} ({c});".format(t="t" * 400_000, c="c" * 400_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_many_of_the_same(kind: str) -> None:
    assert says(scan({**PROJECT, NEXT: MANY[kind]})) == [DRIFT]
