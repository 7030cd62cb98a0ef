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
  const place = document.querySelector(`#incident-${id} a`) ?? document.querySelector("#next") ?? document.querySelector("#facts h1");
  place?.focus({ preventScroll: true });
});
document.addEventListener("click", async ({ target }) => {
  if (target.id !== "share") return;
  const url = location.origin + location.pathname;
  if (navigator.share && matchMedia("(pointer: coarse)").matches) return navigator.share({ title: document.title, url });
  // Without HTTPS there is no clipboard, but a link to be selected.
  await navigator.clipboard?.writeText(url);
  target.textContent = navigator.clipboard ? target.dataset.done : url;
});
expire();
