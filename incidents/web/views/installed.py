"""What makes the page an app on a home screen: manifest, service worker, the page without a network."""

from pathlib import Path

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

SERVICE_WORKER = Path(__file__).parents[1] / "static/web/service-worker.js"
# The colours of page.css, in the light.
BACKGROUND, BAR = "#f4f5f7", "#ffffff"
ICONS = [
    ("web/icon-192.png", 192, "any"),
    ("web/icon-512.png", 512, "any"),
    ("web/icon-mask.png", 512, "maskable"),
]


@require_safe
@cache_control(max_age=3600)
@vary_on_headers("Accept-Language", "Cookie")
def manifest(_request: HttpRequest) -> JsonResponse:
    content = {
        "id": "/",
        "name": _("Incidents"),
        "short_name": _("Incidents"),
        "start_url": resolve_url("web:queue"),
        "display": "standalone",
        "background_color": BACKGROUND,
        "theme_color": BAR,
        "icons": [
            {
                "src": staticfiles_storage.url(name),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for name, size, purpose in ICONS
        ],
        "shortcuts": [{"name": _("Report"), "url": resolve_url("web:report")}],
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
@cache_control(no_cache=True)
def service_worker(_request: HttpRequest) -> HttpResponse:
    """Send the script from the root: a service worker sees only what is below its own path."""
    return HttpResponse(SERVICE_WORKER.read_bytes(), content_type="text/javascript")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "web/offline.html")
