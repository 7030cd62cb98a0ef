// After a press: where the focus goes when what had it is gone, and how long the press can be undone.

const UNDO_MILLISECONDS = 10_000;

function expire() {
  const bar = document.querySelector("#undo form");
  if (bar) setTimeout(() => bar.remove(), UNDO_MILLISECONDS);
}

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  expire();
  const id = detail.requestConfig?.path.match(/\/incident\/(\d+)\/change\/$/)?.[1];
  if (!id || document.activeElement !== document.body) return;
  document.querySelector(`#incident-${id} a, #facts h1`)?.focus({ preventScroll: true });
});
// From an incident the way back leads to the queue as it was left, with its filters.
if (document.getElementById("queue")) {
  window.addEventListener("pagehide", () => sessionStorage.setItem("queue", location.search));
} else if (document.getElementById("incident")) {
  document.querySelector(".navigation a").search = sessionStorage.getItem("queue") ?? "";
}
expire();
