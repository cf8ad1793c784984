import Testing
import Transport

/// Endpoints are read as Go reads them.
@Suite("Endpoint")
struct EndpointTests {
    @Test(
        "host and port",
        arguments: [
            ("localhost:4317", "localhost", 4317), ("0.0.0.0:1", "0.0.0.0", 1), (":4318", "", 4318),
            ("[::1]:80", "::1", 80), ("example.org:0", "example.org", 0),
        ])
    func valid(text: String, host: String, port: Int) throws {
        #expect(try Endpoint(text) == .tcp(host: host, port: port, family: .any))
        #expect(try Endpoint(text).description == text)
    }

    @Test(
        "what is no endpoint is refused",
        arguments: ["", "localhost", "localhost:", "::1:80", "[::1]", "[::1:80", "h:65536", "h:-1", "h:x", "h:+1"])
    func invalid(text: String) {
        #expect(throws: EndpointError.self) { try Endpoint(text) }
    }

    @Test("transports")
    func transports() throws {
        #expect(try Endpoint("/run/x.sock", transport: "unix") == .unix(path: "/run/x.sock"))
        #expect(try Endpoint("h:1", transport: "tcp6") == .tcp(host: "h", port: 1, family: .v6))
        let error = #expect(throws: EndpointError.self) { try Endpoint("h:1", transport: "udp") }
        #expect(error?.description == "invalid transport type \"udp\"")
    }
}
