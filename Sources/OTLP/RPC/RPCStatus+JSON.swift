extension RPCStatus {
    /// This status in the JSON form of google.rpc.Status.
    package func encodeJSON() -> [UInt8] {
        var writer = JSONWriter(capacity: message.utf8.count + 160)
        writer.write(#"{"code":"#)
        writer.write(decimal: UInt64(code.rawValue))
        writer.write(#","message":"#)
        writer.write(string: message)
        if let retryDelay {
            writer.write(#","details":[{"@type":"#)
            writer.write(string: retryInfoTypeURL)
            writer.write(#","retryDelay":"#)
            writer.write(string: RPCDuration(retryDelay).json)
            writer.write("}]")
        }
        writer.write("}")
        return writer.bytes
    }

    /// Reads the JSON form of google.rpc.Status.
    ///
    /// Leniently: a missing code is `unknown`, unknown keys are ignored, and details of other types than RetryInfo, and
    /// whatever follows the object.
    package init(json: [UInt8]) throws(RPCMessageError) {
        self.init(code: .unknown, message: "")
        try JSONReader.read(message: json) { (reader) throws(JSONFailure) in try read(&reader) }
    }

    private mutating func read(_ reader: inout JSONReader) throws(JSONFailure) {
        try reader.expect("{")
        var isFirst = true
        while let key = try reader.nextKey(&isFirst) {
            let isCode = key.equals("code")
            let isMessage = key.equals("message")
            let isDetails = key.equals("details")
            if try reader.take("null") { continue }
            if isCode {
                code = RPCCode(rawValue: UInt32(bitPattern: try reader.readInteger(Int32.self))) ?? .unknown
            } else if isMessage {
                message = try reader.readString().string
            } else if isDetails {
                try reader.expect("[")
                var isFirstDetail = true
                while try reader.nextElement(&isFirstDetail) { try readDetail(&reader) }
            } else {
                try reader.skipValue(depth: JSONReader.skippedDepthMax)
            }
        }
    }

    private mutating func readDetail(_ reader: inout JSONReader) throws(JSONFailure) {
        guard try reader.peek() == UInt8(ascii: "{") else {
            return try reader.skipValue(depth: JSONReader.skippedDepthMax)
        }
        try reader.expect("{")
        var isRetryInfo = false
        var delay: RPCDuration?
        var isFirst = true
        while let key = try reader.nextKey(&isFirst) {
            let isType = key.equals("@type")
            let isDelay = key.equals("retryDelay") || key.equals("retry_delay")
            guard try reader.peek() == UInt8(ascii: "\""), isType || isDelay else {
                try reader.skipValue(depth: JSONReader.skippedDepthMax)
                continue
            }
            let text = try reader.readString().string
            if isType { isRetryInfo = text == retryInfoTypeURL } else { delay = RPCDuration(json: text) }
        }
        if isRetryInfo, let delay { retryDelay = delay.duration }
    }
}
