"""What n-plus-one and write-per-row offer instead: the statement for all elements, in the words of the place."""

from __future__ import annotations

import pytest

from slowpath import engine, rulebook
from slowpath.discover import Discovery
from slowpath.model.finding import Finding

RULES = [rule for rule in rulebook.load() if rule.id in ("n-plus-one", "write-per-row")]

LOOPS = {
    "a key": (
        "users::table.find(id).first::<User>(conn)?;",
        "`users::table.filter(users::id.eq_any(&ids)).load(conn)?`",
    ),
    "a column beside a fixed one": (
        "users::table.filter(users::email.eq(id).and(users::open.eq(true))).first::<User>(&mut conn).await?;",
        "`users::table.filter(users::email.eq_any(&emails)).filter(…).load(conn).await?`",
    ),
    "a query in a variable": (
        "let one = users::table.find(id); one.first::<User>(conn)?;",
        "`users::table.filter(users::id.eq_any(&ids)).load(conn)?`",
    ),
    "a deletion": (
        "diesel::delete(jobs::table.filter(jobs::key.eq(id))).execute(conn)?;",
        "`diesel::delete(jobs::table.filter(jobs::key.eq_any(&keys))).execute(conn)?`",
    ),
    "the same change": (
        'diesel::update(jobs::table.find(id)).set(jobs::state.eq("done")).execute(conn)?;',
        "`diesel::update(jobs::table.filter(jobs::id.eq_any(&ids))).set(…).execute(conn)?`",
    ),
    "another change for each": (
        "diesel::update(jobs::table.find(id)).set(jobs::state.eq(id)).execute(conn)?;",
        "where the values differ `UPDATE … FROM (VALUES …) AS v (id, x) WHERE t.id = v.id`",
    ),
    "an insertion": (
        "diesel::insert_into(jobs::table).values(row(id)).execute(conn)?;",
        "`diesel::insert_into(jobs::table).values(&rows).execute(conn)?`",
    ),
    "a composite key has no list": (
        "shares::table.find((id, 1)).first::<Share>(conn)?;",
        "`belonging_to` with `grouped_by`",
    ),
    "SQL by key": (
        'sqlx::query!("SELECT name FROM users WHERE id = $1", id).fetch_one(pool).await?;',
        "`SELECT id, name FROM users WHERE id = ANY($1)`",
    ),
    "a row that may be there already": (
        'sqlx::query("INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING").bind(id).execute(pool).await?;',
        "`INSERT INTO t (a) SELECT * FROM UNNEST($1) ON CONFLICT DO NOTHING`",
    ),
    "an aggregate has no rows to look up": (
        'sqlx::query("SELECT count(*) FROM t WHERE a = $1").bind(id).fetch_one(pool).await?;',
        "`WHERE key IN (…)`",
    ),
    "a row in SQL": (
        'sqlx::query(r#"INSERT INTO jobs (id, "key") VALUES ($1, $2)"#).bind(id).bind(id).execute(pool).await?;',
        '`INSERT INTO jobs (id, "key") SELECT * FROM UNNEST($1, $2)`',
    ),
    "a row in SQL without arrays": (
        'sqlx::query("insert into jobs (id) values (?)").bind(id).execute(pool).await?;',
        "`INSERT INTO jobs (id) VALUES (…), (…), …`",
    ),
    "a key in SQLite": (
        'rusqlite::Connection::open(p)?.execute("DELETE FROM jobs WHERE id = ?1", [id])?;',
        "`DELETE FROM jobs WHERE id IN (…)`",
    ),
    "an entity by key": (
        "user::Entity::find_by_id(id).one(db).await?;",
        "`user::Entity::find().filter(user::Column::Id.is_in(ids)).all(db).await?`",
    ),
    "entities by a column": (
        "user::Entity::find().filter(user::Column::TeamFk.eq(id)).all(db).await?;",
        "`user::Entity::find().filter(user::Column::TeamFk.is_in(team_fks)).all(db).await?`",
    ),
    "an entity's deletion": (
        "user::Entity::delete_by_id(id).exec(db).await?;",
        "`user::Entity::delete_many().filter(user::Column::Id.is_in(ids)).exec(db).await?`",
    ),
    "an entity's insertion": (
        "user::Entity::insert(model(id)).exec(db).await?;",
        "`user::Entity::insert_many(models).exec(db).await?`",
    ),
}
HEAD = "pub async fn all(ids: Vec<i64>, conn: &mut PgConnection, pool: &PgPool, db: &DatabaseConnection) -> R<()> {\n"


def found(body: str, before: str = "") -> list[Finding]:
    text = f"{before}{HEAD}    for id in ids {{\n        {body}\n    }}\n    Ok(())\n}}\n"
    return list(engine.analyse(Discovery([("src/lib.rs", "rust", text.encode())], []), RULES).findings)


@pytest.mark.parametrize("name", LOOPS)
def test_loop_is_told_its_statement(name: str) -> None:
    body, wanted = LOOPS[name]
    (finding,) = found(body)
    assert wanted in finding.message


def test_method_for_many_is_named() -> None:
    store = """
pub struct Store;
impl Store {
    pub async fn push(&self, id: i64, pool: &PgPool) {
        sqlx::query("insert into t (a) values ($1)").bind(id).execute(pool).await;
    }
    pub async fn push_batch(&self, ids: &[i64], pool: &PgPool) {}
}
"""
    (finding,) = found("Store.push(id, pool).await;", store)
    assert "`Store::push_batch` is there for many" in finding.message


def test_commits_are_named_only_outside_transactions() -> None:
    insert = 'sqlx::query("insert into t (a) values ($1)").bind(id).execute({}).await?;'
    (outside,) = found(insert.format("pool"))
    (inside,) = found(insert.format("&mut *tx"))
    assert "a commit each" in outside.message
    assert "a commit each" not in inside.message


def test_query_of_nothing_in_the_loop_belongs_before_it() -> None:
    (finding,) = found("users::table.filter(users::admin.eq(true)).load::<User>(conn)?;")
    assert "ask once, before the loop" in finding.message
