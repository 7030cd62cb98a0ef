import functools

from rest_framework.pagination import PageNumberPagination
from rest_framework.utils.urls import replace_query_param

# Scripts ask for the same pages again and again.
link = functools.lru_cache(maxsize=64)(replace_query_param)


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 1000

    def get_next_link(self) -> str | None:
        """Return DRF's link, which it would take apart and put together each time."""
        if not (self.page and self.request and self.page.has_next()):
            return None
        url = self.request.build_absolute_uri()
        return str(link(url, self.page_query_param, self.page.next_page_number()))
