import CProtobufC
import CRPCMessages

/// The answer to an export request that was accepted, wholly or in part (Export…ServiceResponse of any signal).
package struct ExportResponse: Sendable, Hashable {
    /// Spans, data points or log records that were refused for good; the client must not send them again.
    package var rejectedItems: Int
    /// Why items were rejected, or with none rejected a warning; empty for plain success.
    package var errorMessage: String

    package init(rejectedItems: Int = 0, errorMessage: String = "") {
        self.rejectedItems = rejectedItems
        self.errorMessage = errorMessage
    }

    /// Whether everything was accepted and there is nothing to say about it.
    package var isFullSuccess: Bool { rejectedItems == 0 && errorMessage.isEmpty }
}

extension ExportResponse {
    /// Reads an Export…ServiceResponse.
    package init(protobuf: [UInt8]) throws(RPCMessageError) {
        guard let response = unsafe rpcmessages__export_service_response__unpack(nil, protobuf.count, protobuf) else {
            throw .malformedProtobuf
        }
        defer { unsafe rpcmessages__export_service_response__free_unpacked(response, nil) }
        self.init()
        guard let partial = unsafe response.pointee.partial_success?.pointee else { return }
        rejectedItems = unsafe Int(partial.rejected)
        errorMessage = unsafe String(partial.error_message)
    }

    /// This answer in protobuf; full success is the empty message, no bytes at all.
    package func encodeProtobuf() -> [UInt8] {
        guard !isFullSuccess else { return [] }
        return unsafe Array(errorMessage.utf8).withBinaryData { message in
            var partial = unsafe Rpcmessages__PartialSuccess()
            unsafe rpcmessages__partial_success__init(&partial)
            unsafe partial.has_rejected = rejectedItems == 0 ? 0 : 1
            unsafe partial.rejected = Int64(rejectedItems)
            unsafe partial.has_error_message = message.len == 0 ? 0 : 1
            unsafe partial.error_message = message
            return unsafe withUnsafeMutablePointer(to: &partial) { partial in
                var response = unsafe Rpcmessages__ExportServiceResponse()
                unsafe rpcmessages__export_service_response__init(&response)
                unsafe response.partial_success = partial
                let count = unsafe rpcmessages__export_service_response__get_packed_size(&response)
                return unsafe [UInt8](packed: count) { output in
                    unsafe rpcmessages__export_service_response__pack(&response, output)
                }
            }
        }
    }
}

extension ExportResponse {
    /// This answer in JSON; full success is `{"partialSuccess":{}}`, as otelcol writes it.
    package func encodeJSON(signal: Signal) -> [UInt8] {
        var writer = JSONWriter(capacity: errorMessage.utf8.count + 96)
        writer.write(#"{"partialSuccess":{"#)
        if rejectedItems != 0 {
            switch signal {
            case .traces: writer.write(#""rejectedSpans":""#)
            case .metrics: writer.write(#""rejectedDataPoints":""#)
            case .logs: writer.write(#""rejectedLogRecords":""#)
            }
            writer.write(decimal: Int64(rejectedItems))
            writer.write("\"")
        }
        if !errorMessage.isEmpty {
            if rejectedItems != 0 { writer.write(",") }
            writer.write(#""errorMessage":"#)
            writer.write(string: errorMessage)
        }
        writer.write("}}")
        return writer.bytes
    }

    /// Reads the JSON form; the count by the name of any signal, in lowerCamelCase or snake_case.
    package init(json: [UInt8]) throws(RPCMessageError) {
        self.init()
        try JSONReader.read(message: json) { (reader) throws(JSONFailure) in try read(&reader) }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONFailure) {
        try reader.expect("{")
        var isFirst = true
        while let key = try reader.nextKey(&isFirst) {
            let isPartialSuccess = key.equals("partialSuccess") || key.equals("partial_success")
            if try reader.take("null") { continue }
            if isPartialSuccess {
                try readPartialSuccess(&reader)
            } else {
                try reader.skipValue(depth: JSONReader.skippedDepthMax)
            }
        }
    }

    private mutating func readPartialSuccess(_ reader: inout JSONReader) throws(JSONFailure) {
        try reader.expect("{")
        var isFirst = true
        while let key = try reader.nextKey(&isFirst) {
            let isCount = ExportResponse.countKeys.contains { key.equals($0) }
            let isMessage = key.equals("errorMessage") || key.equals("error_message")
            if try reader.take("null") { continue }
            if isCount {
                rejectedItems = Int(try reader.readInteger(Int64.self))
            } else if isMessage {
                errorMessage = try reader.readString().string
            } else {
                try reader.skipValue(depth: JSONReader.skippedDepthMax)
            }
        }
    }

    private static let countKeys: [StaticString] = [
        "rejectedSpans", "rejectedDataPoints", "rejectedLogRecords", "rejected_spans", "rejected_data_points",
        "rejected_log_records",
    ]
}
