"""Which requests come from the service's own page, and not from another page in the browser."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from perplexity_detector.service.problem_details import Problem
from perplexity_detector.service.settings import TRUSTED_HOSTS, Settings

#: The names of this machine: only its own programs can reach it by them.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
#: Health checks name the service as they like; the answers hold nothing to read.
ANY_HOST = {"/healthz", "/readyz"}
#: Methods that change nothing.
READING = {"GET", "HEAD", "OPTIONS"}


class OriginCheck:
    """Refuses what a page elsewhere makes a browser send.

    A page of another name that resolves to this machine (DNS rebinding) counts as the service's
    own in the browser, and could read all answers: only the `Host` tells it apart. A page of
    another origin cannot read answers, but can send: `Sec-Fetch-Site` tells, or in older browsers
    and without encryption `Origin`. Programs send neither.

    Args:
        settings: the trusted hosts, and the origins whose pages may send.
    """

    def __init__(self, settings: Settings) -> None:
        self._allowed = frozenset(settings.origins)
        given = {host_name(host.strip()) for host in settings.trusted_hosts.split(",")}
        self._any_host = "*" in given
        self._trusted = LOOPBACK | given - {""}

    def refusal(self, scope: Scope) -> Problem | None:
        """The problem of a request that is not to be answered; None for all others."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_trusted(host) and scope["path"] not in ANY_HOST:
            return Problem(
                421,
                "The service does not answer to this name; its operator can add it to "
                f"{TRUSTED_HOSTS}.",
            )
        if headers.get("origin") in self._allowed:
            return None
        if scope["method"] not in READING and _is_cross_site(headers, host):
            return Problem(403, "A page of another site must not send requests to the service.")
        return None

    def _is_trusted(self, host: str) -> bool:
        # HTTP/1.0 needs no host, and no browser leaves it out
        return not host or self._any_host or host_name(host) in self._trusted


def host_name(host: str) -> str:
    """The name or address in a `Host`, without its port.

    Example:
        >>> host_name("LocalHost:8000"), host_name("[::1]:8000"), host_name("::1")
        ('localhost', '::1', '::1')
    """
    host = host.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    if host.count(":") == 1:
        host = host.partition(":")[0]
    return host.rstrip(".")


def _is_cross_site(headers: Headers, host: str) -> bool:
    if (site := headers.get("sec-fetch-site")) is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()
