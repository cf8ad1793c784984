import Component
import Glibc
import Transport
import WriteAheadLog

/// Serves `control.sock` in a storage's directory, for its owner alone: `POST /`, the request's text as the body.
final class ControlSocket: Sendable {
    static let fileName = "control.sock"
    private static let requestBytesMax = 64 << 10

    private let path: SocketPath
    private let server: HTTPServer

    /// - Throws: `FileSystemError` when the directory of a long path cannot be opened.
    init(directory: String, answer: @escaping StorageControl) throws {
        do {
            path = try SocketPath(directory: directory, name: Self.fileName)
        } catch {
            throw FileSystemError(number: error.number, operation: "open", path: directory)
        }
        var configuration = HTTPServerConfiguration(endpoint: .unix(path: path.text))
        configuration.bodyBytesMax = Self.requestBytesMax
        configuration.keepAlive = false
        server = HTTPServer(configuration: configuration) { request, respond in
            guard request.method == "POST", request.path == "/" else {
                respond(.text(404, "POST a request to /\n"))
                return
            }
            // Requests are rare, and may take as long as a log needs to be read.
            Task {
                let (isSuccess, text) = await answer(String(decoding: request.body, as: UTF8.self))
                respond(.text(isSuccess ? 200 : 400, text))
            }
        }
    }

    /// - Throws: `ListenError`, or `FileSystemError` when the socket cannot be kept from others.
    func start() async throws {
        _ = try await server.start()
        guard unsafe chmod(path.text, 0o600) == 0 else {
            throw FileSystemError(number: errno, operation: "chmod", path: path.text)
        }
    }

    func stop() async {
        await server.stop(deadline: .now + .seconds(1))
        unsafe unlink(path.text)
    }
}
