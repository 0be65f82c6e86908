// Drives a k6 script as it is: its functions, its options but for the load profile, its setup and teardown.
// SLOWPATH_PLAN says how: see load_wrapper.py.
import * as script from "SLOWPATH_SCRIPT";
import exec from "k6/execution";
import http from "k6/http";
import { sleep } from "k6";
import { Counter, Gauge } from "k6/metrics";

const plan = JSON.parse(__ENV.SLOWPATH_PLAN);
const begun = new Counter("slowpath_begun");
const opened = new Gauge("slowpath_start");
const PLACES = { get: 1, head: 1, post: 2, put: 2, patch: 2, del: 2, options: 2 }; // where parameters stand
const { stages, vus, duration, iterations, scenarios, thresholds, ...kept } = script.options || {};

if (plan.statuses.length) http.setResponseCallback(http.expectedStatuses({ min: 200, max: 399 }, ...plan.statuses));

export const options = {
  ...kept,
  blacklistIPs: (kept.blacklistIPs || []).concat(plan.blocked),
  scenarios: plan.scenarios,
  thresholds: {},
};
export const setup = () => (script.setup ? script.setup() : null); // exporting undefined exits 255
export const teardown = (data) => (script.teardown ? script.teardown(data) : null);
export const handleSummary = () => ({});

const played = () => script[plan.functions[Number(exec.scenario.name.split("_")[1])]];
const say = (...words) => console.info(`slowpath: ${JSON.stringify(words)}`);

export function visit(data) {
  if (exec.vu.iterationInScenario === 0) {
    opened.add(exec.scenario.startTime);
    sleep(Math.random() * plan.jitter);
  }
  begun.add(1);
  return played()(data);
}

// One route at a time: what the script asked is asked again with the same arguments.
const pattern = new RegExp(plan.ids);
const kept_calls = {};
const said = {};
const original = {};

function pathOf(url) {
  const path = String(url).replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "") || "/";
  return path.split("/").map((part) => (pattern.test(part) ? "{id}" : part)).join("/");
}

function seen(method, target, body, params) {
  const url = target && target.url ? target.url : String(target);
  const key = `${method} ${pathOf(url)}`;
  const name = (params && params.tags && params.tags.name) || (target && target.url ? target.name : "");
  if (name && !said[`${method} ${name}`]) {
    said[`${method} ${name}`] = true;
    say("name", method, String(name), pathOf(url), (/^[a-z]+:\/\/[^/?#]*/i.exec(url) || [""])[0]);
  }
  const calls = (kept_calls[key] = kept_calls[key] || { all: [], statuses: {}, count: 0 });
  calls.count += 1;
  if (plan.isolate && calls.all.length < 50) calls.all.push([method, url, body, params]);
  return calls;
}

function watched(calls, answer) {
  if (answer && answer.status !== undefined) calls.statuses[answer.status] = true;
  return answer;
}

function watch() {
  for (const [name, place] of Object.entries(PLACES)) {
    original[name] = http[name];
    http[name] = (url, ...rest) => {
      const method = name === "del" ? "DELETE" : name.toUpperCase();
      const calls = seen(method, url, place === 1 ? null : rest[0], rest[place - 1]);
      return watched(calls, original[name].call(http, url, ...rest));
    };
  }
  for (const name of ["request", "asyncRequest"]) {
    original[name] = http[name];
    http[name] = (method, url, body, params) => {
      const calls = seen(method.toUpperCase(), url, body, params);
      const answer = original[name].call(http, method, url, body, params);
      return name === "request" ? watched(calls, answer) : answer.then((value) => watched(calls, value));
    };
  }
  original.batch = http.batch;
  http.batch = (requests) => {
    const answers = original.batch.call(http, requests);
    for (const [key, each] of Object.entries(requests)) {
      const parts = Array.isArray(each) ? each : typeof each === "string" ? ["GET", each] : null;
      const { method, url, body, params } = each;
      const calls = parts ? seen(...parts) : seen((method || "GET").toUpperCase(), url, body, params);
      watched(calls, answers[key]);
    }
    return answers;
  };
}

if (plan.watch || plan.isolate) {
  try {
    watch();
  } catch (error) {
    say("unwatched", String(error));
  }
}

export async function isolate(data) {
  const { seconds, idle, pause, most, patience, record } = plan.isolate;
  const until = Date.now() + record * 1000;
  let known = 0;
  let quiet = 0; // iterations since the last new route
  for (let i = 0; quiet < patience && Date.now() < until; i++) {
    try {
      await script[plan.functions[i % plan.functions.length]](data);
    } catch (error) {
      say("threw", String(error).slice(0, 200));
    }
    quiet = Object.keys(kept_calls).length > known ? 0 : quiet + 1;
    known = Object.keys(kept_calls).length;
  }
  await new Promise((done) => setTimeout(done, 100)); // answers of asyncRequest
  say("begin", "");
  sleep(pause + idle);
  say("end", "", {}, []);
  sleep(pause);
  const asked = Object.keys(kept_calls).sort((a, b) => kept_calls[b].count - kept_calls[a].count);
  for (const route of asked.slice(0, most)) {
    const { all, statuses } = kept_calls[route];
    const answered = {};
    say("begin", route);
    sleep(pause);
    const end = Date.now() + seconds * 1000;
    for (let i = 0; Date.now() < end; i++) {
      const { status } = original.request.call(http, ...all[i % all.length]);
      answered[status] = (answered[status] || 0) + 1;
    }
    say("end", route, answered, Object.keys(statuses));
    sleep(pause);
  }
}
