import COpenSSL

/// The SHA-256 digest of some bytes.
enum SHA256 {
    static let byteCount = 32

    /// - Returns: the digest in lower-case hex, 64 bytes.
    static func hexDigest(of bytes: WireBytes) -> [UInt8] {
        var digest: [UInt8] = Array(repeating: 0, count: byteCount)
        let done = unsafe EVP_Digest(bytes.buffer.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil)
        precondition(done == 1, "libcrypto has no SHA-256")
        let digits: [UInt8] = Array("0123456789abcdef".utf8)
        return digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
}
