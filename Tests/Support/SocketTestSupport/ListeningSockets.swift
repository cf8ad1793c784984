import Foundation

/// Whether this process listens on `address`, an IPv4 address and port.
///
/// Asked of the kernel: connecting would not tell, because a program that another test started at the wrong moment may have
/// inherited the socket.
package func isListening(on address: String) throws -> Bool {
    let parts = address.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1]) else {
        throw TestSocketError(description: "no IPv4 address and port: \(address)")
    }
    let bytes = parts[0].split(separator: ".").compactMap { UInt8($0) }
    // The kernel prints the address as one little-endian number.
    let host = bytes.reversed().map { hexadecimal(Int($0), width: 2) }.joined()
    let local = "\(host):\(hexadecimal(Int(port), width: 4))"
    let listening = "0A"
    var inodes: Set<String> = []
    for line in try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n") {
        let fields = line.split(separator: " ")
        if fields.count > 9, fields[1] == local, fields[3] == listening { inodes.insert(String(fields[9])) }
    }
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    return descriptors.contains { descriptor in
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
        return target.map { target in inodes.contains { target == "socket:[\($0)]" } } ?? false
    }
}

private func hexadecimal(_ value: Int, width: Int) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
