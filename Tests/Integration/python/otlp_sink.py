"""An OTLP/HTTP backend for tests: counts spans by their number, and fails in whatever way it is told to.

A span's number is its span id as a big endian integer. As a program: otlp_sink.py PORT; prints its counts every second.
"""

import array
import gzip
import http.server
import sys
import threading
import time

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


class Sink:
    """Listens on 127.0.0.1 from `up` to `down`. `mode` is accept, unavailable (503), refuse (400) or hang."""

    def __init__(self, port=0, capacity=1 << 21):
        self.port, self.mode = port, "accept"
        self.counts = bytearray(capacity + 1)
        self.arrived_at = array.array("d", bytes(8 * (capacity + 1)))
        self.lock = threading.Lock()
        self.received = self.duplicated = self.requests = self.highest = 0
        self.server = None

    def up(self):
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                while sink.mode == "hang" and sink.server is not None:
                    time.sleep(0.05)
                status = {"unavailable": 503, "refuse": 400}.get(sink.mode, 200)
                if status == 200:
                    if self.headers.get("Content-Encoding") == "gzip":
                        body = gzip.decompress(body)
                    sink.take(body)
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # a peer that was killed

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def down(self):
        server, self.server = self.server, None
        if server:
            server.shutdown()
            server.server_close()

    def take(self, body):
        now = time.monotonic()
        numbers = [
            int.from_bytes(span.span_id, "big")
            for resource in trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self.lock:
            self.requests += 1
            for number in numbers:
                if self.counts[number]:
                    self.duplicated += 1
                else:
                    self.received += 1
                    self.counts[number] = 1
                    self.arrived_at[number] = now
                self.highest = max(self.highest, number)

    def has(self, number):
        return self.counts[number] > 0


def main():
    sink = Sink(int(sys.argv[1])).up()
    while True:
        print(f"requests={sink.requests} received={sink.received} duplicated={sink.duplicated}", flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main()
