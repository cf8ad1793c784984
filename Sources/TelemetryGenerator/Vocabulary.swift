/// Texts that the items draw from; made once, so that an item costs no more than copying them.
struct Vocabulary: Sendable {
    /// Targets of HTTP requests, with a query.
    let targets: [[UInt8]]
    /// IPv4 addresses.
    let addresses: [[UInt8]]
    /// Ids of users.
    let users: [[UInt8]]
    /// Names of instances of services, at least eight.
    let instances: [[UInt8]]
    /// Bodies of log records, 100 to 200 bytes.
    let bodies: [[UInt8]]

    init(random: inout FastRandom) {
        targets = (0..<1024).map { _ in
            Array("\(random.element(of: Self.paths))?page=\(random.below(100_000))".utf8)
        }
        addresses = (0..<256).map { _ in Array("10.\(random.below(4)).\(random.below(256)).\(random.below(256))".utf8) }
        users = (0..<4096).map { _ in hexadecimalDigits(random.next()) }
        instances = (0..<8).map { _ in Array("pod-".utf8) + hexadecimalDigits(random.next()) }
        bodies = (0..<1024).map { _ in Array(Self.body(&random).utf8) }
    }

    /// Routes of HTTP requests.
    static let routes: [StaticString] = ["/", "/index.html", "/api/v1/items", "/api/v1/orders", "/static/", "/login"]

    static let userAgents: [StaticString] = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
        "curl/8.5.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
        "kube-probe/1.29",
    ]

    private static let paths = [
        "/", "/index.html", "/api/v1/items", "/api/v1/items/42", "/api/v1/orders/1874", "/static/app.js", "/login",
    ]

    private static func body(_ random: inout FastRandom) -> String {
        let id = random.below(1_000_000)
        switch random.below(4) {
        case 0:
            return "10.0.0.\(random.below(256)) - - \"GET \(random.element(of: paths)) HTTP/1.1\" 200 "
                + "\(random.below(90_000)) \"https://shop.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) Chrome/129\""
        case 1:
            return "Order \(id) was paid with method card after \(random.below(5000)) ms; customer \(id / 7) receives "
                + "a confirmation by mail, the warehouse was told to pack \(1 + random.below(9)) items"
        case 2:
            return "Could not reach items.internal:8443 in attempt \(1 + random.below(5)): connection reset by peer; "
                + "trying again in \(random.below(2000)) ms with another address of the pool"
        default:
            return "cache miss for key item:\(id):price, loaded from the database in \(random.below(90)) ms, "
                + "the entry lives for \(random.below(3600)) s, the pool holds \(random.below(50)) connections"
        }
    }
}

/// The 16 lower-case digits of `value`.
func hexadecimalDigits(_ value: UInt64) -> [UInt8] {
    (0..<16).map { hexadecimalDigit(value >> (60 - UInt64($0) * 4)) }
}

/// The digit of the lowest four bits.
func hexadecimalDigit(_ value: UInt64) -> UInt8 {
    let digit = UInt8(truncatingIfNeeded: value & 15)
    return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
}
