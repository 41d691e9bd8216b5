"""Where a server is, which way leads there, and which key opens it; checked at once.

>>> Address.of("https://desk.example/dateline/", api_key="dl_…").url
'https://desk.example/dateline'
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from ipaddress import ip_address
from ssl import SSLError
from typing import TYPE_CHECKING, Literal, NamedTuple, Self
from urllib.request import getproxies, proxy_bypass

import httpx

from rag.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from ssl import SSLContext

_KEY = re.compile(r"[!-~]+")


class Through(NamedTuple):
    """A proxy on the way to a server, and the variable that names it."""

    proxy: httpx.Proxy
    variable: str

    def __str__(self) -> str:
        """Return what may be shown: httpx keeps name and password elsewhere."""
        return f"the proxy {self.proxy.url} of the environment ({self.variable})"

    def has_failed(self, exc: Exception) -> bool:
        """Return whether it was the proxy itself that could not be reached, or refused."""
        # Behind it a connection still needs the server's certificate.
        is_unreached = isinstance(exc, httpx.ConnectError) and not _is_of_tls(exc)
        return is_unreached or isinstance(exc, httpx.ProxyError)


class Address(NamedTuple):
    """A server's address; `url` is fit to be shown, `base` may hold a name and a password."""

    url: str
    base: httpx.URL
    headers: dict[str, str]

    @classmethod
    def of(cls, said: str, *, api_key: str | None) -> Self:
        """Return what is meant. Raises InputError, ConfigurationError (the key)."""
        base = _base(said)
        url = str(base.copy_with(userinfo=b""))
        key = (api_key or "").strip()
        if key and not _KEY.fullmatch(key):
            raise ConfigurationError(
                "the API key has characters that no key has; it is read from DATELINE_API_KEY"
            )
        if key and base.userinfo:
            raise InputError(
                f"{url} is given with a name and with an API key, and both are sent in the same "
                "header: leave one of them out"
            )
        return cls(url, base, {"Authorization": f"Bearer {key}"} if key else {})

    @property
    def bypass(self) -> str:
        """Return what no_proxy has to name: it is compared letter by letter, brackets and all."""
        host = self.base.raw_host.decode()
        return f"[{host}]" if ":" in host else host

    def through(self) -> Through | None:
        """Return the proxy that the environment names for this server, if any.

        httpx asks the environment itself only where it makes the transport itself. Raises
        ConfigurationError when that proxy cannot be used.
        """
        # To a proxy that address is its own; browsers ask none for it, either.
        if _is_here(self.base.host) or proxy_bypass(self.base.netloc.decode()):
            return None
        proxies = getproxies()
        named = next((name for name in (self.base.scheme, "all") if proxies.get(name)), None)
        return Through(_proxy(proxies[named]), f"{named}_proxy") if named else None

    def certificates(self) -> SSLContext | Literal[False]:
        """Return whom to believe. Raises ConfigurationError: what the environment names is none."""
        # Reading them takes as long as a small request.
        return _certificates() if self.base.scheme == "https" else False


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_of_tls(failure: BaseException | None) -> bool:
    while failure is not None and not isinstance(failure, SSLError):
        failure = failure.__cause__ or failure.__context__
    return failure is not None


def _base(said: str) -> httpx.URL:
    try:
        # OpenAI's clients are given the address with /v1, which every call of ours has itself.
        base = httpx.URL(said.strip().rstrip("/").removesuffix("/v1").rstrip("/"))
        # What looks the name up would fail on one that is too long.
        base.raw_host.decode().encode("idna")
    except (httpx.InvalidURL, ValueError) as exc:
        raise _no_address(said) from exc
    if base.scheme not in ("http", "https") or not base.host or base.query or base.fragment:
        raise _no_address(said)
    # The network would take the rest of a division by 65,536, which is somebody else's.
    if base.port is not None and not 0 < base.port < 65_536:
        raise _no_address(said)
    return base


def _no_address(said: str) -> InputError:
    # What stands before an `@` may be a password.
    shown = re.sub(r"(?s)^.*@", "…@", said)
    return InputError(f"{shown!r} is no address of a server: http://… or https://…")


def _certificates() -> SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as exc:  # not there, or no certificates
        raise ConfigurationError(
            f"the certificates of the environment (SSL_CERT_FILE) cannot be read: {exc.strerror}"
        ) from exc


def _proxy(said: str) -> httpx.Proxy:
    try:
        proxy = httpx.Proxy(said if "://" in said else f"http://{said}")
        if not proxy.url.host:
            raise ValueError("no host")
    except (httpx.InvalidURL, ValueError) as exc:
        raise ConfigurationError(
            "the proxy of the environment (http_proxy, https_proxy, all_proxy) is no address of one"
        ) from exc
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigurationError(
            f"the proxy of the environment is {proxy.url.scheme}://…, which needs "
            "`pip install 'httpx[socks]'`; or name the server in no_proxy"
        )
    return proxy
