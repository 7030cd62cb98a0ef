// A report that finds no connection waits in this browser and is sent when there is one; its idempotency key makes
// that safe.

const AGAIN_MILLISECONDS = 15_000;
const { user } = document.documentElement.dataset;
const KEY = `outbox ${user}`;
const bar = document.getElementById("outbox");
const waiting = () => JSON.parse(localStorage.getItem(KEY)) ?? [];

function store(reports) {
  localStorage.setItem(KEY, JSON.stringify(reports));
  bar.textContent = reports.length ? bar.dataset.waiting.replace("0", reports.length) : "";
}

function keep({ target: form }) {
  const report = Object.fromEntries(new FormData(form));
  const now = new Date();
  report.pressed = new Date(now - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  store([...waiting(), report]);
  form.reset();
  form.incident.dispatchEvent(new Event("input", { bubbles: true }));
  renewKey();
}

// randomUUID is there on HTTPS alone.
function renewKey() {
  const field = document.querySelector("#report [name=idempotency_key]");
  if (field) field.value = `page-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
}

async function send() {
  for (const report of waiting()) {
    report.csrfmiddlewaretoken = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
    const options = { method: "POST", body: new URLSearchParams(report), headers: { "HX-Request": "true" } };
    const response = await fetch(bar.dataset.url, options).catch(() => null);
    // Without a session, or while the service is away, it waits on.
    if (!response || response.status >= 500 || [401, 403, 429].includes(response.status)) return;
    store(waiting().filter((other) => other.idempotency_key !== report.idempotency_key));
    if (response.ok) continue;
    sessionStorage.setItem(`draft ${user} ${bar.dataset.url} incident`, report.incident);
    bar.textContent = bar.dataset.refused;
  }
}

if ("offline" in document.documentElement.dataset) renewKey();
document.addEventListener("unsent", keep);
window.addEventListener("online", send);
setInterval(send, AGAIN_MILLISECONDS);
store(waiting());
send();
navigator.serviceWorker?.register("/service-worker.js");
