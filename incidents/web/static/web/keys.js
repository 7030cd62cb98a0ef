// Keyboard shortcuts, on every layout; the dialog of `?` lists them.

const rows = () => [...document.querySelectorAll("li.row")];
const present = () => document.activeElement?.closest?.("li.row");
const go = (selector) => document.querySelector(selector)?.click();

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => present()?.querySelector(".select input")?.click(),
  "/": () => focus("#id_q"),
  ".": () => go("#waiting:not([hidden])"),
  c: () => focus("#id_comment"),
  u: () => go(document.getElementById("back") ? "#back" : ".navigation a"),
  n: () => go('.navigation a[href$="/report/"]'),
  z: () => go("#undo button"),
  "?": () => document.getElementById("keys").showModal(),
};
KEYS[","] = KEYS["?"];
const SIGNS = { Slash: "/", Period: ".", Comma: ",", ShiftSlash: "?" };

// A letter of another alphabet is the one that its key has on a Latin layout; a sign is where it is there.
function nameOf({ key, code, shiftKey }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  if (key === "?" || key === "/") return key;
  return SIGNS[shiftKey ? `Shift${code}` : code] ?? (/^Key[A-Z]$/.test(code) ? code[3].toLowerCase() : key);
}

function move(step) {
  const all = rows();
  if (!all.length) return go(step > 0 ? "main [rel=next]" : "main [rel=prev]");
  const at = all.indexOf(present());
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next.querySelector("a").focus();
  next.scrollIntoView({ block: "nearest" });
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
  const values = { status, seen: row.dataset.status, csrfmiddlewaretoken: csrf() };
  htmx.ajax("POST", row.dataset.changeUrl, { source: row, target: row, swap: "outerHTML", values });
}

const csrf = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (key === "Enter" && (event.ctrlKey || event.metaKey)) return target.form?.querySelector("button.sends")?.click();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "Enter" && target.id === "id_q" && document.getElementById("goto")) {
    event.preventDefault();
    return go("#goto");
  }
  // A closed dialog keeps the focus until the next frame; a key pressed in between belongs to the page.
  const typing = target.closest("input:not([type=checkbox]), textarea, select, dialog[open]");
  if (key === "Escape" && typing) typing.blur();
  if (typing) return;
  const name = nameOf(event);
  if (/^[1-7]$/.test(key)) setStatus(Number(key));
  else if (KEYS[name]) KEYS[name]();
  else return;
  event.preventDefault();
});
// The age lies above the row's link for its title.
document.addEventListener("click", ({ target }) => target.closest(".row time") && go(`#${target.closest(".row").id} a`));
