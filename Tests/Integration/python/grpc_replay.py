"""Sends stored OTLP requests, byte for byte, over one gRPC connection.

usage: grpc_replay.py HOST:PORT traces|logs|metrics [--repeat N] [--concurrency N] [--gzip] FILE...
Prints one line for each request: "OK" or "<CODE> <details>". Exits 0 when all were OK.
"""

import argparse
import sys
import threading

import grpc

METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("signal", choices=METHODS)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    bodies = [open(name, "rb").read() for name in options.files] * options.repeat
    channel = grpc.insecure_channel(
        options.endpoint,
        options=[("grpc.max_send_message_length", -1)],
        compression=grpc.Compression.Gzip if options.gzip else None,
    )
    export = channel.unary_unary(METHODS[options.signal], request_serializer=bytes, response_deserializer=bytes)
    slots = threading.Semaphore(options.concurrency)
    results = []

    def finished(call):
        results.append("OK" if call.code() == grpc.StatusCode.OK else f"{call.code().name} {call.details()}")
        slots.release()

    for body in bodies:
        slots.acquire()
        export.future(body, timeout=60, wait_for_ready=True).add_done_callback(finished)
    for _ in range(options.concurrency):
        slots.acquire()
    channel.close()
    print("\n".join(results))
    sys.exit(0 if all(result == "OK" for result in results) else 1)


if __name__ == "__main__":
    main()
