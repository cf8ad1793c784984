import COpenSSL
import NIOCore

/// The client's side of one TLS connection: bytes of the network on one side, of the application on the other. It reads
/// and writes no socket. Used by one thread at a time.
@safe
final class TLSClientSession {
    private let context: TLSClientContext
    private let ssl: OpaquePointer
    /// Both belong to `ssl`.
    private let fromNetwork: OpaquePointer
    private let toNetwork: OpaquePointer
    private let peerName: String

    /// - Parameter host: what is connected to: its name or address must stand in the peer's certificate.
    init(_ context: TLSClientContext, host: String) throws(TLSError) {
        ERR_clear_error()
        guard let ssl = unsafe SSL_new(context.context), let fromNetwork = unsafe BIO_new(BIO_s_mem()),
            let toNetwork = unsafe BIO_new(BIO_s_mem())
        else { preconditionFailure("out of memory") }
        self.context = context
        unsafe self.ssl = ssl
        unsafe self.fromNetwork = fromNetwork
        unsafe self.toNetwork = toNetwork
        peerName = context.settings.serverName ?? host
        unsafe SSL_set_bio(ssl, fromNetwork, toNetwork)
        unsafe SSL_set_connect_state(ssl)
        let isAddress = unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), peerName) == 1
        ERR_clear_error()
        if !isAddress {
            guard unsafe COpenSSL_set_server_name(ssl, peerName) == 1, unsafe SSL_set1_host(ssl, peerName) == 1 else {
                throw TLSError(description: "\"\(peerName)\" cannot be the name of a TLS server")
            }
        }
    }

    deinit { unsafe SSL_free(ssl) }

    /// Goes on with the handshake as far as the received bytes allow.
    ///
    /// - Returns: whether it is done.
    func shakeHands() throws(TLSError) -> Bool {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 { return true }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return false
        default: throw handshakeError()
        }
    }

    /// Takes what the network brought.
    func receive(_ bytes: ByteBuffer) {
        _ = unsafe bytes.withUnsafeReadableBytes { bytes in
            unsafe BIO_write(fromNetwork, bytes.baseAddress, Int32(bytes.count))
        }
    }

    /// Appends what the peer said, as far as it is whole.
    ///
    /// - Returns: false once the peer has said that nothing more will come.
    func read(into application: inout ByteBuffer) throws(TLSError) -> Bool {
        while true {
            ERR_clear_error()
            var result: Int32 = 0
            unsafe application.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordBytesMax) { bytes in
                result = unsafe SSL_read(ssl, bytes.baseAddress, Int32(bytes.count))
                return max(0, Int(result))
            }
            if result > 0 { continue }
            switch unsafe SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return true
            case SSL_ERROR_ZERO_RETURN: return false
            default: throw TLSError.last("TLS")
            }
        }
    }

    /// Encrypts the application's bytes; `takeOutgoing` has them then.
    func write(_ application: ByteBuffer) throws(TLSError) {
        guard application.readableBytes > 0 else { return }
        ERR_clear_error()
        let isWritten = unsafe application.withUnsafeReadableBytes { bytes in
            unsafe SSL_write(ssl, bytes.baseAddress, Int32(bytes.count)) == Int32(bytes.count)
        }
        guard isWritten else { throw TLSError.last("TLS") }
    }

    /// Tells the peer that nothing more will come.
    func close() {
        _ = unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// The bytes to be sent to the network; nil: none.
    func takeOutgoing(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
        let count = unsafe BIO_ctrl_pending(toNetwork)
        guard count > 0 else { return nil }
        var bytes = allocator.buffer(capacity: count)
        unsafe bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            Int(unsafe BIO_read(toNetwork, space.baseAddress, Int32(count)))
        }
        return bytes
    }

    private static let recordBytesMax = 16 << 10

    private func handshakeError() -> TLSError {
        let (reason, text) = TLSError.takeReason()
        let verification = unsafe SSL_get_verify_result(ssl)
        if verification != Int(X509_V_OK) {
            let words = unsafe String(cString: X509_verify_cert_error_string(verification))
            switch Int32(truncatingIfNeeded: verification) {
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
                return TLSError(description: "the server's certificate is not for \"\(peerName)\": \(words)")
            default: return TLSError(description: "the server's certificate is not accepted: \(words)")
            }
        }
        if reason >= SSL_AD_REASON_OFFSET {
            return TLSError(description: "the server refused the TLS handshake: \(text)")
        }
        switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_UNEXPECTED_MESSAGE:
            return TLSError(description: "the server does not speak TLS on this port: \(text)")
        default: return TLSError(description: "TLS handshake: \(text)")
        }
    }
}
