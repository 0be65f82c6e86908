"""Requests of the front end: URLs through own clients, and the routes that answer them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from slowpath.extract.typescript import extract_typescript
from slowpath.link import link
from slowpath.model.requests import Part
from slowpath.program import File
from slowpath.program.request_routes import RouteTable, asked
from slowpath.program.requests import Sent
from slowpath.program.routes import Route


def sent(path: str, text: str, **others: str) -> list[str]:
    """What the calls of a file send."""
    sources = {path: text, **{f"{name}.ts": source for name, source in others.items()}}
    files = {name: File(name, "typescript", extract_typescript(source.encode())) for name, source in sources.items()}
    return [str(one) for sending in link(files).requests.at(path) for one in sending.sent]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export const a = () => fetch('/a');", ["GET /a"]),
        ("export const a = (id: string) => fetch(`/a/${id}/b?x=${id}`, { method: 'put' });", ["PUT /a/{}/b"]),
        ("const base = '/api'; export const a = (n: number) => fetch(base + '/a/' + n);", ["GET /api/a/{}"]),
        ("const url = (id: string) => `/a/${id}`; export const a = (id: string) => fetch(url(id));", ["GET /a/{}"]),
        ("import x from 'axios'; export const a = () => x.delete('/a');", ["DELETE /a"]),
        ("import x from 'axios'; export const a = () => x({ url: '/a', method: 'patch' });", ["PATCH /a"]),
        (
            "import x from 'axios'; const c = x.create({ baseURL: '/v1' }); export const a = () => c.get('a');",
            ["GET /v1/a"],
        ),
        (
            "import x from 'axios'; const c = x.create({ baseURL: '/v1' }); export const a = () => c.get('/a');",
            ["GET /v1/a"],
        ),
        ("const fetch = (x: string) => x; export const a = async () => { await fetch('/a'); };", []),
        ("export const a = (cache: Map<string, string>) => cache.get('/a');", []),
    ],
)
def test_request(text: str, expected: list[str]) -> None:
    assert sent("a.ts", text) == expected


def test_client_over_files_with_a_base_class() -> None:
    base = """
export class Base {
  protected async call(method: string, path: string, body?: unknown) {
    const answer = await fetch(`${this.root}${path}`, { method, body: JSON.stringify(body) });
    return answer.json();
  }
}
"""
    api = """
import { Base } from "./base";
class Orders extends Base {
  one = (id: string) => this.call("GET", `/orders/${id}`);
  drop(id: string) { return this.call("DELETE", `/orders/${id}`); }
}
export const orders = new Orders();
"""
    page = """
import { orders } from "./api";
export async function go(id: string) {
  await orders.one(id);
  await orders.drop(id);
}
"""
    assert sent("page.ts", page, api=api, base=base) == ["GET {}/orders/{}", "DELETE {}/orders/{}"]


def test_calls_in_a_ring_end() -> None:
    text = (
        "export const a = async () => { await b(); }; export const b = async () => { await a(); await fetch('/x'); };"
    )
    assert "GET /x" in sent("a.ts", text)


def request(text: str, verb: str = "GET") -> Sent:
    parts = [Part("text", piece) for piece in text.split("{}")]
    url = [part for piece in parts for part in (piece, Part("hole"))][:-1]
    return Sent((Part("text", verb),), tuple(part for part in url if part.text or part.kind == "hole"), (), "high")


def route(method: str, path: str) -> Route:
    return Route(method, path, cast(Any, object()))


@pytest.mark.parametrize(
    ("url", "path", "sure"),
    [
        ("/api/orders/{}", "/api/orders/{id}", "high"),
        ("/orders/{}?full={}", r"/orders/{id:\d+}", "high"),
        ("/orders{}", "/orders", "high"),
        ("/orders/{}", "/orders/<id>", "high"),
        ("/orders/{}", "/orders/:id", "high"),
        ("{}/orders/{}", "/v1/orders/{id}", "medium"),
        ("{}/orders/{}", "/shop/orders/{id}", "medium"),
        ("http://localhost:8080/api/v2/orders", "/orders", "medium"),
        ("/files/{}/a/b", "/files/{id}/{*rest}", "high"),
        ("/orders/open", "/orders/{id}", "low"),
        ("/orders/{}", "/shop/orders/{id}", None),
        ("/shop/orders/{}", "/orders/{id}", None),
        ("/orders/{}", "/users/{id}", None),
        ("/api/{}", "/api/{id}", None),
        ("{}", "/{*path}", None),
        ("/orders", "/{*path}", None),
        ("https://code.example.com/orders/{}", "/orders/{id}", None),
    ],
)
def test_match(url: str, path: str, sure: str | None) -> None:
    found = RouteTable([route("GET", path), route("POST", path)]).match(request(url))
    assert (found.sure if found else None) == sure


def test_the_most_specific_route_answers() -> None:
    routes = [route("GET", "/orders/{id}"), route("GET", "/orders/open"), route("GET", "/{kind}/open")]
    found = RouteTable(routes).match(request("/orders/open"))
    assert found is not None and found.route is routes[1] and found.sure == "high"


def test_two_handlers_that_fit_are_a_guess() -> None:
    found = RouteTable([route("GET", "/a/orders"), route("GET", "/b/orders")]).match(request("{}/orders"))
    assert found is not None and found.sure == "low"


def test_a_path_made_of_values_asks_nothing() -> None:
    assert asked(request("{}{}")) is None and asked(request("/{}/{}")) is None
