/// The text forms of gRPC's header fields (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
enum GRPCText {
    /// `grpc-message`: cut to the longest that is sent, then everything but printable ASCII, and `%`, as `%XX`.
    static func percentEncoded(_ text: String) -> String {
        var cut = text[...]
        while cut.utf8.count > GRPCResponse.statusMessageBytesMax {
            cut = cut.dropLast(max(1, (cut.utf8.count - GRPCResponse.statusMessageBytesMax) / 4))
        }
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in cut.utf8 {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// `…-bin` fields: base64 without padding.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var encoded: [UInt8] = []
        encoded.reserveCapacity((bytes.count * 4 + 2) / 3)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                encoded.append(alphabet[Int(bits >> bitCount & 63)])
            }
        }
        if bitCount > 0 { encoded.append(alphabet[Int(bits << (6 - bitCount) & 63)]) }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// `grpc-timeout`: one to eight digits and a unit. Nil for anything else.
    static func timeout(_ text: String) -> Duration? {
        let digits = text.utf8.dropLast()
        guard (1...8).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            let count = Int64(Substring(digits)), let unit = text.utf8.last
        else { return nil }
        return switch unit {
        case UInt8(ascii: "H"): .seconds(count * 3600)
        case UInt8(ascii: "M"): .seconds(count * 60)
        case UInt8(ascii: "S"): .seconds(count)
        case UInt8(ascii: "m"): .milliseconds(count)
        case UInt8(ascii: "u"): .microseconds(count)
        case UInt8(ascii: "n"): .nanoseconds(count)
        default: nil
        }
    }
}
