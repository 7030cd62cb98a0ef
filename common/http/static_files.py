"""Static files by WhiteNoise, straight from the packages that bring them: names with a hash, and gzip.

WhiteNoise's and Django's own storages copy the files of all packages to a folder first (35 MB here, seven
seconds), and their hashes are those of the copies. These are of the files that are served.
"""

import functools
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import splitext
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

COMPRESSIBLE = {".css", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest"}
MAX_COMPRESSED_FILES = 64


class HashedFilesStorage(StaticFilesStorage):
    """Puts a hash of its content into the name of each file: `web/page.3f1c09ab12cd.css`."""

    def url(self, name: str | None) -> str:
        return super().url(name if settings.DEBUG else name and hashed_name(name))


@functools.cache
def hashed_name(name: str) -> str:
    path = finders.find(name)
    if path is None or not Path(path).is_file():
        return name
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    stem, extension = splitext(name)
    return f"{stem}.{digest}{extension}"


class HashedNameFinder(BaseFinder):
    """Finds the file of a name with any hash, for Django's own static handlers, which tests run."""

    def find(self, path: str, find_all: bool = False, **_deprecated: bool) -> Any:
        name = name_without_hash(path)
        found: Any = finders.find(name, find_all=True) if name != path else []
        return found if find_all else next(iter(found), [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[Any]:
        return iter(())


def name_without_hash(name: str) -> str:
    stem, extension = splitext(name)
    return splitext(stem)[0] + extension


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types
    """Serves names with the present hash to be kept for a year, compressed where the browser takes it.

    A name with another hash is of a page of another version, during an upgrade: it gets the file of this
    version, as the name without a hash does, for a minute.
    """

    FOREVER = 365 * 24 * 3600

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        url = request.path_info
        if url.startswith(self.static_prefix) and url not in self.files:
            name = self.get_name_without_hash(url.removeprefix(self.static_prefix))
            plain = self.files.get(self.static_prefix + name)
            if plain is not None and not self.immutable_file_test(None, url):
                return self.serve(plain, request)
            if plain is not None:
                self.files[url] = self.get_static_file(finders.find(name), url)
        response: HttpResponseBase = super().__call__(request)
        return response

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponseBase:
        _pattern, path, headers = static_file.alternatives[-1]
        plain = functools.partial(WhiteNoiseMiddleware.serve, static_file, request)
        response: HttpResponseBase
        if Path(path).suffix not in COMPRESSIBLE:
            response = plain()
            return response
        if takes_whole_gzip(request) and not static_file.is_not_modified(request.META):
            content = compressed(path, static_file.etag)
            response = HttpResponse(content, headers=dict(headers))
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Length"] = str(len(content))
        else:
            response = plain()
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


def takes_whole_gzip(request: HttpRequest) -> bool:
    return (
        request.method == "GET"
        and "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
        and "HTTP_RANGE" not in request.META
    )


@functools.lru_cache(MAX_COMPRESSED_FILES)
def compressed(path: str, _version: str) -> bytes:
    return gzip.compress(Path(path).read_bytes(), mtime=0)


class GZipPagesMiddleware(GZipMiddleware):
    """Compresses pages alone: the dialects' responses and downloads go as they are.

    Against BREACH, Django pads by a random length and masks the CSRF token.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
