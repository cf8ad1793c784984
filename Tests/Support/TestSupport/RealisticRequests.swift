/// Requests like those of real clients, of any size, for benchmarks and end-to-end tests.
///
/// All ids are unique over the generator's life, so that a receiver can be checked for losses and duplicates; no client
/// oddities here, that is `OTLPGenerator`'s part.
package struct RealisticRequests: Sendable {
    private var random: SeededRandom
    private var spanCount: UInt64 = 0
    private var timeUnixNano: UInt64 = 1_760_000_000_000_000_000
    /// Makes ids of generators with other seeds differ too.
    private let idPrefix: UInt64

    package init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        idPrefix = random.next() | 1
    }

    /// What ngx_otel_module sends: one resource with a name alone, one scope, and spans with 13 or 14 attributes in a
    /// fixed order.
    package mutating func nginxRequest(spanCount: Int) -> [UInt8] {
        var scope = [ProtobufField(1, .message(Self.message([.string(1, "nginx"), .string(2, "1.27.4")])))]
        for _ in 0..<spanCount { scope.append(ProtobufField(2, .message(nginxSpan()), .repeated, isItem: true)) }
        let resource = Self.message([.attribute(1, "service.name", "nginx")])
        return Self.request(resource: resource, scopes: [ProtobufMessage(scope)]).bytes
    }

    /// What instrumented services send: eight attributes on each resource, up to 64 spans each, mixed kinds, about 15
    /// attributes per span in changing order, an event on most spans and a link on some.
    package mutating func serviceRequest(spanCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: spanCount, by: 64) {
            var scope = [
                ProtobufField(1, .message(Self.message([.string(1, "io.opentelemetry.http"), .string(2, "2.9")])))
            ]
            for _ in start..<min(start + 64, spanCount) {
                scope.append(ProtobufField(2, .message(serviceSpan()), .repeated, isItem: true))
            }
            bytes += Self.request(resource: serviceResource(), scopes: [ProtobufMessage(scope)]).bytes
        }
        return bytes
    }

    private static func request(resource: ProtobufMessage, scopes: [ProtobufMessage]) -> ProtobufMessage {
        let scopes = scopes.map { ProtobufField(2, .message($0), .repeated) }
        let envelope = ProtobufMessage([ProtobufField(1, .message(resource))] + scopes)
        return ProtobufMessage([ProtobufField(1, .message(envelope), .repeated)])
    }

    private static func message(_ fields: [ProtobufField]) -> ProtobufMessage { ProtobufMessage(fields) }

    private mutating func nextID() -> (trace: [UInt8], span: [UInt8]) {
        spanCount += 1
        let number = spanCount
        let span = (0..<8).map { UInt8(truncatingIfNeeded: (idPrefix &+ number) >> (56 - $0 * 8)) }
        return ((0..<8).map { UInt8(truncatingIfNeeded: idPrefix >> ($0 * 8)) } + span, span)
    }
}

// nginx.
extension RealisticRequests {
    private static let paths = ["/", "/index.html", "/api/v1/items", "/api/v1/items/42", "/static/app.js", "/login"]
    private static let userAgents = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
        "curl/8.5.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    ]

    private mutating func nginxSpan() -> ProtobufMessage {
        let id = nextID()
        let path = random.element(of: Self.paths)
        let status = random.element(of: [200, 200, 200, 200, 304, 404, 502])
        // Whole milliseconds, zero included.
        let duration = UInt64(random.int(in: 0...40)) * 1_000_000
        timeUnixNano += 1_000_000
        var fields: [ProtobufField] = [
            ProtobufField(1, .bytes(id.trace)), ProtobufField(2, .bytes(id.span)), .string(5, path),
            ProtobufField(6, .varint(2)), ProtobufField(7, .fixed64(timeUnixNano)),
            ProtobufField(8, .fixed64(timeUnixNano + duration)),
        ]
        fields += [
            .attribute(9, "http.method", random.element(of: ["GET", "POST"])),
            .attribute(9, "http.target", path + "?q=\(random.int(in: 0...9999))"),
            .attribute(9, "http.route", path), .attribute(9, "http.scheme", "https"),
            .attribute(9, "http.flavor", "1.1"),
        ]
        if !random.oneIn(20) { fields.append(.attribute(9, "http.user_agent", random.element(of: Self.userAgents))) }
        fields += [
            .attribute(9, "http.request_content_length", random.oneIn(50) ? -1 : 0),
            .attribute(9, "http.response_content_length", random.int(in: 0...200_000)),
            .attribute(9, "http.status_code", status), .attribute(9, "net.host.name", "shop.example.com"),
            .attribute(9, "net.host.port", 443),
            .attribute(9, "net.sock.peer.addr", "10.1.2.\(random.int(in: 1...254))"),
            .attribute(9, "net.sock.peer.port", random.int(in: 1024...65_535)),
            .attribute(9, "upstream_addr", random.oneIn(4) ? "" : "127.0.0.1:24081"),
            ProtobufField(15, .message(ProtobufMessage(status >= 500 ? [ProtobufField(3, .varint(2))] : []))),
        ]
        return ProtobufMessage(fields)
    }
}

// Services.
extension RealisticRequests {
    private mutating func serviceResource() -> ProtobufMessage {
        let number = random.int(in: 0...7)
        return ProtobufMessage([
            .attribute(1, "service.name", "service-\(number)"), .attribute(1, "service.namespace", "shop"),
            .attribute(1, "service.version", "2.\(number).1"),
            .attribute(1, "service.instance.id", "pod-\(number)-7f9c"),
            .attribute(1, "host.name", "node-\(number)"), .attribute(1, "k8s.namespace.name", "production"),
            .attribute(1, "process.pid", 1000 + number), .attribute(1, "telemetry.sdk.language", "java"),
        ])
    }

    private mutating func serviceSpan() -> ProtobufMessage {
        let id = nextID()
        timeUnixNano += 137_731
        let duration = UInt64(random.int(in: 1000...80_000_000))
        var fields: [ProtobufField] = [
            ProtobufField(1, .bytes(id.trace)), ProtobufField(2, .bytes(id.span)),
            ProtobufField(4, .bytes(random.bytes(8))),
            .string(5, random.element(of: ["GET /items", "SELECT items", "send"])),
            ProtobufField(6, .varint(UInt64(random.int(in: 1...5)))), ProtobufField(7, .fixed64(timeUnixNano)),
            ProtobufField(8, .fixed64(timeUnixNano + duration)),
        ]
        fields += serviceAttributes().shuffled(using: &random)
        if !random.oneIn(5) {
            let attributes = [ProtobufField.attribute(3, "exception.type", "java.io.IOException")]
            let event = [ProtobufField(1, .fixed64(timeUnixNano)), .string(2, "exception")] + attributes
            fields.append(ProtobufField(11, .message(ProtobufMessage(event)), .repeated))
        }
        if random.oneIn(5) {
            let link = [ProtobufField(1, .bytes(random.bytes(16))), ProtobufField(2, .bytes(random.bytes(8)))]
            fields.append(ProtobufField(13, .message(ProtobufMessage(link)), .repeated))
        }
        let status = random.oneIn(20) ? [.string(2, "timeout"), ProtobufField(3, .varint(2))] : []
        fields.append(ProtobufField(15, .message(ProtobufMessage(status))))
        fields.append(ProtobufField(16, .fixed32(0x101)))
        return ProtobufMessage(fields)
    }

    private mutating func serviceAttributes() -> [ProtobufField] {
        var attributes: [ProtobufField] = [
            .attribute(9, "http.request.method", random.element(of: ["GET", "POST", "PUT"])),
            .attribute(9, "http.response.status_code", random.element(of: [200, 201, 404, 500])),
            .attribute(9, "url.path", "/items/\(random.int(in: 0...9999))"),
            .attribute(9, "url.scheme", "https"), .attribute(9, "server.address", "items.internal"),
            .attribute(9, "server.port", 8443), .attribute(9, "network.protocol.version", "2"),
            .attribute(9, "user_agent.original", random.element(of: Self.userAgents)),
            .attribute(9, "db.system", "postgresql"),
            .attribute(
                9, "db.statement", "SELECT * FROM items WHERE id = $1 AND tenant = $2 ORDER BY created_at LIMIT 50"),
            .attribute(9, "thread.id", random.int(in: 1...200)), .attribute(9, "thread.name", "worker-3"),
            .attribute(9, "user.id", "\(random.next())"),
        ]
        let ratio = Double(random.int(in: 0...1000)) / 1000
        attributes.append(.attribute(9, "cache.hit_ratio", ProtobufField(4, .fixed64(ratio.bitPattern))))
        attributes.append(.attribute(9, "cache.hit", ProtobufField(2, .varint(random.oneIn(2) ? 1 : 0))))
        return attributes
    }
}

extension ProtobufField {
    package static func string(_ number: UInt32, _ text: String) -> ProtobufField {
        ProtobufField(number, .bytes(Array(text.utf8)))
    }

    /// A KeyValue with a string, in the repeated field `number`.
    package static func attribute(_ number: UInt32, _ key: String, _ value: String) -> ProtobufField {
        attribute(number, key, .string(1, value))
    }

    /// A KeyValue with an int, in the repeated field `number`.
    package static func attribute(_ number: UInt32, _ key: String, _ value: Int) -> ProtobufField {
        attribute(number, key, ProtobufField(3, .varint(UInt64(bitPattern: Int64(value)))))
    }

    /// A KeyValue in the repeated field `number`; `value` is the AnyValue's field.
    package static func attribute(_ number: UInt32, _ key: String, _ value: ProtobufField) -> ProtobufField {
        let keyValue = [ProtobufField.string(1, key), ProtobufField(2, .message(ProtobufMessage([value])))]
        return ProtobufField(number, .message(ProtobufMessage(keyValue)), .repeated)
    }
}
