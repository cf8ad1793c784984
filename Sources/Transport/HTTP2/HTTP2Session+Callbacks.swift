internal import CNGHTTP2

/// The C side: options, and callbacks that only take down what happened.
extension HTTP2Session {
    static func makeOptions() -> OpaquePointer {
        var options: OpaquePointer?
        guard unsafe nghttp2_option_new(&options) == 0, let options = unsafe options else {
            fatalError("out of memory for HTTP/2 options")
        }
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        // Floods: unsent acknowledgements, entries of one SETTINGS frame, resets (burst, then per second).
        unsafe nghttp2_option_set_max_outbound_ack(options, 1000)
        unsafe nghttp2_option_set_max_settings(options, 32)
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, 1000, 100)
        return unsafe options
    }

    static func makeCallbacks() -> OpaquePointer {
        var callbacks: OpaquePointer?
        guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks = unsafe callbacks else {
            fatalError("out of memory for HTTP/2 callbacks")
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose)
        return unsafe callbacks
    }

    /// Lends `block` as C name-value pairs to `body`; they are valid only inside it, and nghttp2 copies what is not
    /// constant.
    static func withNameValues<Result>(
        _ block: HTTP2HeaderBlock, _ body: (UnsafePointer<nghttp2_nv>, Int) -> Result
    ) -> Result {
        let count = block.constants.count + block.fields.count
        precondition(count > 0, "empty header block")
        return unsafe block.bytes.withUnsafeBufferPointer { bytes in
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: count) { pairs in
                var index = 0
                for constant in block.constants {
                    unsafe pairs.initializeElement(at: index, to: nameValue(constant))
                    index += 1
                }
                for field in block.fields {
                    // Fields have names, so there are bytes.
                    unsafe pairs.initializeElement(at: index, to: nameValue(field, bytes.baseAddress!))
                    index += 1
                }
                return unsafe body(pairs.baseAddress!, count)
            }
        }
    }

    private static func nameValue(_ constant: HTTP2HeaderBlock.Constant) -> nghttp2_nv {
        unsafe nghttp2_nv(
            name: UnsafeMutablePointer(mutating: constant.name.utf8Start),
            value: UnsafeMutablePointer(mutating: constant.value.utf8Start),
            namelen: constant.name.utf8CodeUnitCount, valuelen: constant.value.utf8CodeUnitCount,
            flags: UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue))
    }

    private static func nameValue(_ field: HTTP2HeaderBlock.Field, _ bytes: UnsafePointer<UInt8>) -> nghttp2_nv {
        let start = unsafe UnsafeMutablePointer(mutating: bytes) + field.start
        return unsafe nghttp2_nv(
            name: start, value: start + field.nameCount, namelen: field.nameCount, valuelen: field.valueCount,
            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
    }
}

/// Lends `body` the session's state, without counting a reference for each of the many calls.
@inline(__always)
private func withState<Result>(
    _ userData: UnsafeMutableRawPointer?, _ body: (HTTP2SessionState) -> Result
) -> Result {
    guard let userData = unsafe userData else { preconditionFailure("nghttp2 lost its user data") }
    return unsafe Unmanaged<HTTP2SessionState>.fromOpaque(userData)._withUnsafeGuaranteedRef(body)
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, _, userData in
    unsafe withState(userData) { unsafe $0.headers.begin() }
    return 0
}

private let onHeader: nghttp2_on_header_callback = { _, _, name, nameCount, value, valueCount, _, userData in
    unsafe withState(userData) { state in
        unsafe state.headers.append(
            name: UnsafeRawBufferPointer(start: name, count: nameCount),
            value: UnsafeRawBufferPointer(start: value, count: valueCount))
        // Resets this stream; the connection goes on.
        return unsafe state.headers.listSize <= state.headerListBytesMax
            ? 0 : Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    }
}

private let onFrame: nghttp2_on_frame_recv_callback = { _, frame, userData in
    guard let frame = unsafe frame?.pointee else { return 0 }
    unsafe withState(userData) { unsafe $0.noteFrame(frame) }
    return 0
}

extension HTTP2SessionState {
    fileprivate func noteFrame(_ frame: nghttp2_frame) {
        let header = unsafe frame.hd
        let type = UInt32(header.type)
        let flags = UInt32(header.flags)
        let endsStream = flags & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch type {
        case NGHTTP2_HEADERS.rawValue:
            if unsafe frame.headers.cat == NGHTTP2_HCAT_REQUEST {
                append(.headers(stream: header.stream_id, unsafe headers.complete()))
            }
            if endsStream { append(.endOfStream(header.stream_id)) }
        case NGHTTP2_DATA.rawValue:
            if endsStream {
                append(.endOfStream(header.stream_id))
            } else if header.length == 0 {
                append(.overhead)
            }
        case NGHTTP2_PING.rawValue:
            append(flags & NGHTTP2_FLAG_ACK.rawValue != 0 ? .pingAcknowledged : .ping)
        case NGHTTP2_SETTINGS.rawValue, NGHTTP2_PRIORITY.rawValue:
            append(.overhead)
        default:
            break
        }
    }
}

private let onData: nghttp2_on_data_chunk_recv_callback = { _, _, stream, data, count, userData in
    unsafe withState(userData) { state in
        guard let data = unsafe data, let base = unsafe state.input.baseAddress else { return 0 }
        let start = unsafe UnsafeRawPointer(data) - base
        // nghttp2 hands out DATA as slices of its input; anything else would be read from the wrong place.
        unsafe precondition(start >= 0 && start + count <= state.input.count, "DATA lies outside the input")
        state.append(.data(stream: stream, start..<start + count))
        return 0
    }
}

private let onStreamClose: nghttp2_on_stream_close_callback = { _, stream, _, userData in
    unsafe withState(userData) { state in
        state.removeBody(stream: stream)
        state.append(.closed(stream: stream))
    }
    return 0
}

/// Fills a DATA frame from the stream's body; with the last byte of it the trailers are queued.
let readBody: nghttp2_data_source_read_callback = { session, stream, buffer, capacity, flags, _, userData in
    unsafe withState(userData) { state in
        guard let buffer = unsafe buffer,
            let (count, ended) = unsafe state.readBody(
                stream: stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: capacity))
        else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        guard let ended else { return count }
        unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        if let trailers = ended.trailers {
            unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            unsafe HTTP2Session.withNameValues(trailers) { (fields, fieldCount) in
                _ = unsafe nghttp2_submit_trailer(session, stream, fields, fieldCount)
            }
        }
        return count
    }
}
