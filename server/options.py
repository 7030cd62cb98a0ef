"""The options of gunicorn's that this worker does not support: a start with one of them is refused."""

from typing import Any

from gunicorn.config import Config

PROXY = "leave it to a proxy in front"
LOG = "log requests in the application"
STRICT = "this worker's HTTP parser is strict and is gunicorn's own in Python"
RESTART = "restart the service instead"
UNSUPPORTED = {
    **dict.fromkeys(("certfile", "keyfile", "ca_certs", "ciphers", "cert_reqs", "ssl_context"), PROXY),
    **dict.fromkeys(("suppress_ragged_eofs", "do_handshake_on_connect"), PROXY),
    **dict.fromkeys(("http_protocols", "http2_cleartext", "proxy_protocol", "protocol"), PROXY),
    **dict.fromkeys(("accesslog", "statsd_host", "pre_request", "post_request"), LOG),
    **dict.fromkeys(("permit_obsolete_folding", "strip_header_spaces", "casefold_http_method"), STRICT),
    **dict.fromkeys(("max_requests", "max_requests_jitter", "reload"), RESTART),
}


def refuse_unsupported(cfg: Any) -> None:
    """Raise `RuntimeError`, which gunicorn reports as one line, if an unsupported option is set."""
    defaults = Config()
    for name, advice in UNSUPPORTED.items():
        if cfg.settings[name].get() != defaults.settings[name].get():
            raise RuntimeError(f"The worker does not support gunicorn's option {name}: {advice}.")
    if cfg.http_parser == "fast":
        raise RuntimeError(f"The worker does not support gunicorn's option http_parser=fast: {STRICT}.")
