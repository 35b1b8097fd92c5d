#!/usr/bin/env python3
"""Receives callbacks and checks their signatures: `pip install standardwebhooks`.

    ANIMATO_CALLBACK_SECRET=whsec_… python callbacks.py 8080

Ask for a video with `"callback_url": "https://…/"` leading here. `callbacks.allowHTTP` and `callbacks.allowedNetworks`
let a server call a receiver on the same machine.
"""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

LARGEST = 1 << 20


class Receiver(BaseHTTPRequestHandler):
    """Answers at once: what takes time belongs elsewhere, for a slow answer counts as none."""

    webhook: Webhook
    seen: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        """One callback."""
        length = int(self.headers.get("Content-Length", 0))
        if not 0 < length <= LARGEST:
            self.send_error(413)
            return
        try:
            event = self.webhook.verify(self.rfile.read(length), {k.lower(): v for k, v in self.headers.items()})
        except WebhookVerificationError:
            # Not from the server that the secret belongs to, or old.
            self.send_error(401)
            return
        # A delivery may come more than once, always under the same id.
        if self.headers["webhook-id"] not in self.seen:
            self.seen.add(self.headers["webhook-id"])
            task = event["data"]
            print(event["type"], task["task_id"], task["video_url"] or task["error"], flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The events above are enough."""


def main() -> None:
    """The command line."""
    Receiver.webhook = Webhook(os.environ["ANIMATO_CALLBACK_SECRET"])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
