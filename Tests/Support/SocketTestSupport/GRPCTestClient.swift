/// grpc's own C core, driven through Python: the library that nginx's module and most SDKs are built on.
package enum GRPCTestClient {
    /// Runs a Python program and returns what it prints.
    ///
    /// The program has `call(message, path, **options)`, which returns the answer's bytes or raises `grpc.RpcError`,
    /// `failure(…)`, which returns `CODE: details`, `stub(path)`, and `arguments`.
    ///
    /// - Parameter path: the default path of calls.
    package static func run(
        address: String, path: String, arguments: [String] = [], _ program: String
    ) async throws -> String {
        let prelude = """
            import grpc, sys
            options = [('grpc.max_receive_message_length', -1), ('grpc.max_send_message_length', -1)]
            channel = grpc.insecure_channel(sys.argv[1], options=options)
            arguments = sys.argv[2:]
            def stub(path='\(path)'): return channel.unary_unary(path)
            def call(message, path='\(path)', **options): return stub(path)(message, timeout=600, **options)
            def failure(message, path='\(path)', **options):
                try:
                    call(message, path, **options)
                    return 'no failure'
                except grpc.RpcError as error:
                    return f'{error.code().name}: {error.details()}'

            """
        return try await SocketTestSupport.run(["python3", "-c", prelude + program, address] + arguments)
    }
}
