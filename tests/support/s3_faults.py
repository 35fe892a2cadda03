"""An S3 server that misbehaves: a proxy before a real one, which does to requests what tests ask for.

    with fault_proxy(gateway.endpoint) as proxy:
        proxy.add(Fault("status", status=503, method="PUT", times=2))
        ...
        proxy.asked            every request that came, in order

The client signs for the proxy's address, and the `Host` header travels on unchanged, so signatures hold. What came
of a fault is the client's to make good; the proxy never repairs anything.
"""

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal[
    "status",  # answered with `status`, never passed on
    "slow",  # passed on after `seconds`
    "reset",  # the connection is reset before anything is passed on
    "lost-answer",  # passed on and done, but the connection is reset instead of the answer
    "cut-short",  # half of the answer's body, then the connection ends
    "short-body",  # half of the answer's body, with a length that says that this is all
    "corrupt",  # one byte of the answer's body is another
    "corrupt-upload",  # one byte of the request's body is another
    "call",  # `call` is called at the moment `at`
]
Moment = Literal["before", "middle", "after"]

_CODES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}
_HOP = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass(slots=True)
class Fault:
    """What is done to which requests."""

    kind: Kind
    method: str | None = None
    """Only requests of this method."""
    key: str = ""
    """Only requests whose path and query hold this."""
    header: str = ""
    """Only requests that have this header."""
    after: int = 0
    """How many fitting requests pass unharmed first."""
    times: int | None = None
    """How many are harmed; None: all."""
    status: int = 503
    seconds: float = 0.0
    at: Moment = "before"
    call: Callable[[], None] = lambda: None
    harmed: int = 0

    def takes(self, asked: "Asked") -> bool:
        """Whether a request is to be harmed; counts."""
        if self.method not in (None, asked.method) or self.key not in asked.target:
            return False
        if self.header and self.header.lower() not in asked.headers:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None and self.harmed >= self.times:
            return False
        self.harmed += 1
        return True


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: frozenset[str]
    fault: Kind | None = None


@dataclass(slots=True)
class FaultProxy:
    """The proxy, for tests: faults to come, and what was asked."""

    endpoint: str
    upstream: str
    asked: list[Asked] = field(default_factory=list[Asked])
    is_away: bool = False
    """Whether every connection is reset, as by a server that is gone."""
    _faults: list[Fault] = field(default_factory=list[Fault])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> Fault:
        """Harm what fits from now on."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Harm nothing more, and forget what was asked."""
        with self._lock:
            self._faults.clear()
            self.asked.clear()
            self.is_away = False

    def count(self, method: str | None = None, key: str = "") -> int:
        """Return how many requests came."""
        with self._lock:
            return sum(1 for one in self.asked if method in (None, one.method) and key in one.target)

    def judge(self, asked: Asked) -> Fault | None:
        """Return what is done to a request."""
        with self._lock:
            away = Fault("reset") if self.is_away else None
            fault = away or next((one for one in self._faults if one.takes(asked)), None)
            kind = None if fault is None else fault.kind
            self.asked.append(Asked(asked.method, asked.target, asked.headers, kind))
        return fault


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Generator[FaultProxy]:
    """Run a proxy before the server at the URL `upstream` while the block lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = FaultProxy(f"http://127.0.0.1:{server.server_address[1]}", upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="s3-faults")
    thread.start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: FaultProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients of a server with faults hang up, and so do servers."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        proxy = self.server.proxy
        asked = Asked(self.command, self.path, frozenset(name.lower() for name in self.headers))
        fault = proxy.judge(asked)
        if fault is not None and fault.kind == "reset":
            self._reset()
            return
        body = self._body(fault)
        if fault is None:
            self._answer(*self._ask(body))
            return
        self._harm(fault, body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _harm(self, fault: Fault, body: bytes) -> None:
        match fault.kind:
            case "status":
                self._refuse(fault.status)
            case "slow":
                time.sleep(fault.seconds)
                self._answer(*self._ask(body))
            case "lost-answer":
                self._ask(body)
                self._reset()
            case "corrupt-upload":
                self._answer(*self._ask(_spoilt(body)))
            case "call":
                if fault.at == "before":
                    fault.call()
                answer = self._ask(body)
                if fault.at == "after":
                    fault.call()
                self._answer(*answer)
            case _:
                self._spoil_answer(fault.kind, *self._ask(body))

    def _spoil_answer(self, kind: Kind, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        half = content[: len(content) // 2]
        if kind == "corrupt":
            self._answer(status, headers, _spoilt(content))
        elif kind == "short-body":
            self._answer(status, headers, half)
        else:
            self._answer(status, headers, half, length=len(content))
            self.close_connection = True

    def _body(self, fault: Fault | None) -> bytes:
        """Read the request's body; a fault of the moment `middle` strikes when half of it has come."""
        strikes = fault is not None and fault.kind == "call" and fault.at == "middle"
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            content = self._chunks()
            if strikes and fault is not None:
                fault.call()
            return content
        size = int(self.headers.get("Content-Length") or 0)
        first = self.rfile.read(size // 2)
        if strikes and fault is not None:
            fault.call()
        return first + self.rfile.read(size - len(first))

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        place = urlsplit(self.server.proxy.upstream)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP and name.lower() != "content-length":
                    connection.putheader(name, value)
            if body or self.command in ("PUT", "POST"):
                connection.putheader("Content-Length", str(len(body)))
            with contextlib.suppress(ConnectionError):  # who refuses early may close before all was sent
                connection.endheaders(body or None)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, length: int | None = None
    ) -> None:
        self.send_response_only(status)
        told = str(len(content) if length is None else length)
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                told = value
            elif name.lower() not in _HOP and name.lower() != "content-length":
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", told)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _refuse(self, status: int) -> None:
        code = _CODES[status]
        text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
        self._answer(status, [("Content-Type", "application/xml")], text.encode())

    def _reset(self) -> None:
        """End the connection with a reset, not politely."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RD)
        with contextlib.suppress(OSError):
            self.connection.close()


def _spoilt(content: bytes) -> bytes:
    """Return `content` with one byte in its middle changed."""
    if not content:
        return content
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x01]) + content[middle + 1 :]
