// Shows without a network what was seen last: the queue and the form to report, for other pages one that says so.
// They are of whoever was logged in; a logout and the next login delete them.

const CACHE = "pages";
const KEPT = ["/", "/report/"];
const OFFLINE = "/offline/";

async function navigate(request) {
  const { pathname } = new URL(request.url);
  const pages = await caches.open(CACHE);
  if (["/login/", "/logout/"].includes(pathname)) for (const path of KEPT) await pages.delete(path);
  try {
    const response = await fetch(request);
    if (KEPT.includes(pathname) && request.method === "GET" && response.ok) await pages.put(pathname, response.clone());
    return response;
  } catch {
    const page = (request.method === "GET" && (await pages.match(pathname))) || (await pages.match(OFFLINE));
    const html = (await page.text()).replace("<html ", "<html data-offline ");
    return new Response(html, { headers: page.headers });
  }
}

self.addEventListener("install", (event) => event.waitUntil(caches.open(CACHE).then((pages) => pages.add(OFFLINE))));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") event.respondWith(navigate(event.request));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data));
});
