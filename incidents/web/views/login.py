"""The login, as a page and as the dialog of an open page whose session has ended."""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.views.csrf import csrf_failure
from django_htmx.http import trigger_client_event

from incidents.demo import logins
from incidents.web.access import is_of_script, login_dialog
from incidents.web.forms import LoginForm


class Login(LoginView):
    template_name = "web/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    extra_context = {"offered": logins.offered}

    def get_redirect_url(self, _request: HttpRequest | None = None) -> str:
        """Return where the login leads, which must not be the login itself."""
        url = super().get_redirect_url()
        return "" if url.partition("?")[0] == self.request.path else url

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        if not is_of_script(self.request):
            return response
        return trigger_client_event(HttpResponse(status=HTTPStatus.NO_CONTENT), "loggedIn")

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if not is_of_script(self.request):
            return super().form_invalid(form)
        return login_dialog(self.request, form, HTTPStatus.OK)


def csrf_failed(request: HttpRequest, reason: str = "", **more: Any) -> HttpResponse:
    """Respond as Django does; without a session as to any request without one, as its cookies are gone."""
    if is_of_script(request) and not request.user.is_authenticated:
        return login_dialog(request, LoginForm(request), HTTPStatus.UNAUTHORIZED)
    return csrf_failure(request, reason, **more)
