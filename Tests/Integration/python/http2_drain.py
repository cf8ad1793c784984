"""Opens gRPC calls, tells a process to end, and only then completes them.

usage: http2_drain.py HOST:PORT PID COUNT REQUEST
Opens COUNT calls of the trace service on one connection, each with half of REQUEST, sends SIGTERM to PID once the server has
seen them, waits for GOAWAY, sends the other halves, and reads until the server closes.
Prints "goaway LAST_STREAM answered COUNT"; exits 0.
"""

import os
import signal
import socket
import struct
import sys

import h2.config
import h2.connection
import h2.events

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Client:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.http2.initiate_connection()
        self.statuses = {}
        self.goaway = None
        self.has_ping = self.is_closed = False

    def send(self):
        self.socket.sendall(self.http2.data_to_send())

    def read(self):
        data = self.socket.recv(1 << 16)
        self.is_closed = not data
        for event in self.http2.receive_data(data) if data else []:
            if isinstance(event, h2.events.PingAckReceived):
                self.has_ping = True
            elif isinstance(event, h2.events.ConnectionTerminated):
                # GOAWAY ends new streams only; h2 takes it for the end of all.
                self.goaway = event.last_stream_id
                self.http2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
            elif isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                headers = {bytes(name): bytes(value) for name, value in event.headers}
                if b"grpc-status" in headers:
                    self.statuses[event.stream_id] = int(headers[b"grpc-status"])
        if not self.is_closed:
            self.send()


def main():
    address, pid, count, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with open(name, "rb") as file:
        body = file.read()
    message = b"\0" + struct.pack(">I", len(body)) + body
    client = Client(address)
    fields = {":method": "POST", ":scheme": "http", ":path": METHOD, ":authority": address}
    fields |= {"content-type": "application/grpc", "te": "trailers"}
    streams = [1 + 2 * index for index in range(count)]
    half = min(len(message) // 2, 60_000 // count)
    for stream in streams:
        client.http2.send_headers(stream, list(fields.items()))
        client.http2.send_data(stream, message[:half])
    client.http2.ping(b"01234567")
    client.send()
    while not client.has_ping:
        client.read()
    os.kill(pid, signal.SIGTERM)
    while client.goaway is None:
        client.read()
    for stream in streams:
        rest = message[half:]
        while rest:
            size = min(
                len(rest), client.http2.local_flow_control_window(stream), client.http2.max_outbound_frame_size)
            if size == 0:
                client.read()
                continue
            client.http2.send_data(stream, rest[:size], end_stream=size == len(rest))
            client.send()
            rest = rest[size:]
    while not client.is_closed:
        client.read()
    answered = sum(1 for stream in streams if client.statuses.get(stream) == 0)
    print(f"goaway {client.goaway} answered {answered}")


if __name__ == "__main__":
    main()
