// Merges changes into an open page: new rows, changed rows, a changed incident. Nothing in view moves, and nothing
// that is being typed is touched.
//
// Every few seconds it asks whether its change token is still the current one, and only if not for the changes.

const POLL_MILLISECONDS = 4700;
const TIMEOUT_MILLISECONDS = 10_000;
let askAgain = false;
let previousNewest = null;

const live = () => document.getElementById("live");

async function poll() {
  const here = live();
  if (!here || document.hidden) return;
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
  replace(document.getElementById("tabs"), page.getElementById("tabs"));
  let added = 0;
  keepScrollPosition(list, () => {
    for (const row of rows) {
      const old = document.getElementById(row.id);
      if (old) update(old, row);
      else if ("belongs" in row.dataset && !("laterPage" in here.dataset)) added += insert(list, row);
    }
  });
  if (added) here.textContent = here.dataset.message.replace("0", added);
}

function update(old, row) {
  if (old.dataset.version === row.dataset.version) return;
  // The row stays where it is, so later insertions compare with the position at which it was inserted.
  row.dataset.position = old.dataset.position;
  const focused = old.contains(document.activeElement);
  replace(old, row);
  row.classList.add("fresh");
  if (focused) row.querySelector("a").focus({ preventScroll: true });
}

function insert(list, row) {
  const sign = list.dataset.order === "oldest" ? -1 : 1;
  const next = [...list.querySelectorAll("li.row")].find((other) => comesAfter(other, row, sign));
  const more = document.getElementById("more");
  // A row behind the last one shown belongs to the next page.
  if (!next && more) return 0;
  list.insertBefore(row, next ?? more);
  row.classList.add("fresh");
  htmx.process(row);
  return 1;
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
  here.textContent = here.dataset.message;
}

// Appends the new events; the earlier ones that the viewer has loaded stay.
function mergeTimeline(timeline, newest) {
  const fresh = [...newest.querySelectorAll("li[id^=event-]")].filter((event) => !document.getElementById(event.id));
  if (fresh.length === newest.querySelectorAll("li[id^=event-]").length) return replace(timeline, newest);
  for (const event of fresh) {
    timeline.append(event);
    event.classList.add("fresh");
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
  if (!typing) location.reload();
}

async function keepPolling() {
  await poll();
  setTimeout(keepPolling, POLL_MILLISECONDS);
}

document.querySelector("#tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.addEventListener("visibilitychange", () => poll());
window.addEventListener("pageshow", (event) => event.persisted && poll());
setTimeout(keepPolling, POLL_MILLISECONDS);
