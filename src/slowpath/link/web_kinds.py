"""What a file is for, by its path and content. Who imports it is asked later, in `link.web`."""

from __future__ import annotations

import re

from slowpath.link.web_resolve import split_package
from slowpath.model.modules import ModuleFacts
from slowpath.program.web import Kind

TEST = re.compile(
    r"(^|/)(__tests__|__mocks__|__fixtures__|([\w.-]+[-_])?tests?|e2e|cypress|playwright|mocks|fixtures|test-utils?|stories"
    r"|\.storybook)/|\.[\w-]*(test|spec|cy|e2e|stories|story|mock|fixture)s?\.[cm]?[jt]sx?$"
    r"|(^|/)(setupTests|test-utils?|jest\.setup|vitest\.setup)\.[jt]sx?$"
)
GENERATED = re.compile(r"(^|/)(__generated__|generated|\.prisma|gql-generated|openapi-generated)/")
CONFIG = re.compile(
    r"(^|/)[\w.-]+\.config(\.[\w-]+)*\.[cm]?[jt]sx?$|(^|/)\.\w+rc\.[cm]?js$"
    r"|(^|/)(gulpfile|Gruntfile|webpack[\w.-]*|karma\.conf)\.[cm]?[jt]s$"
    r"|^((packages|apps)/[^/]+/|[^/]+/)?(scripts|tools|bin)/"
)
SERVER = re.compile(
    r"(^|/)(pages/api|server|servers|backend|lambdas?|edge-functions|netlify|supabase/functions|electron)/|^functions/"
    r"|(^|/)app/(.*/)?route\.[jt]sx?$|(^|/)app/api/|(^|(^|/)src/)(middleware|instrumentation|proxy)\.[jt]s$"
    r"|\.server\.[jt]sx?$|(^|/)server\.[cm]?[jt]s$"
)
BUILD = re.compile(
    r"(^|/)((next|vite|babel|rsbuild|rspack|webpack|metro|craco|astro|react-router)[\w.-]*\.[cm]?[jt]s|app\.config\.[jt]s|\.babelrc\.[cm]?js)$"
)
"""Files whose word on React Compiler counts."""
TSCONFIG = re.compile(r"(^|/)(tsconfig[\w.-]*|jsconfig)\.json$")
NODE = frozenset(
    "assert async_hooks child_process cluster crypto dgram dns fs fs/promises http http2 https module net os path"
    " perf_hooks process readline stream tls url util v8 vm worker_threads zlib".split()
)
SERVER_PACKAGES = frozenset(
    "express fastify koa hono @nestjs/common @nestjs/core pg mysql mysql2 mongodb mongoose redis ioredis @prisma/client"
    " better-sqlite3 sqlite3 knex typeorm kafkajs amqplib nodemailer bcrypt argon2 winston pino server-only"
    " next/headers next/server @trpc/server apollo-server @apollo/server aws-lambda firebase-admin bullmq"
    " @hono/node-server".split()
)
MAIN_PROCESS = frozenset("app BrowserWindow ipcMain dialog Menu Tray autoUpdater session protocol nativeTheme".split())
FLEXIBLE = frozenset(["crypto", "path", "url", "util", "process", "assert", "stream", "os"])
"""Often polyfilled in bundles, so alone they prove no server."""


def kind_by_itself(path: str, facts: ModuleFacts) -> Kind | None:
    """The kind that path and content prove, None where the importers decide."""
    if TEST.search(path):
        return "test"
    if GENERATED.search(path):
        return "generated"
    if CONFIG.search(path):
        return "config"
    if facts.directive == "use client":
        return "client"
    if facts.directive == "use server" or SERVER.search(path) or _imports_server(facts):
        return "server"
    return None


def _imports_server(facts: ModuleFacts) -> bool:
    for statement in facts.imports:
        if statement.erased:
            continue
        name = statement.specifier.removeprefix("node:")
        if statement.specifier.startswith("node:") or (name in NODE and name not in FLEXIBLE):
            return True
        if name in SERVER_PACKAGES or split_package(name)[0] in SERVER_PACKAGES:
            return True
        if name.startswith("electron") and any(n.imported in MAIN_PROCESS and n.use != "type" for n in statement.names):
            return name in ("electron", "electron/main")
    return False
