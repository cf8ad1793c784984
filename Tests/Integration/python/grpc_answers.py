"""An OTLP/gRPC server that gives the answers it is told to, in order, and OK from then on: grpc_answers.py ANSWER...

An answer is OK, PARTIAL:REJECTED, or a status code's name, with :SECONDS where the status is to ask for a retry then.
Prints its port; ends when its standard input does.
"""

import concurrent.futures
import itertools
import sys

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

answers = itertools.chain(sys.argv[1:], itertools.repeat("OK"))


def export(request, context):
    name, _, number = next(answers).partition(":")
    response = trace_service_pb2.ExportTraceServiceResponse()
    if name == "PARTIAL":
        response.partial_success.rejected_spans = int(number)
        response.partial_success.error_message = "some were odd"
    elif name != "OK":
        code = grpc.StatusCode[name]
        if number:
            status = status_pb2.Status(code=code.value[0], message="later")
            delay = duration_pb2.Duration(seconds=int(number))
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(code, "as told")
    return response


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(
            export, response_serializer=trace_service_pb2.ExportTraceServiceResponse.SerializeToString
        )


server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[Handler()])
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
