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
const { lang } = document.documentElement;
const formatter = new Intl.RelativeTimeFormat(lang, { numeric: "always" });

function sendTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `${COOKIE}=${zone}`;
  if (document.cookie.split("; ").includes(cookie)) return;
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;
  // Only the very first page was rendered without the cookie.
  const rendered = document.querySelector("time") && document.documentElement.dataset.zone !== zone;
  if (rendered && document.cookie.split("; ").includes(cookie)) location.reload();
}

function update() {
  for (const time of document.querySelectorAll("time.age, time.lasts")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const text = time.matches(".lasts") ? lasting(seconds) : age(seconds);
    if (text && time.textContent !== text) time.textContent = text;
    const row = time.closest(".row.status-open");
    if (row && time.matches(".lasts")) markLate(row, seconds);
  }
}

function age(seconds) {
  const [unit, length] = UNITS.find((each) => seconds >= each[1]) ?? [];
  return unit && formatter.format(-Math.floor(seconds / length), unit);
}

// In its two largest units, as times.py writes it.
function lasting(seconds) {
  const minutes = Math.floor(seconds / 60);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  const parts = [["day", days], ["hour", hours], ["minute", days ? 0 : minutes % 60]];
  const words = parts.filter(([, number]) => number).map(([unit, number]) => {
    const unitDisplay = unit === "day" ? "long" : "short";
    return new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay }).format(number);
  });
  return minutes > 0 && words.join(" ");
}

function markLate(row, seconds) {
  const bounds = row.closest("[data-overdue-after]")?.dataset.overdueAfter.split(" ").filter(Boolean) ?? [];
  row.classList.remove("late-1", "late-2");
  const late = bounds.filter((bound) => seconds >= bound).length;
  if (late) row.classList.add(`late-${late}`);
}

sendTimeZone();
setInterval(update, 20_000);
