// Time as the viewer has it: tells the server the time zone, and keeps the ages in words up to date.

const COOKIE = "timezone";
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const kept = `${COOKIE}=${zone}`;
  if (document.cookie.split("; ").includes(kept)) return;
  document.cookie = `${kept}; path=/; max-age=31536000; samesite=lax`;
  // Only the very first page was written without knowing.
  const written = document.querySelector("time") && document.documentElement.dataset.zone !== zone;
  if (written && document.cookie.split("; ").includes(kept)) location.reload();
}

function tellAges() {
  for (const time of document.querySelectorAll("time.age")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const found = UNITS.find(([, length]) => seconds >= length);
    if (!found) continue;
    const text = words.format(-Math.floor(seconds / found[1]), found[0]);
    if (time.textContent !== text) time.textContent = text;
  }
}

tellZone();
setInterval(tellAges, 20_000);
