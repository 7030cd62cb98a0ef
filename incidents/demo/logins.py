"""The logins that the login page of `make demo` offers as buttons; no other service offers any."""

# Passwords by username. The demo fills it before its workers are forked.
offered: dict[str, str] = {}
