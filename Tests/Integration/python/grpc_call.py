"""One gRPC call with any method and body.

usage: grpc_call.py HOST:PORT METHOD [FILE]
Prints "OK" or "CODE: details".
"""

import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.max_send_message_length", -1)])
body = open(sys.argv[3], "rb").read() if len(sys.argv) > 3 else b""
call = channel.unary_unary(sys.argv[2], request_serializer=bytes, response_deserializer=bytes)
try:
    call(body, timeout=60, wait_for_ready=True)
    print("OK")
except grpc.RpcError as error:
    print(f"{error.code().name}: {error.details()}")
