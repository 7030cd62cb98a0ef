// Keyboard shortcuts: j and k move, Enter opens, 1 to 7 set a status, / searches, u goes back, n reports, ? lists them.

const rows = () => [...document.querySelectorAll("li.row")];
const present = () => document.activeElement?.closest?.("li.row");
const go = (selector) => document.querySelector(selector)?.click();

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => focus("#id_q"),
  c: () => focus("#id_comment"),
  u: () => go(".navigation a:first-child"),
  n: () => go('.navigation a[href$="/report/"]'),
  "?": () => document.getElementById("keys").showModal(),
};

function move(step) {
  const all = rows();
  const at = all.indexOf(present());
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next?.querySelector("a").focus();
  next?.scrollIntoView({ block: "nearest" });
}

function focus(selector) {
  const field = document.querySelector(selector);
  field?.focus();
  field?.select?.();
}

function setStatus(number) {
  const button = document.querySelector(`#choices [data-key="${number}"]`);
  if (button) return button.click();
  const row = present();
  const status = document.getElementById("keys").dataset.statuses.split(" ")[number - 1];
  if (!row?.dataset.changeUrl || row.dataset.status === status) return;
  const id = row.id;
  htmx
    .ajax("POST", row.dataset.changeUrl, {
      source: row,
      target: row,
      swap: "outerHTML",
      values: { status, seen: row.dataset.status, csrfmiddlewaretoken: csrf() },
    })
    .then(() => document.querySelector(`#${id} a`)?.focus({ preventScroll: true }));
}

const csrf = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // A closed dialog keeps the focus until the next frame; a key pressed in between belongs to the page.
  const typing = event.target.closest("input, textarea, select, dialog[open]");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing) return;
  if (/^[1-7]$/.test(event.key)) setStatus(Number(event.key));
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});
