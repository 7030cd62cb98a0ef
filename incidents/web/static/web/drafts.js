// Keeps what is typed until it is sent: in this tab, for this user and this address.

const { user } = document.documentElement.dataset;
const FIELDS = "main form[method=post] textarea";
const keyOf = (field) => `draft ${user} ${location.pathname} ${field.name}`;

function restore() {
  for (const field of document.querySelectorAll(FIELDS)) {
    const text = sessionStorage.getItem(keyOf(field));
    if (!text || field.value) continue;
    field.value = text;
    const notice = document.getElementById("draft").content.firstElementChild.cloneNode(true);
    notice.querySelector("button").addEventListener("click", () => {
      field.value = "";
      forget(field);
      field.focus();
    });
    field.after(notice);
  }
}

function forget(field) {
  sessionStorage.removeItem(keyOf(field));
  field.parentElement.querySelector(".draft")?.remove();
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches(FIELDS)) return;
  if (target.value) sessionStorage.setItem(keyOf(target), target.value);
  else forget(target);
});
document.addEventListener("htmx:afterRequest", ({ detail: { xhr, requestConfig } }) => {
  // The form itself may be replaced by now.
  const form = requestConfig.triggeringEvent?.target;
  if (xhr.status < 200 || xhr.status >= 400 || form?.method !== "post") return;
  for (const field of form.querySelectorAll("textarea")) forget(field);
});
document.addEventListener("submit", ({ target }) => target.id === "logout" && sessionStorage.clear());
restore();
