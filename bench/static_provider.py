"""A stand-in for Claude's cost report, for `bench`: it costs almost nothing to answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from ai_usage.partitions import ONE_DAY, Span, midnight

LINES_A_DAY = 2_000
LINE = {
    "currency": "USD", "amount": "83391.52823", "workspace_id": "wrkspc_bench", "cost_type": "tokens",
    "description": "Claude Opus 5.5 Usage - Input Tokens", "context_window": "0-200k", "model": "claude-opus-5-5",
    "service_tier": "standard", "token_type": "uncached_input_tokens", "inference_geo": "global",
}  # fmt: skip


@contextmanager
def static_provider() -> Iterator[str]:
    """Answers any cost report with the same lines for every day, rendered once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Static)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Static(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lines = ",".join(json.dumps({**LINE, "description": f"{LINE['description']} {n}"}) for n in range(LINES_A_DAY))

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        first, end = (date.fromisoformat(asked[name][0][:10]) for name in ("starting_at", "ending_at"))
        buckets = ",".join(
            f'{{"starting_at":"{midnight(day)}","ending_at":"{midnight(day + ONE_DAY)}","results":[{self.lines}]}}'
            for day in Span(first, end - ONE_DAY).days
        )
        body = f'{{"data":[{buckets}],"has_more":false,"next_page":null}}'.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No log."""
