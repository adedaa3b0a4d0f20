"""What a page is served with that only those may open who have its address: a token in it, and headers that keep it in."""

from __future__ import annotations

import secrets

_NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def new_token() -> str:
    """What an address must hold, of 128 random bits."""
    return secrets.token_urlsafe(16)


def is_token(given: str, token: str) -> bool:
    """Whether somebody's token is the right one, told in a time that doesn't depend on it."""
    return secrets.compare_digest(given.encode(), token.encode())


def headers(sources: str) -> dict[str, str]:
    """Of every answer.

    Args:
        sources: what the page may load, as directives of a Content-Security-Policy; nothing else is.
    """
    return {
        "Content-Security-Policy": f"default-src 'none'; {sources}; {_NOTHING_ELSE}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
