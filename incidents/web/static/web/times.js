// The viewer's time: sends the time zone to the server in a cookie, and updates the ages in words.

const COOKIE = "timezone";
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const formatter = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

function sendTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `${COOKIE}=${zone}`;
  if (document.cookie.split("; ").includes(cookie)) return;
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;
  // Only the very first page was rendered without the cookie.
  const rendered = document.querySelector("time") && document.documentElement.dataset.zone !== zone;
  if (rendered && document.cookie.split("; ").includes(cookie)) location.reload();
}

function updateAges() {
  for (const time of document.querySelectorAll("time.age")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const found = UNITS.find(([, length]) => seconds >= length);
    if (!found) continue;
    const text = formatter.format(-Math.floor(seconds / found[1]), found[0]);
    if (time.textContent !== text) time.textContent = text;
  }
}

sendTimeZone();
setInterval(updateAges, 20_000);
