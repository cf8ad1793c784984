import ClickHouseNative
import Testing

@testable import Exporters

/// Endpoints mean what they mean to the Go driver; what cannot be honoured is refused in words.
struct ClickHouseEndpointTests {
    @Test("hosts and ports of every scheme")
    func hosts() throws {
        let cases: [(String, [String])] = [
            ("tcp://a", ["a:9000"]), ("clickhouse://a:1", ["a:1"]), ("http://a", ["a:8123"]),
            ("https://a", ["a:8443"]), ("tcp://a?secure=true", ["a:9440"]),
            ("tcp://a:9001,b,c:9003/db", ["a:9001", "b:9000", "c:9003"]),
            ("tcp://[::1]:9001,[fe80::1]", ["[::1]:9001", "[fe80::1]:9000"]), ("tcp://::1", ["[::1]:9000"]),
            ("native://u:p@a:5", ["a:5"]),
        ]
        for (text, hosts) in cases {
            #expect(try ClickHouseEndpoint(text).hosts.map(\.description) == hosts, "\(text)")
        }
    }

    @Test("user, database and the driver's parameters")
    func parameters() throws {
        let endpoint = try ClickHouseEndpoint(
            "tcp://us%40er:p%3Aw%2F@a/my%20db?dial_timeout=200ms&read_timeout=5s&compress=zstd&compress_level=7"
                + "&connection_open_strategy=round_robin&skip_verify=1")
        #expect(endpoint.username == "us@er")
        #expect(endpoint.password == "p:w/")
        #expect(endpoint.database == "my db")
        #expect(endpoint.dialTimeout == .milliseconds(200))
        #expect(endpoint.readTimeout == .seconds(5))
        #expect(endpoint.compress == "zstd")
        #expect(endpoint.compressLevel == 7)
        #expect(endpoint.openStrategy == .roundRobin)
        #expect(endpoint.skipsVerification)
        #expect(endpoint.settings.isEmpty)
        let plain = try ClickHouseEndpoint("tcp://a")
        #expect(plain.dialTimeout == .seconds(30))
        #expect(plain.readTimeout == .seconds(300))
        #expect(plain.openStrategy == .inOrder)
        #expect(plain.username == nil && plain.password == nil && plain.database == nil)
    }

    @Test("other parameters are settings; connection_params go first; the driver's own pool keys are told")
    func settings() throws {
        let endpoint = try ClickHouseEndpoint(
            "tcp://a?max_execution_time=60&x=true&max_open_conns=5&debug=true",
            parameters: [("max_execution_time", "90"), ("y", "a b")])
        #expect(
            endpoint.settings == [
                QuerySetting(name: "x", value: "1", isImportant: true),
                QuerySetting(name: "max_execution_time", value: "90", isImportant: true),
                QuerySetting(name: "y", value: "a b", isImportant: true),
            ])
        #expect(endpoint.keysWithoutEffect == ["max_open_conns", "debug"])
    }

    @Test("what makes no sense is refused")
    func refused() {
        let cases: [(String, String)] = [
            ("a:9000", "endpoint must be url format"), ("ftp://a", "unknown scheme \"ftp\""),
            ("tcp://", "endpoint names no host"), ("tcp://a,,b", "endpoint names no host"),
            ("tcp://a:0", "invalid port"), ("tcp://a:x", "invalid port"), ("tcp://a:70000", "invalid port"),
            ("http://a?secure=true", "http with TLS specify"), ("tcp://a?secure=maybe", "secure must be true or false"),
            ("tcp://a?dial_timeout=5", "dial_timeout: time: missing unit"),
            ("tcp://a?read_timeout=0s", "read_timeout must be positive"),
            ("tcp://a?connection_open_strategy=best", "unknown connection_open_strategy"),
            ("tcp://a?compress_level=fast", "compress_level is no number"),
            ("tcp://a?http_proxy=b", "http_proxy is not supported"),
        ]
        for (text, message) in cases {
            do {
                _ = try ClickHouseEndpoint(text)
                Issue.record("accepted: \(text)")
            } catch {
                #expect(error.description.contains(message), "\(text): \(error)")
            }
        }
    }
}
