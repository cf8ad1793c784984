"""A collector that lies: it takes the place of otelcol in scripts/bench, which must not believe it.

It is healthy, answers every request with 200, and has refused as many items as it took, as its metrics say.
"""

import http.server
import os
import signal
import sys
import threading

accepted = 0


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, text=""):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        global accepted
        self.rfile.read(int(self.headers["Content-Length"]))
        accepted += 512
        self.answer()

    def do_GET(self):
        self.answer(
            f'otelcol_receiver_accepted_spans{{transport="http"}} {accepted}\n'
            f'otelcol_receiver_refused_spans{{transport="http"}} {accepted}\n'
        )

    def log_message(self, *arguments):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
servers = [
    Server(("127.0.0.1", int(os.environ[name])), Handler)
    for name in ("BENCH_HTTP", "BENCH_METRICS", "BENCH_HEALTH")
]
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
servers[0].serve_forever()
