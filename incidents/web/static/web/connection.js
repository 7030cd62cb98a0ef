// Without a session, without the network, after an error: whatever was pressed can be pressed again, whatever was typed
// stays, and the page says that it is not up to date.

const FLASH_MILLISECONDS = 4000;
const bar = document.getElementById("connection");
const { user } = document.documentElement.dataset;
const { rendered, offline } = document.documentElement.dataset;
let currentAt = new Date(rendered);
let failedSearch = null;
let refusedToLogIn = false;

function connected() {
  currentAt = new Date();
  refusedToLogIn = false;
  if (!document.body.classList.contains("stale")) return;
  document.body.classList.remove("stale");
  bar.textContent = bar.dataset.restored;
  setTimeout(() => document.body.classList.contains("stale") || (bar.textContent = ""), FLASH_MILLISECONDS);
  if (failedSearch) press(failedSearch);
}

function disconnected(reason) {
  document.body.classList.add("stale");
  const time = currentAt.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  const text = bar.dataset[reason].replace("{time}", time);
  if (bar.textContent !== text) bar.textContent = text;
}

// A press that failed: a form that was sent, a link that loads more, a key on a row.
function failed({ detail }) {
  const { xhr } = detail;
  const elt = pressed(detail);
  // A hint while somebody types.
  if (detail.elt.id === "similar") return;
  if (elt.closest("#login") && xhr.status !== 401) return say(elt, "offline", () => press(detail));
  if (xhr.status === 401) return logIn(xhr.responseText, detail);
  const away = xhr.status === 0 || xhr.status === 502 || xhr.status === 504;
  if (away) disconnected("offline");
  if (away && elt.id === "report") return elt.dispatchEvent(new Event("unsent", { bubbles: true }));
  say(elt, away ? "offline" : xhr.status === 403 ? "forbidden" : "error", () => press(detail));
  if (elt.id === "filters") failedSearch = detail;
}

// The form or the link whose event htmx handled, the row of a key.
const pressed = ({ elt, requestConfig }) => requestConfig.triggeringEvent?.target.closest("form, a") ?? elt;

function press(detail) {
  const elt = pressed(detail);
  const { target, requestConfig } = detail;
  const button = elt.matches("a") ? elt : requestConfig.triggeringEvent?.submitter;
  if (button) return button.click();
  if (elt.matches("form")) return elt.requestSubmit();
  const values = { ...Object.fromEntries(requestConfig.formData), csrfmiddlewaretoken: csrfToken() };
  htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt, target, swap: "outerHTML", values });
}

function say(elt, reason, again) {
  const template = document.getElementById("failed");
  const notice = template.content.firstElementChild.cloneNode(true);
  const searching = elt.id === "filters";
  notice.querySelector("p").textContent = template.dataset[searching && reason === "offline" ? "search" : reason];
  notice.querySelector("button").addEventListener("click", () => {
    if (!searching) notice.remove();
    again();
  });
  for (const old of document.querySelectorAll(".failed")) old.remove();
  // Rows that do not match what is asked for would mislead, so they go.
  if (searching) document.querySelector("#rows, #unsearched").replaceWith(wrap(notice));
  else (elt.closest("li.row")?.querySelector(".what") ?? elt.closest("li, form")).append(notice);
}

function wrap(notice) {
  const place = document.createElement("div");
  place.id = "unsearched";
  place.append(notice);
  return place;
}

// Opens the dialog that the response of a request without a session holds; after the login the press is repeated.
function logIn(html, detail) {
  document.getElementById("login")?.remove();
  document.body.append(new DOMParser().parseFromString(html, "text/html").getElementById("login"));
  const dialog = document.getElementById("login");
  htmx.process(dialog);
  dialog.querySelector("[name=username]").value = user;
  dialog.addEventListener("loggedIn", () => {
    const same = dialog.querySelector("[name=username]").value === user;
    dialog.remove();
    if (!same) return location.reload();
    connected();
    if (detail) press(detail);
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    refusedToLogIn = true;
    disconnected("session");
    if (detail) say(pressed(detail), "session", () => press(detail));
  });
  dialog.showModal();
  dialog.querySelector("[name=password]").focus();
}

const isTyping = () => document.activeElement?.matches("input, textarea");
const csrfToken = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];

// The polls of changes.js: the response, or null without one.
document.addEventListener("polled", ({ detail: response }) => {
  if (response?.status === 401) {
    disconnected("session");
    if (!isTyping() && !refusedToLogIn && !document.getElementById("login")) response.text().then(logIn);
  } else if (response && response.status < 500) connected();
  else disconnected("offline");
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => detail.target.id === "queue" && (failedSearch = null));
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const { status } = detail.xhr;
  if (status >= 200 && status < 500 && status !== 401) connected();
});
for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) document.addEventListener(event, failed);
// A login in another tab has changed the token of the forms here.
document.addEventListener(
  "submit",
  ({ target }) => {
    const field = target.querySelector("[name=csrfmiddlewaretoken]");
    if (field && csrfToken()) field.value = csrfToken();
  },
  true,
);
// The service worker has shown this page as it was.
if (offline !== undefined) disconnected("offline");
