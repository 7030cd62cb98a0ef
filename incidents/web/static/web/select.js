// Many rows at once: all of a group, with Shift all in between, on a phone the first by a long press.

const HOLD_MILLISECONDS = 500;
const BOX = ".select input";
let last = null;
let timer = null;
let held = false;

function selectRange(box) {
  const boxes = [...document.querySelectorAll(BOX)];
  const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
}

// The rows of a storm are below its line, those of a group behind its head.
function selectAll(button) {
  const storm = button.closest(".storm");
  const boxes = [];
  if (storm) storm.querySelector("details").open = true;
  for (let next = button.closest(".group")?.nextElementSibling; next && !next.matches(".group"); next = next.nextElementSibling) {
    boxes.push(...next.querySelectorAll(BOX));
  }
  boxes.push(...(storm?.querySelectorAll(BOX) ?? []));
  const checked = !boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = checked;
}

document.addEventListener(
  "click",
  (event) => {
    const { target, shiftKey } = event;
    if (held || target.matches("[data-select-all]")) event.preventDefault();
    if (target.matches("[data-select-all]")) selectAll(target);
    held = false;
    if (!target.matches(BOX)) return;
    if (shiftKey) selectRange(target);
    last = target;
  },
  true,
);
document.addEventListener("pointerdown", ({ target, pointerType }) => {
  const box = target.closest(".row")?.querySelector(BOX);
  held = false;
  if (pointerType !== "touch" || !box) return;
  timer = setTimeout(() => {
    held = true;
    box.checked = !box.checked;
    last = box;
  }, HOLD_MILLISECONDS);
});
for (const type of ["pointerup", "pointercancel"]) document.addEventListener(type, () => clearTimeout(timer));
document.addEventListener("contextmenu", (event) => held && event.preventDefault());
document.addEventListener("htmx:afterRequest", ({ target, detail }) => target.id === "bulk" && detail.successful && target.reset());
