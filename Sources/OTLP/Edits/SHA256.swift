import COpenSSL

/// The SHA-256 digest of some bytes.
enum SHA256 {
    static let byteCount = 32

    /// - Returns: the digest in lower-case hex, 64 bytes.
    static func hexDigest(of bytes: WireBytes) -> [UInt8] {
        var digest: [UInt8] = Array(repeating: 0, count: byteCount)
        let done = unsafe EVP_Digest(bytes.buffer.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil)
        precondition(done == 1, "libcrypto has no SHA-256")
        var hex: [UInt8] = []
        hex.reserveCapacity(2 * byteCount)
        for byte in digest {
            for digit in [byte >> 4, byte & 15] {
                hex.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
        return hex
    }
}
