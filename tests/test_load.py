"""`slowpath measure load`: real k6 against servers of known behaviour, and the rules of its verdicts."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import known_knee
import msgspec
import pytest
from click.testing import CliRunner, Result

from slowpath.commands import measure_load
from slowpath.commands.measure_load import command
from slowpath.model.evidence import Figures, Limits, LoadPart, LoadStep, Verdict
from slowpath.runtime import k6 as k6_tool
from slowpath.runtime import (
    k6_log,
    load_check,
    load_plan,
    load_search,
    load_tally,
    load_verdict,
    load_wrapper,
    statistics,
)
from slowpath.runtime.k6_stream import Points

USER = """import http from 'k6/http';
import {{ sleep }} from 'k6';
{before}
export default function () {{ {body} }}
"""


@contextmanager
def serving(answers: dict[str, int]) -> Iterator[int]:
    """A server that answers each path with a status, 404 without one."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b'{"token": "t0ken"}'
            self.send_response(answers.get(self.path.partition("?")[0], 404))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()


def script(folder: Path, body: str, before: str = "") -> Path:
    path = folder / "user.js"
    path.write_text(USER.format(body=body, before=before))
    return path


def load(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments])


def figures(slow: tuple[float | None, float | None], wrong: tuple[float | None, float | None]) -> Figures:
    return Figures(1000, 10, 100, p95=slow[0], p95_interval=slow, error_interval=wrong)


@pytest.mark.parametrize(
    ("slow", "wrong", "verdict"),
    [
        ((400, 490), (0.0, 0.009), "good"),
        ((400, 510), (0.0, 0.009), "undecided"),
        ((400, None), (0.0, 0.009), "undecided"),
        ((400, 490), (0.005, 0.02), "undecided"),
        ((501, None), (0.0, 0.009), "bad"),
        ((400, 490), (0.011, 0.02), "bad"),
    ],
)
def test_certain_or_undecided(slow: tuple[float, float | None], wrong: tuple[float, float], verdict: Verdict) -> None:
    assert load_verdict.judged(figures(slow, wrong), Limits(), vus=10)[0] == verdict


def test_users_that_hang_or_a_generator_that_is_full_leave_it_undecided() -> None:
    fine = figures((400, 490), (0.0, 0.009))
    assert load_verdict.judged(fine, Limits(), vus=10, unfinished=5)[0] == "undecided"
    for cpu, own, verdict in ((1.9, 200, "undecided"), (1.0, 500, "undecided"), (1.0, 250, "good"), (0.1, 500, "good")):
        generator = load_verdict.Generator(cpu, 2, own, alone=200)
        assert load_verdict.judged(fine, Limits(), vus=10, generator=generator)[0] == verdict


def test_users_who_rest_are_not_taken_for_users_without_an_answer() -> None:
    none = Figures(0, 5, 0.0)
    assert load_verdict.judged(none, Limits(), vus=4, unfinished=4, iteration=0.1)[0] == "bad"
    assert load_verdict.judged(none, Limits(), vus=4, unfinished=4, iteration=5.0)[0] == "undecided"


def test_intervals_are_those_of_the_literature() -> None:
    ordered = [float(value) for value in range(1, 301)]
    assert statistics.quantile_interval(ordered, 0.95) == (277.0, 293.0)
    assert statistics.quantile_interval(ordered[:71], 0.95)[1] is None
    assert statistics.quantile_interval(ordered[:72], 0.95)[1] is not None
    low, high = statistics.wilson(12, 1500)
    assert low is not None and high is not None
    assert (round(low, 4), round(high, 4)) == (0.0046, 0.0139)


def test_samples_that_hang_together_are_worth_less() -> None:
    even = [(5, 100)] * 8
    one_burst = [(40, 100)] + [(0, 100)] * 7
    assert statistics.worth(even) == 800
    assert statistics.worth(one_burst) < 40


def test_what_is_tried_next() -> None:
    def step(vus: int, verdict: Verdict) -> LoadStep:
        return LoadStep(vus, "double", 0, 1, figures((1, 1), (0, 0)), verdict, "because")

    assert load_search.ladder(10, 300) == [[10, 20, 40, 80], [160, 300]]
    steps = [step(10, "good"), step(20, "good"), step(40, "bad")]
    assert load_search.between(load_search.bracket(steps), (10, 20, 40)) == [25, 30, 35]
    steps += [step(25, "good"), step(30, "undecided"), step(35, "bad")]
    assert load_search.bracket(steps) == (25, 35, (30,))
    assert load_search.unconfirmed(steps) == [25, 35]
    assert not load_search.breaking_point(steps, 300, "").confirmed
    steps += [step(25, "good"), step(35, "good")]
    assert load_search.bracket(steps) == (25, 40, (30, 35)), "two runs that contradict decide nothing"


def test_levels_are_held_until_enough_is_answered() -> None:
    one = msgspec.structs.replace(figures((1, 1), (0, 0)), rps=2.0)
    most = msgspec.structs.replace(one, rps=50.0)
    steps = [LoadStep(vus, "double", 0, 1, each, "undecided", "") for vus, each in ((1, one), (100, most))]
    assert load_search.needed(steps, 10, Limits()) == pytest.approx(400 / 20 / 0.8)
    assert load_search.needed(steps, 80, Limits(error_rate=0.1)) == pytest.approx(72 / 50 / 0.8)


def test_more_users_are_not_tried_where_they_decide_nothing() -> None:
    enough, few = (msgspec.structs.replace(figures((1, 1), (0, 0)), requests=count) for count in (1000, 100))
    said = [LoadStep(10, "double", 0, 1, each, "undecided", "") for each in (few, enough, enough)]
    assert load_search.stuck(said, Limits())
    assert not load_search.stuck(said[:2], Limits())


def test_levels_above_the_last_good_one_that_nothing_decides_leave_the_end_open() -> None:
    def ran(vus: int, verdict: Verdict) -> LoadStep:
        return LoadStep(vus, "double", 0, 1, Figures(100, 1, 100, p50=1.0), verdict, "why")

    for more, code in (((), 0), ((ran(40, "undecided"),), 4), ((ran(40, "bad"), ran(40, "bad")), 0)):
        steps = (ran(20, "good"), ran(20, "good"), *more)
        part = LoadPart(schema="", steps=steps, breaking_point=load_search.breaking_point(steps, 20, "--max-vus"))
        assert measure_load._code(part) == code


def test_bad_levels_below_good_ones_are_not_passed_over() -> None:
    steps = [LoadStep(vus, "double", 0, 1, figures((1, 1), (0, 0)), verdict, "") for vus, verdict in
             ((10, "good"), (20, "bad"), (40, "good"))]  # fmt: skip
    assert load_search.bracket(steps)[:2] == (10, 20)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("http://127.0.0.1:80/orders/12/lines?page=3", "/orders/{id}/lines"),
        ("https://h/u/6f1e2c1a-0000-4000-8000-aabbccddeeff", "/u/{id}"),
        ("http://h/parts/Bolt-M8-0042", "/parts/{id}"),
        ("http://h/api/v2/oauth2", "/api/v2/oauth2"),
        ("http://h/api/v1/projects", "/api/v1/projects"),
        ("http://h", "/"),
        ("http://h/lots/L000123", "/lots/{id}"),
        ("create order", "create order"),
    ],
)
def test_names_become_routes(name: str, path: str) -> None:
    assert load_wrapper.path_of(name) == path


def test_lines_that_are_no_points_are_counted_or_passed_over() -> None:
    points = Points()
    good = b'{"metric":"vus","type":"Point","data":{"time":"2026-11-26T11:56:43.980509862Z","value":2,"tags":null}}'
    lines = [
        b"",
        b"banner",
        good[:60],
        good,
        good.replace(b"2026", b"????"),
        b'{"metric":"vus","type":"Point","data":[]}',
    ]
    assert [point.value for point in points.read(lines)] == [2.0]
    assert points.broken == 3


def test_many_samples_are_thinned_and_counted_exactly() -> None:
    samples = load_tally.Samples(1000)
    for value in range(100_000):
        samples.add(float(value))
    assert len(samples.ordered()) <= 1001
    assert statistics.quantile(samples.ordered(), 0.5) == pytest.approx(50_000, rel=0.01)


def test_breaking_point_lies_where_it_was_built(k6: str, tmp_path: Path) -> None:
    """The whole search takes minutes: `bench/known_knee.py`. Here: well below is good, well above is bad."""
    exact = known_knee.knee(100, 0.1, 300)
    with known_knee.server(100) as port:
        path = script(tmp_path, f"http.get('http://127.0.0.1:{port}/orders/' + __ITER); sleep(0.1);")
        given = ["--p95-ms", 300, "--error-rate", 0.05, "--hold", 1.5, "--start-vus", int(exact / 4), "--max-vus"]
        below = load(path, *given, int(exact / 4), "-o", tmp_path / "below.json")
        above = load(path, *given, int(exact * 2), "--soak", 2, "--vus", int(exact * 2), "-o", tmp_path / "above.json")
    assert below.exit_code == 0, below.output
    good = msgspec.json.decode((tmp_path / "below.json").read_bytes(), type=LoadPart)
    assert good.breaking_point is not None and good.breaking_point.confirmed
    assert (good.breaking_point.last_good, good.breaking_point.first_bad) == (int(exact / 4), None)
    assert [route.path for route in good.steps[-1].routes] == ["/orders/{id}"]
    bad = msgspec.json.decode((tmp_path / "above.json").read_bytes(), type=LoadPart)
    assert (bad.steps[-1].verdict, bad.steps[-1].phase) == ("bad", "soak"), above.output
    assert bad.steps[-1].figures.rps < 110
    assert bad.ticks and max(tick.vus for tick in bad.ticks) == int(exact * 2)


def test_a_server_that_is_gone_has_no_breaking_point(k6: str, tmp_path: Path) -> None:
    """Nobody knows if the load is why: it may have been restarted."""
    with serving({"/a": 200}) as port:
        path = script(tmp_path, f"http.get('http://127.0.0.1:{port}/a'); sleep(0.1);")
        command = [sys.executable, "-m", "slowpath", "measure", "load", str(path), "--hold", "2", "--max-vus", "10"]
        running = subprocess.Popen(
            [*command, "-o", "load.json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert running.stderr is not None and "smoke" in running.stderr.readline()
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 4, out
    assert "connection refused: after 10 users not even one user gets an answer" in out
    part = msgspec.json.decode((tmp_path / "load.json").read_bytes(), type=LoadPart)
    assert part.breaking_point is not None and part.breaking_point.first_bad is None and not part.complete


def test_what_one_user_sees_fail_is_said_and_no_load_is_driven(k6: str, tmp_path: Path) -> None:
    with serving({"/health": 200, "/limited": 429}) as port:
        base = f"http://127.0.0.1:{port}"
        path = script(
            tmp_path, f"for (const p of ['health', 'gone', 'limited']) http.get('{base}/' + p + '?token=s3cret');"
        )
        done = load(path, "-o", tmp_path / "load.json")
    assert done.exit_code == 4
    assert "GET /gone: 10 of 10 answers to one user count as failed (10 × 404)" in done.output
    assert "GET /limited: 10 of 10 answers to one user are 429: a rate limit" in done.output
    text = (tmp_path / "load.json").read_text()
    part = msgspec.json.decode(text, type=LoadPart)
    assert {step.phase for step in part.steps} == {"smoke"} and not part.complete
    assert part.steps[0].figures.limited == 10
    assert "s3cret" not in text + done.output


def test_statuses_that_are_meant_are_no_failures(k6: str, tmp_path: Path) -> None:
    with serving({}) as port:
        path = script(tmp_path, f"http.get('http://127.0.0.1:{port}/gone'); sleep(0.01);")
        done, failing = load(path, "--check", "--status", 404), load(path, "--check")
    assert done.exit_code == 0, done.output
    assert failing.exit_code == 4 and "--status 404 if that is meant" in failing.output


@pytest.mark.parametrize(
    ("body", "before", "said"),
    [
        ("http.get('http://127.0.0.1:1/');", "", "http://127.0.0.1:1: connection refused"),
        ("sleep(0.01);", "", "no iteration makes an HTTP request"),
        ("http.get('http://192.0.2.1:9/'.replace('192.0.2', '8.8.8'));", "", "say --i-own-this-target"),
        ("missing();", "", "user.js:4: ReferenceError: missing is not defined (10 times)"),
        ("", "export function setup() { return {}.data.token; }", "user.js:3: TypeError"),
    ],
)
def test_a_script_that_cannot_load_anything(k6: str, tmp_path: Path, body: str, before: str, said: str) -> None:
    done = load(script(tmp_path, body, before), "--hold", 1)
    assert done.exit_code == 2, done.output
    assert said in done.output


def test_public_targets_are_refused_before_anything_runs(k6: str, tmp_path: Path) -> None:
    done = load(script(tmp_path, "http.get(__ENV.BASE);"), "--env", "BASE=http://8.8.8.8/")
    assert done.exit_code == 2
    assert "8.8.8.8 is a public address: say --i-own-this-target" in done.output


@pytest.mark.parametrize("name", ["K6_BLACKLIST_IPS", "K6_LOG_OUTPUT", "HTTPS_PROXY", "https_proxy"])
def test_no_variable_opens_a_way_around(name: str, k6: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """k6 takes variables of its own over the options of a script, the blocked addresses among them."""
    monkeypatch.setenv(name, "198.51.100.0/24" if name.startswith("K6") else "http://127.0.0.1:1")
    done = load(script(tmp_path, "http.get('http://192.0.2.1:9/'.replace('192.0.2', '203.0.113'));"), "--check")
    assert "k6: 10 requests got no answer: IP (203.0.113.1) is in a blacklisted range" in done.output
    done = load(script(tmp_path, "http.get('http://127.0.0.1:1/');"), "--env", f"{name}=http://127.0.0.1:1")
    assert (done.exit_code, f"--env {name}: " in done.output) == (2, True), done.output


def test_answers_are_judged_where_the_script_judges_none(k6: str, tmp_path: Path) -> None:
    with serving({"/a": 200}) as port:
        body = f"http.get('http://127.0.0.1:{port}/a'); http.get('http://127.0.0.1:{port}/gone');"
        done = load(script(tmp_path, body, "http.setResponseCallback(null);"), "--check")
    assert "GET /gone: 10 of 10 answers to one user count as failed (10 × 404)" in done.output
    assert "GET /a" not in done.output


def test_check_reads_the_script(k6: str, tmp_path: Path) -> None:
    path = tmp_path / "check.js"
    path.write_text(
        "import http from 'k6/http';\nimport { Rate } from 'k6/metrics';\nconst failed = new Rate('failed');\n"
        "export const options = { scenarios: { a: { executor: 'constant-vus', vus: 5000, duration: '1s' } } };\n"
        "export default function () {\n"
        "  http.get(__ENV.BASE || 'http://127.0.0.1:1') || failed.add(1); open; typeof later; }\n"
        "export function handleSummary(data) { return { stdout: textSummary(data) }; }\n"
    )
    done = load(path, "--check", "--env", "BASE_URL=http://localhost")
    assert done.exit_code == 4
    for said in (
        "check.js:7: `textSummary` is neither imported nor declared",
        "check.js:3: only true is ever added to rate `failed`",
        "check.js:6: BASE is not set: http://127.0.0.1:1 is used",
        "nothing in the script reads BASE_URL",
        "its own options ask for 5000 users",
        "http://127.0.0.1:1: connection refused: only its text was checked",
    ):
        assert said in done.output
    assert "later" not in done.output


def test_how_a_project_runs_the_script_is_checked_too(k6: str, tmp_path: Path) -> None:
    files = {
        "package.json": "{}",
        "load/user.js": "export default function () { __ENV.BASE; } // writes out.json",
        "load/run.sh": "set -e\n# all\nk6 run --out json=out.json \\\n  -e HOST=x user.js\necho done\n",
        "load/other.sh": "set -e\nk6 run -e HOST=x my-user.js\necho done\n",
        "ci.mjs": "const name = 'load/user.js';\nexec(`API=${x} k6 run ${name} --out json`);",
        "good.yml": "run: k6 run --out json=samples.json -e BASE=y load/user.js\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    plan = load_plan.LoadPlan(script=tmp_path / "load/user.js", root=tmp_path)
    found = {(remark.about, remark.line, remark.message.split(",")[0]) for remark in load_check.static(plan, {})}
    assert {each for each in found if each[0] != "load/user.js"} == {
        ("load/run.sh", 3, "k6 writes its samples to out.json"),
        ("load/run.sh", 3, "sets HOST"),
        ("load/run.sh", 3, "finds user.js only when it is started in load: from elsewhere k6 exits 107"),
        ("load/run.sh", 3, "`set -e` ends this where k6 exits 99 for a crossed threshold: what follows is skipped"),
        ("ci.mjs", 2, "`--out json` names no file: samples and k6's own output mix on stdout"),
        ("ci.mjs", 2, "sets API"),
    }


def test_options_and_scenarios_of_the_script_are_kept(k6: str, tmp_path: Path) -> None:
    with serving({"/a": 200, "/b": 200}) as port:
        path = tmp_path / "two.js"
        path.write_text(
            "import http from 'k6/http'; import { sleep } from 'k6';\n"
            "export const options = { userAgent: 'kept', scenarios: {\n"
            "  a: { executor: 'constant-vus', vus: 3, duration: '1h', exec: 'first' },\n"
            "  b: { executor: 'constant-vus', vus: 1, duration: '1h', exec: 'second', env: { P: '/b' } } } };\n"
            f"const base = 'http://127.0.0.1:{port}';\n"
            "export const first = () => { http.get(base + '/a'); sleep(0.05); };\n"
            "export const second = () => { http.get(base + __ENV.P, { tags: { name: 'second' } }); sleep(0.05); };\n"
        )
        load(path, "--soak", 2, "--vus", 8, "-o", tmp_path / "load.json")
    part = msgspec.json.decode((tmp_path / "load.json").read_bytes(), type=LoadPart)
    counts = {route.path: route.figures.requests for route in part.steps[-1].routes}
    assert set(counts) == {"/a", "/b"}
    assert counts["/a"] == pytest.approx(3 * counts["/b"], rel=0.2)


def test_ctrl_c_keeps_what_was_gathered(k6: str, tmp_path: Path) -> None:
    with serving({"/a": 200}) as port:
        path = script(tmp_path, f"http.get('http://127.0.0.1:{port}/a'); sleep(0.05);")
        arguments = [sys.executable, "-m", "slowpath", "measure", "load", str(path), "--soak", "8", "--hold", "2"]
        arguments += ["-o", "load.json"]
        running = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert running.stderr is not None and "smoke" in running.stderr.readline()
        time.sleep(4)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
    assert running.returncode == 4, out
    part = msgspec.json.decode((tmp_path / "load.json").read_bytes(), type=LoadPart)
    assert not part.complete and len(part.ticks) > 1
    assert part.steps[-1].reason.startswith("cut short after") and part.steps[-1].figures.requests
    assert "interrupted: what was gathered until then is kept" in out


def test_what_is_no_k6_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "k6"
    fake.write_text("#!/bin/sh\necho k6 v0.49.0\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(k6_tool.K6Error, match=r"0\.49\.0: versions 1 and 2 are supported"):
        k6_tool.find()


def test_secrets_are_cut_out_of_messages() -> None:
    told = k6_log.cleaned('Get "http://me:p@pw@h/x?token=abc&n=1": Authorization: Bearer abc.def')
    assert not any(secret in told for secret in ("pw", "abc", "me:"))
    told = k6_log.cleaned(
        '{"password":"abc"} {\\"apiKey\\": \\"abc\\"} Authorization: Basic abc= cookie=abc eyJhbGciOiJIUzI1.abc.c'
    )
    assert "abc" not in told
    error = "TypeError: Cannot read property 'token' of undefined: token"
    assert k6_log.cleaned(error) == error


def test_what_is_wrong_with_a_variable_is_told_without_its_value(k6: str, tmp_path: Path) -> None:
    path = script(tmp_path, "console.log(__ENV.API_KEY || 'h1dden');")
    assert "--env PLACE: an address is no URL" in (told := load(path, "--env", "PLACE=http://me:h1dden@[::1/").output)
    rest = CliRunner().invoke(command, [str(path), "--env", "-"], input="KEY=-----BEGIN\nh1dden\n").output
    assert "--env a line of stdin: not NAME=VALUE" in rest
    checked = load(path, "--check").output
    assert "API_KEY is not set: the script's own is used" in checked
    assert "h1dden" not in told + rest + checked


def test_values_of_variables_do_not_come_out_by_what_a_script_logs(k6: str, tmp_path: Path) -> None:
    with serving({"/a": 200}) as port:
        body = f"http.get('http://127.0.0.1:{port}/a'); console.error(`no ${{__ENV.API_TOKEN}} in ${{__ENV.MODE}}`);"
        env = ["--env", "API_TOKEN=h1dden-value", "--env", "MODE=checkout"]
        done = load(script(tmp_path, body), "--soak", 1, *env, "-o", tmp_path / "load.json")
    assert "no … in checkout" in done.output
    assert "h1dden" not in done.output + (tmp_path / "load.json").read_text()


@pytest.mark.parametrize("place", ["load.js/load.json", "."])
def test_a_place_that_takes_no_file_is_seen_before_load_is_driven(place: str, tmp_path: Path) -> None:
    (tmp_path / "load.js").touch()
    done = load(script(tmp_path, "http.get('http://127.0.0.1:1/');"), "-o", tmp_path / place)
    assert done.exit_code == 2
    assert "cannot be written" in done.output and "refused" not in done.output


def test_interrupts_in_haste_lose_nothing(k6: str, tmp_path: Path) -> None:
    with serving({"/a": 200}) as port:
        path = script(tmp_path, f"http.get('http://127.0.0.1:{port}/a'); sleep(0.05);")
        command = [sys.executable, "-m", "slowpath", "measure", "load", str(path), "--soak", "12", "-o", "load.json"]
        running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert running.stderr is not None and "smoke" in running.stderr.readline()
        time.sleep(1)
        for _ in range(4):
            running.send_signal(signal.SIGINT)
            time.sleep(0.005)
        running.communicate(timeout=30)
    part = msgspec.json.decode((tmp_path / "load.json").read_bytes(), type=LoadPart)
    assert not part.complete and part.steps
