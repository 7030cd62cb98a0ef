// Brings what has happened into an open page: new rows, changed rows, a changed incident. Nothing that the viewer
// looks at moves, and nothing that is being typed is touched.
//
// Every few seconds it asks for one word that changes with each event. Only when that has changed it asks what.

const EVERY = 4700;
let late = false;
let lag = null;

const live = () => document.getElementById("live");

async function look() {
  const here = live();
  if (!here || document.hidden) return;
  const answer = await fetch(here.dataset.newsUrl, { credentials: "omit" });
  if (!answer.ok) return;
  const moved = (await answer.text()) !== here.dataset.news;
  if (moved || late) await bring(here, moved);
}

async function bring(here, moved) {
  const url = new URL(here.dataset.changesUrl, location.href);
  url.searchParams.set("event", here.dataset.newest);
  const answer = await fetch(url);
  if (answer.redirected || answer.status === 205) return location.reload();
  if (!answer.ok || here !== live()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const { news, newest } = page.getElementById("changes").dataset;
  const rows = [...page.querySelectorAll("li.row")];
  if (here.dataset.incident) await showIncident(here, rows);
  else showRows(here, page, rows);
  // On PostgreSQL an event may be committed after a younger one: each is asked for twice.
  here.dataset.newest = lag ?? here.dataset.newest;
  lag = newest;
  here.dataset.news = news;
  late = moved;
}

function showRows(here, page, rows) {
  const list = document.getElementById("rows");
  replace(document.getElementById("tabs"), page.getElementById("tabs"));
  let added = 0;
  holdingStill(list, () => {
    for (const row of rows) {
      const old = document.getElementById(row.id);
      if (old) update(old, row);
      else if ("belongs" in row.dataset && !("laterPage" in here.dataset)) added += insert(list, row);
    }
  });
  if (added) here.textContent = here.dataset.says.replace("0", added);
}

function update(old, row) {
  if (old.dataset.version === row.dataset.version) return;
  row.dataset.place = old.dataset.place;
  const focused = old.contains(document.activeElement);
  replace(old, row);
  row.classList.add("fresh");
  if (focused) row.querySelector("a").focus({ preventScroll: true });
}

function insert(list, row) {
  const sign = list.dataset.order === "oldest" ? -1 : 1;
  const next = [...list.querySelectorAll("li.row")].find((other) => comesAfter(other, row, sign));
  const more = document.getElementById("more");
  // What comes after the last row shown belongs to the next page.
  if (!next && more) return 0;
  list.insertBefore(row, next ?? more);
  row.classList.add("fresh");
  htmx.process(row);
  return 1;
}

function comesAfter(other, row, sign) {
  const [a, b] = [other, row].map((each) => each.dataset.place.split(".").map(Number));
  if (a[0] !== b[0]) return a[0] > b[0];
  return sign * (a[1] - b[1] || a[2] - b[2]) < 0;
}

async function showIncident(here, rows) {
  if (!rows.some((row) => row.id === `incident-${here.dataset.incident}`)) return;
  const answer = await fetch(location.href);
  if (!answer.ok || here !== live()) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["facts", "choices", "timeline"]) replace(document.getElementById(id), page.getElementById(id));
  document.getElementById("timeline").lastElementChild.classList.add("fresh");
  here.textContent = here.dataset.says;
}

function replace(old, fresh) {
  if (!old || !fresh || old.outerHTML === fresh.outerHTML) return;
  old.replaceWith(fresh);
  htmx.process(fresh);
}

// Keeps the row that the viewer is at where it is on the screen while rows come in above it.
function holdingStill(list, change) {
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

async function keepLooking() {
  try {
    await look();
  } catch {
    // The service restarts or the network is away: the next look finds it again.
  }
  setTimeout(keepLooking, EVERY);
}

document.querySelector("#tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.addEventListener("visibilitychange", () => look().catch(() => {}));
window.addEventListener("pageshow", (event) => event.persisted && look().catch(() => {}));
setTimeout(keepLooking, EVERY);
