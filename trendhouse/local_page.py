"""Pages for whoever sits at this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from trendhouse.ports import require_port
from trendhouse.terminable import terminable


def serve(handler: Callable[..., BaseHTTPRequestHandler], port: int, path: str = "/") -> None:
    """Serve on 127.0.0.1 until Ctrl-C, and print the address; port 0 takes any that is free."""
    require_port("127.0.0.1", port)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}{path} (Ctrl-C ends it)", flush=True)
        with terminable(), contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
