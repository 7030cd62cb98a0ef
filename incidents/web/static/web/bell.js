// What is new while nobody looks: a dot on the icon of the tab, and with the bell on a notification and a sound.

const MAX_NOTIFICATIONS = 3;
const { dataset } = document.documentElement;
const KEY = `bell ${dataset.user}`;
const icon = document.querySelector("link[rel=icon]");
const seen = icon.href;
const bell = document.getElementById("bell");
let sound = null;

const isOn = () => localStorage.getItem(KEY) === "on" && window.Notification?.permission === "granted";

function show() {
  bell.hidden = !("serviceWorker" in navigator && "Notification" in window);
  bell.setAttribute("aria-pressed", isOn());
  // changes.js goes on polling.
  dataset.bell = isOn() ? "on" : "";
}

function beep() {
  if (sound?.state !== "running") return;
  const tone = new OscillatorNode(sound, { frequency: 880 });
  tone.connect(new GainNode(sound, { gain: 0.2 })).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.25);
}

async function notify(rows) {
  const { ready } = navigator.serviceWorker;
  const { one, many } = bell.dataset;
  const notifications = rows.map((row) => {
    const link = row.querySelector("a");
    return [`${one} ${row.querySelector(".id").textContent}`, { body: link.textContent.slice(0, 120), data: link.pathname, tag: row.id }];
  });
  if (rows.length > MAX_NOTIFICATIONS) notifications.splice(0, Infinity, [many.replace("0", rows.length), { data: "/", tag: "many" }]);
  for (const [title, options] of notifications) (await ready).showNotification(title, options);
  beep();
}

document.addEventListener("newrows", ({ detail: rows }) => {
  if (!document.hidden) return;
  icon.href = icon.dataset.new;
  if (isOn()) notify(rows);
});
document.addEventListener("visibilitychange", () => document.hidden || (icon.href = seen));
// A browser lets only a press make sounds.
document.addEventListener("click", async ({ target }) => {
  if (isOn()) sound ??= new AudioContext();
  if (!target.closest("#bell")) return;
  const on = !isOn() && (await Notification.requestPermission()) === "granted";
  localStorage.setItem(KEY, on ? "on" : "");
  show();
});
show();
