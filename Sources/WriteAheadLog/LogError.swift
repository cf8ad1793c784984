/// What went wrong in a log.
package struct LogError: Error, Sendable {
    package enum Code: Sendable, Hashable {
        /// No room: the log's limit, the disk's, or every consumer's. The caller may try again later.
        case full
        /// The operating system refused a read, a write or a sync. The caller may try again later.
        case io
        /// Another process, or another part of this one, has the log or the consumer open.
        case inUse
        /// A file of another format version, or none of ours.
        case unsupportedFormat
        /// Stored bytes do not match their checksum; they were set aside and counted.
        case corrupt
        /// A record too large for the log.
        case recordTooLarge
        case closed
        /// The caller broke the contract: a range that was not handed out, an id that is not open.
        case misuse
    }

    package var code: Code
    package var message: String
    /// File or directory concerned, if any.
    package var path: String?

    package init(_ code: Code, _ message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }
}

extension LogError: CustomStringConvertible {
    package var description: String {
        if let path { "\(message) (\(path))" } else { message }
    }
}
