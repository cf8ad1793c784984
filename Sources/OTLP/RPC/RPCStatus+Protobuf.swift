import CProtobufC
import CRPCMessages

/// The type of the RetryInfo detail.
let retryInfoTypeURL = "type.googleapis.com/google.rpc.RetryInfo"

extension RPCStatus {
    /// Reads a google.rpc.Status; details of other types than RetryInfo are ignored, as is a RetryInfo that is not one.
    package init(protobuf: [UInt8]) throws(RPCMessageError) {
        guard let status = unsafe rpcmessages__status__unpack(nil, protobuf.count, protobuf) else {
            throw .malformedProtobuf
        }
        defer { unsafe rpcmessages__status__free_unpacked(status, nil) }
        var retryDelay: Duration?
        let detailCount = unsafe status.pointee.n_details
        for index in 0..<detailCount {
            guard let detail = unsafe status.pointee.details[index]?.pointee else { continue }
            guard unsafe String(detail.type_url) == retryInfoTypeURL else { continue }
            if let delay = unsafe RPCStatus.retryDelay(detail.value) { retryDelay = delay }
        }
        let code = unsafe UInt32(bitPattern: status.pointee.code)
        let message = unsafe String(status.pointee.message)
        self.init(code: RPCCode(rawValue: code) ?? .unknown, message: message, retryDelay: retryDelay)
    }

    private static func retryDelay(_ bytes: ProtobufCBinaryData) -> Duration? {
        guard let info = unsafe rpcmessages__retry_info__unpack(nil, bytes.len, bytes.data) else { return nil }
        defer { unsafe rpcmessages__retry_info__free_unpacked(info, nil) }
        guard let delay = unsafe info.pointee.retry_delay?.pointee else { return nil }
        return unsafe RPCDuration(seconds: delay.seconds, nanos: delay.nanos).duration
    }

    /// This status as google.rpc.Status, with a RetryInfo detail if there is a delay.
    package func encodeProtobuf() -> [UInt8] {
        guard let retryDelay else { return unsafe encodeProtobuf(detail: nil) }
        let retryInfo = RPCStatus.encodeRetryInfo(RPCDuration(retryDelay))
        return unsafe Array(retryInfoTypeURL.utf8).withBinaryData { typeURL in
            unsafe retryInfo.withBinaryData { value in
                var detail = unsafe Rpcmessages__Any()
                unsafe rpcmessages__any__init(&detail)
                unsafe detail.has_type_url = 1
                unsafe detail.type_url = typeURL
                unsafe detail.has_value = 1
                unsafe detail.value = value
                return unsafe withUnsafeMutablePointer(to: &detail) { detail in
                    unsafe encodeProtobuf(detail: detail)
                }
            }
        }
    }

    private func encodeProtobuf(detail: UnsafeMutablePointer<Rpcmessages__Any>?) -> [UInt8] {
        unsafe Array(message.utf8).withBinaryData { message in
            var detail = unsafe detail
            return unsafe withUnsafeMutablePointer(to: &detail) { details in
                var status = unsafe Rpcmessages__Status()
                unsafe rpcmessages__status__init(&status)
                unsafe status.has_code = code == .ok ? 0 : 1
                unsafe status.code = Int32(bitPattern: code.rawValue)
                unsafe status.has_message = message.len == 0 ? 0 : 1
                unsafe status.message = message
                unsafe status.n_details = details.pointee == nil ? 0 : 1
                unsafe status.details = details
                return unsafe [UInt8](packed: rpcmessages__status__get_packed_size(&status)) { output in
                    unsafe rpcmessages__status__pack(&status, output)
                }
            }
        }
    }

    private static func encodeRetryInfo(_ delay: RPCDuration) -> [UInt8] {
        var duration = unsafe Rpcmessages__Duration()
        unsafe rpcmessages__duration__init(&duration)
        unsafe duration.has_seconds = delay.seconds == 0 ? 0 : 1
        unsafe duration.seconds = delay.seconds
        unsafe duration.has_nanos = delay.nanos == 0 ? 0 : 1
        unsafe duration.nanos = delay.nanos
        return unsafe withUnsafeMutablePointer(to: &duration) { duration in
            var info = unsafe Rpcmessages__RetryInfo()
            unsafe rpcmessages__retry_info__init(&info)
            unsafe info.retry_delay = duration
            return unsafe [UInt8](packed: rpcmessages__retry_info__get_packed_size(&info)) { output in
                unsafe rpcmessages__retry_info__pack(&info, output)
            }
        }
    }
}
