"""What the fix of full-library-import writes, and when it writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from slowpath import engine, rulebook

MAIN = """import { createRoot } from "react-dom/client"; import { f, g } from "./a"; import * as b from "./b";
createRoot(document.body).render(<App of={[f, g, b]} />);
"""
RULES = [rule for rule in rulebook.load() if rule.id == "full-library-import"]


def fixed(root: Path, texts: dict[str, str], *, unsafe: bool = False) -> dict[str, str]:
    """The texts that the fixes change, by path."""
    for path, text in {"src/main.tsx": MAIN, **texts}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    done = engine.mend(root, RULES, unsafe=unsafe)
    return {path: text.decode() for path, text in done.texts.items()}


def test_members_and_names_come_from_files_of_their_own(tmp_path: Path) -> None:
    texts = {
        "src/a.ts": 'import _ from "lodash";\nexport const f = _.debounce(() => _.isEqual(1, 2), 10);\n',
        "src/b.ts": 'import { map as each, type Dictionary } from "lodash";\n'
        "export const g = (all: Dictionary<string>) => each(all);\n",
    }
    assert fixed(tmp_path, texts) == {
        "src/a.ts": 'import debounce from "lodash/debounce";\nimport isEqual from "lodash/isEqual";\n'
        "export const f = debounce(() => isEqual(1, 2), 10);\n",
        "src/b.ts": 'import each from "lodash/map";\nimport type { Dictionary } from "lodash";\n'
        "export const g = (all: Dictionary<string>) => each(all);\n",
    }


NOT_PROVEN = {
    "chained": 'import _ from "lodash"; export const f = _([1]).map(String).value(); export const g = 1;',
    "handed on": 'import _ from "lodash"; export const f = _.partial(parseInt, _, 10); export const g = 1;',
    "hidden": 'import _ from "lodash"; export const f = [1].map((_) => _.toFixed()); export const g = _.noop;',
    "name is taken": 'import _ from "lodash"; const keys = 1; export const f = _.keys; export const g = keys;',
    "its types": 'import _ from "lodash"; export const f = (d: _.Dictionary<1>) => _.keys(d); export const g = 1;',
    "no file": 'import _ from "lodash"; export const f = _.runInContext(); export const g = 1;',
    "another way in": 'import _ from "lodash"; export const f = _.keys; export const g = require("lodash");',
    "re-exported": 'import { keys } from "lodash"; export const [f, g] = [keys, 1]; export { map } from "lodash";',
}


@pytest.mark.parametrize("kind", NOT_PROVEN)
def test_no_fix_where_more_might_change(tmp_path: Path, kind: str) -> None:
    texts = {"src/a.ts": NOT_PROVEN[kind], "src/b.ts": 'export { f as h, g as i } from "./a";'}
    assert fixed(tmp_path, texts, unsafe=True) == {}


def test_unsafe_where_the_app_takes_no_default_import_of_commonjs(tmp_path: Path) -> None:
    texts = {"src/a.ts": 'import { keys } from "lodash"; export const f = keys; export const g = 1;'}
    assert fixed(tmp_path, texts) == {}
    assert fixed(tmp_path, texts, unsafe=True)["src/a.ts"].startswith('import keys from "lodash/keys";')
