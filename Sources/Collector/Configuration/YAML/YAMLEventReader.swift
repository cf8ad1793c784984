internal import CYAML
internal import Component

/// One step of a YAML document, without the library's types.
struct YAMLEvent {
    enum Content {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        /// `isPlain`: written without quotes and not as a block, so that its text decides its type.
        case scalar(text: String, isPlain: Bool)
        case listStart
        case listEnd
        case mapStart
        case mapEnd
        case alias(String)
    }

    var content: Content
    var anchor: String?
    var tag: String?
    var position: ConfigPosition
}

/// Reads YAML text as events. The only place that knows libyaml.
///
/// Owns a copy of the text and the parser, which reads from it; both end with this object.
@safe final class YAMLEventReader {
    private let source: String
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    init(_ bytes: [UInt8], source: String) {
        self.source = source
        // One byte more, so that an empty text has an address too.
        unsafe text = .allocate(capacity: bytes.count + 1)
        unsafe text.initialize(repeating: 0)
        for (index, byte) in bytes.enumerated() { unsafe text[index] = byte }
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else { preconditionFailure("no memory for a YAML parser") }
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// The next event. Not to be called again after `streamEnd` or an error.
    ///
    /// - Throws: a syntax error, in the words of Go's YAML library: `yaml: line 3: did not find expected key`.
    func next() throws(ConfigError) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&event) }
        let position = unsafe position(of: event.start_mark)
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let characters = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let text = unsafe String(decoding: characters, as: UTF8.self)
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            return unsafe YAMLEvent(
                content: .scalar(text: text, isPlain: isPlain), anchor: string(scalar.anchor), tag: string(scalar.tag),
                position: position)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe YAMLEvent(
                content: .listStart, anchor: string(start.anchor), tag: string(start.tag), position: position)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe YAMLEvent(
                content: .mapStart, anchor: string(start.anchor), tag: string(start.tag), position: position)
        case YAML_ALIAS_EVENT:
            let name = unsafe string(event.data.alias.anchor) ?? ""
            return YAMLEvent(content: .alias(name), position: position)
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(content: .listEnd, position: position)
        case YAML_MAPPING_END_EVENT: return YAMLEvent(content: .mapEnd, position: position)
        case YAML_STREAM_START_EVENT: return YAMLEvent(content: .streamStart, position: position)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(content: .documentStart, position: position)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(content: .documentEnd, position: position)
        default: return YAMLEvent(content: .streamEnd, position: position)
        }
    }

    private func string(_ characters: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let characters = unsafe characters else { return nil }
        return unsafe String(cString: characters)
    }

    private func position(of mark: yaml_mark_t) -> ConfigPosition {
        ConfigPosition(source: source, line: mark.line + 1, column: mark.column + 1)
    }

    private func syntaxError() -> ConfigError {
        let problem =
            if let text = unsafe parser.pointee.problem { unsafe String(cString: text) } else { "not YAML" }
        let kind = unsafe parser.pointee.error
        if kind == YAML_READER_ERROR {
            let offset = unsafe parser.pointee.problem_offset
            return ConfigError(
                at: ConfigPosition(source: source, line: 1, column: 1), path: "",
                "yaml: \(problem) (at byte \(offset))")
        }
        let position = unsafe position(of: parser.pointee.problem_mark)
        let offset = unsafe Int(clamping: parser.pointee.problem_mark.index)
        let isAtTab = unsafe offset < text.count && text[offset] == UInt8(ascii: "\t")
        let hint = kind == YAML_SCANNER_ERROR && isAtTab ? " (a tab; indent with spaces)" : ""
        return ConfigError(at: position, path: "", "yaml: line \(position.line): \(problem)\(hint)")
    }
}
