// Merges changes into an open page: new rows, changed rows, a changed incident. Nothing in view moves, nothing that
// is being typed is touched, and while somebody aims at the list new rows wait above it.
//
// Every few seconds it asks whether its change token is still the current one, and only if not for the changes.

const POLL_MILLISECONDS = 4700;
const HIDDEN_POLL_MILLISECONDS = 15_000;
const TIMEOUT_MILLISECONDS = 10_000;
const AIM_MILLISECONDS = 3000;
const SETTLE_MILLISECONDS = 600;
const FRESH_MILLISECONDS = 4000;
const MESSAGE_MILLISECONDS = 6000;
const MIN_ALIKE = 5;
let renewing = null;
let askAgain = false;
let previousNewest = null;
// New rows that wait, by their ids; whether more has changed than can be merged, and the whole list is to be renewed.
const waiting = new Map();
let isOutdated = false;
let settled = 0;
// Whether the mouse is in the list, and when a mouse or a finger was there.
const pointer = { inside: false, at: -Infinity };

const live = () => document.getElementById("live");

async function poll() {
  const here = live();
  if (!here || (document.hidden && document.documentElement.dataset.bell !== "on")) return;
  const response = await request(`${here.dataset.changeTokenUrl}?token=${here.dataset.changeToken}`);
  if (!response?.ok) return;
  const changed = response.status !== 204;
  if (changed || askAgain) await merge(here, changed);
}

// Tells connection.js how each request went.
async function request(url) {
  const options = { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) };
  const response = await fetch(url, options).catch(() => null);
  document.dispatchEvent(new CustomEvent("polled", { detail: response }));
  return response;
}

async function merge(here, changed) {
  const url = new URL(here.dataset.changesUrl, location.href);
  url.searchParams.set("after_event", here.dataset.newestEvent);
  const response = await request(url);
  if (response?.status === 205) return reload();
  if (!response?.ok || here !== live()) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const { changeToken, newestEvent } = page.getElementById("changes").dataset;
  const rows = [...page.querySelectorAll("li.row")];
  if (here.dataset.incident) await mergeIncident(here, rows);
  else mergeRows(here, page, rows);
  // On PostgreSQL an event may be committed after one with a higher id: each is asked for twice.
  here.dataset.newestEvent = previousNewest ?? here.dataset.newestEvent;
  previousNewest = newestEvent;
  here.dataset.changeToken = changeToken;
  askAgain = changed;
}

function mergeRows(here, page, rows) {
  const list = document.getElementById("rows");
  if (!list) return;
  showCounts(page.getElementById("tabs"));
  const wait = mustWait();
  const fresh = rows.filter((row) => "belongs" in row.dataset && !document.getElementById(row.id) && !waiting.has(row.id));
  let added = 0;
  keepScrollPosition(list, () => {
    for (const row of rows) {
      const old = document.getElementById(row.id);
      if (old) update(old, row);
      else if (!("belongs" in row.dataset) || "laterPage" in here.dataset) waiting.delete(row.id);
      else if (wait) waiting.set(row.id, row);
      else added += insert(list, row);
    }
  });
  showWaiting();
  if (fresh.length) document.dispatchEvent(new CustomEvent("newrows", { detail: fresh }));
  if (added) say(here, here.dataset.message.replace("0", added));
}

function showCounts(tabs) {
  if (!tabs) return;
  if (!document.querySelector("#tabs [open]")) replace(document.getElementById("tabs"), tabs);
  const numberOf = (tab) => tabs.querySelector(`.status-${tab} b`)?.textContent;
  for (const count of document.querySelectorAll(".group [data-tab]")) {
    if (/^\d/.test(numberOf(count.dataset.tab))) count.textContent = numberOf(count.dataset.tab);
  }
  const waits = Number(numberOf("open"));
  (waits ? navigator.setAppBadge?.(waits) : navigator.clearAppBadge?.())?.catch(() => {});
  document.title = document.title.replace(/^(\(\d+\) )?/, waits ? `(${waits}) ` : "");
}

function mustWait() {
  const aiming = pointer.inside || performance.now() - pointer.at < AIM_MILLISECONDS;
  return aiming || window.scrollY > 0 || waiting.size > 0 || isOutdated || matchMedia("(pointer: coarse)").matches;
}

function showWaiting() {
  const button = document.getElementById("waiting");
  if (!button) return;
  const { lang } = document.documentElement;
  const form = button.dataset[new Intl.PluralRules(lang).select(waiting.size)] ?? button.dataset.other;
  button.textContent = isOutdated ? button.dataset.many : form.replace("0", waiting.size);
  button.hidden = waiting.size === 0 && !isOutdated;
}

function letIn() {
  if (isOutdated) return renew();
  const list = document.getElementById("rows");
  if (waiting.size >= MIN_ALIKE) renew();
  else for (const row of waiting.values()) insert(list, row);
  waiting.clear();
  showWaiting();
  window.scrollTo({ top: 0, behavior: "instant" });
}

// A new node each time, which screen readers read. A timer takes it away: with reduced motion no animation ends.
function say(here, text) {
  const message = document.createElement("p");
  message.textContent = text;
  here.replaceChildren(message);
  setTimeout(() => message.remove(), MESSAGE_MILLISECONDS);
}

function markFresh(element) {
  element.classList.add("fresh");
  setTimeout(() => element.classList.remove("fresh"), FRESH_MILLISECONDS);
}

function update(old, row) {
  if (old.dataset.version === row.dataset.version) return;
  // The row stays where it is, so later insertions compare with the position at which it was inserted.
  row.dataset.position = old.dataset.position;
  if (old.classList.contains("unseen-yet")) row.classList.add("unseen-yet");
  const focused = old.contains(document.activeElement);
  replace(old, row);
  markFresh(row);
  if (focused) row.querySelector("a").focus({ preventScroll: true });
}

function insert(list, row) {
  const sign = list.dataset.order === "oldest" ? -1 : 1;
  const next = [...list.querySelectorAll(":scope > [data-position]")].find((other) => comesAfter(other, row, sign));
  const more = document.getElementById("more");
  // The service folds rows that are alike.
  if (list.querySelectorAll(`[data-shape="${row.dataset.shape}"]`).length >= MIN_ALIKE - 1) return renew();
  // A row behind the last one shown belongs to the next page.
  if (!next && more) return 0;
  list.insertBefore(row, next ?? more);
  markFresh(row);
  htmx.process(row);
  markUnseen();
  settle();
  return 1;
}

// Who presses just now has aimed at what was there before. (A class of the list itself would be lost when htmx settles.)
function settle() {
  const { classList } = document.body;
  classList.add("moving");
  clearTimeout(settled);
  settled = setTimeout(() => classList.remove("moving"), SETTLE_MILLISECONDS);
}

function comesAfter(other, row, sign) {
  const [a, b] = [other, row].map((each) => each.dataset.position.split(".").map(Number));
  if (a[0] !== b[0]) return a[0] > b[0];
  return sign * (a[1] - b[1] || a[2] - b[2]) < 0;
}

async function mergeIncident(here, rows) {
  if (!rows.some((row) => row.id === `incident-${here.dataset.incident}`)) return;
  const response = await request(location.href);
  if (!response?.ok || here !== live()) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["facts", "choices"]) replace(document.getElementById(id), page.getElementById(id));
  mergeTimeline(document.getElementById("timeline"), page.getElementById("timeline"));
  say(here, here.dataset.message);
}

// Adds the new events; the earlier ones that the viewer has loaded stay.
function mergeTimeline(timeline, newest) {
  const fresh = [...newest.querySelectorAll("li[id^=event-]")].filter((event) => !document.getElementById(event.id));
  if (fresh.length === newest.querySelectorAll("li[id^=event-]").length) return replace(timeline, newest);
  for (const event of fresh.reverse()) {
    timeline.prepend(event);
    markFresh(event);
  }
}

function replace(old, fresh) {
  if (!old || !fresh || old.outerHTML === fresh.outerHTML) return;
  old.replaceWith(fresh);
  htmx.process(fresh);
}

// Keeps the viewer's row at its place on the screen while rows are inserted above it.
function keepScrollPosition(list, change) {
  const focused = document.activeElement?.closest?.("li.row");
  const top = list.getBoundingClientRect().top;
  const anchor =
    focused ?? (top < 0 ? [...list.children].find((row) => row.getBoundingClientRect().bottom > 0) : null);
  const before = anchor?.getBoundingClientRect().top;
  const id = anchor?.id;
  change();
  const after = id && document.getElementById(id)?.getBoundingClientRect().top;
  if (id && after !== undefined && after !== before) window.scrollBy({ top: after - before, behavior: "instant" });
}

function reload() {
  const typing = [...document.querySelectorAll("textarea")].some((field) => field.value);
  if (typing) return;
  if (!document.getElementById("rows")) return location.reload();
  isOutdated = mustWait() && Boolean(document.getElementById("waiting"));
  if (isOutdated) showWaiting();
  else renew();
}

function renew() {
  settle();
  renewing ??= htmx
    .ajax("GET", location.href, { target: "#queue", select: "#queue", swap: "outerHTML" })
    .finally(() => (renewing = null));
  return 1;
}

async function keepPolling() {
  await poll();
  setTimeout(keepPolling, document.hidden ? HIDDEN_POLL_MILLISECONDS : POLL_MILLISECONDS);
}

// What came since the viewer last looked has a dot; a line says when that was.
const LOOKED = `looked ${document.documentElement.dataset.user}`;
let lookedAt = Number(localStorage.getItem(LOOKED)) || Infinity;

function markUnseen() {
  const list = document.getElementById("rows");
  if (list?.dataset.order !== "newest") return;
  list.querySelector(".since")?.remove();
  const rows = [...list.querySelectorAll("li.row")];
  for (const row of rows) row.classList.toggle("unseen-yet", row.dataset.position.split(".")[1] / 1000 > lookedAt);
  const known = rows.findIndex((row) => !row.classList.contains("unseen-yet"));
  if (known < 1) return;
  const line = document.createElement("li");
  line.className = "since";
  line.textContent = list.dataset.since.replace("{time}", new Date(lookedAt).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" }));
  rows[known].before(line);
}

function look() {
  if (document.hidden) lookedAt = Date.now();
  if (document.hidden && document.getElementById("rows")) localStorage.setItem(LOOKED, lookedAt);
  if (!document.hidden) poll().then(markUnseen);
}

function aim({ type, target, pointerType }) {
  const inside = type !== "pointerleave" && Boolean(target.closest("#rows"));
  if (inside || pointer.inside) pointer.at = performance.now();
  pointer.inside = inside && pointerType === "mouse";
}

for (const type of ["pointermove", "pointerdown", "pointerleave"]) document.documentElement.addEventListener(type, aim);
document.addEventListener("click", ({ target }) => target.id === "waiting" && letIn());
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "queue") return;
  waiting.clear();
  isOutdated = false;
  markUnseen();
  settle();
});
document.addEventListener("visibilitychange", look);
window.addEventListener("pageshow", (event) => event.persisted && poll());
markUnseen();
setTimeout(keepPolling, POLL_MILLISECONDS);
