"""What makes the page an app on a home screen."""

import struct

from django.test import Client


def test_the_manifest_names_icons_of_the_sizes_they_have(client: Client) -> None:
    manifest = client.get("/manifest.webmanifest", headers={"Accept-Language": "ru"})
    assert manifest.headers["Content-Type"] == "application/manifest+json"
    content = manifest.json()
    assert (content["name"], content["display"], content["start_url"]) == ("Инциденты", "standalone", "/")
    assert {icon["purpose"] for icon in content["icons"]} == {"any", "maskable"}
    for icon in content["icons"]:
        png = b"".join(client.get(icon["src"]))
        width, height = struct.unpack(">II", png[16:24])
        assert icon["sizes"] == f"{width}x{height}"


def test_the_service_worker_is_below_the_root_and_asked_for_anew(client: Client) -> None:
    response = client.get("/service-worker.js")
    assert response.headers["Content-Type"] == "text/javascript"
    assert "no-cache" in response.headers["Cache-Control"]


def test_the_page_without_a_network_needs_no_login_and_has_the_viewers_language(client: Client) -> None:
    page = client.get("/offline/", headers={"Accept-Language": "ru"}).content.decode()
    assert "Нет связи" in page
