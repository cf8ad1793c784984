import COTLPMessages
import CProtobufC
import Glibc
import OTLP
import RegularExpression
import TestSupport

/// Attribute edits the plain way: protobuf-c decodes, its lists are changed one action after the other, protobuf-c
/// encodes. No filters.
enum EditOracle {
    static func apply(
        _ stages: [AttributeEdits.Stage], to request: [UInt8], signal: Signal, context: [String: ProtobufMessage]
    ) -> [UInt8]? {
        // Without filters, what one target holds makes no difference to the other.
        func edit(_ request: [UInt8], _ target: AttributeEdits.Target) -> [UInt8]? {
            let actions = stages.filter { $0.target == target }.flatMap(\.actions)
            return Self.edit(request, signal, target) { attributes in
                for action in actions { attributes.apply(action, context) }
            }
        }
        return edit(request, .resource).flatMap { edit($0, .items) }
    }

    /// The request decoded and encoded anew, without what makes no difference: whether a key is empty or absent, and
    /// whether a value is.
    static func normalForm(_ request: [UInt8], _ signal: Signal) -> [UInt8]? {
        edit(request, signal, .resource) { $0.fillIn() }.flatMap { edit($0, signal, .items) { $0.fillIn() } }
    }

    private static func edit(
        _ request: [UInt8], _ signal: Signal, _ target: AttributeEdits.Target,
        _ change: @escaping (inout OracleAttributes) -> Void
    ) -> [UInt8]? {
        let number = Int32(target == .resource ? OTLP_RESOURCES : OTLP_ITEMS)
        var change = change
        var count = 0
        let result = unsafe withUnsafeMutablePointer(to: &change) { change in
            unsafe otlp_edit_attributes(
                Oracle.number(signal), number, request, request.count,
                { context, count, list in
                    let change = unsafe context!.assumingMemoryBound(to: ((inout OracleAttributes) -> Void).self)
                    var attributes = unsafe OracleAttributes(list!.pointee, count: count!.pointee)
                    unsafe change.pointee(&attributes)
                    unsafe list!.pointee = attributes.allocated()
                    unsafe count!.pointee = attributes.count
                }, change, &count)
        }
        guard let result = unsafe result else { return nil }
        defer { unsafe free(result) }
        return unsafe Array(UnsafeBufferPointer(start: result, count: count))
    }
}

/// One attribute list of a message that protobuf-c has decoded.
@safe
struct OracleAttributes {
    typealias Entry = UnsafeMutablePointer<Otlp__KeyValue>
    private var entries: [Entry]
    var count: Int { unsafe entries.count }

    init(_ list: UnsafeMutablePointer<Entry?>?, count: Int) {
        unsafe entries = (0..<count).map { index in unsafe list![index]! }
        unsafe free(list)
    }

    /// The list in memory of its own, as protobuf-c keeps it.
    func allocated() -> UnsafeMutablePointer<Entry?>? {
        let list = unsafe calloc(entries.count + 1, MemoryLayout<Entry?>.stride)!
            .bindMemory(to: Entry?.self, capacity: entries.count + 1)
        for index in unsafe entries.indices { unsafe list[index] = entries[index] }
        return unsafe list
    }

    mutating func fillIn() {
        for index in 0..<count {
            unsafe entries[index].pointee.has_key = 1
            if unsafe entries[index].pointee.value == nil { set(index, []) }
        }
    }

    private func key(_ index: Int) -> [UInt8] { unsafe Array(entries[index].pointee.key) }

    private func value(_ index: Int) -> OracleValue { unsafe OracleValue(entries[index].pointee.value) }

    private func first(_ key: String) -> Int? {
        unsafe entries.indices.first { self.key($0) == Array(key.utf8) }
    }

    private mutating func set(_ index: Int, _ value: [UInt8]) {
        unsafe otlp__any_value__free_unpacked(entries[index].pointee.value, nil)
        unsafe entries[index].pointee.value = otlp__any_value__unpack(nil, value.count, value)
    }

    private mutating func append(_ key: String, _ value: [UInt8]) {
        let bytes = ProtobufMessage([
            ProtobufField(1, .bytes(Array(key.utf8))), ProtobufField(2, .bytes(value)),
        ]).bytes
        unsafe entries.append(otlp__key_value__unpack(nil, bytes.count, bytes)!)
    }

    private mutating func put(_ key: String, _ value: [UInt8]) {
        if let index = first(key) { set(index, value) } else { append(key, value) }
    }

    private func selection(_ key: String?, _ pattern: RegularExpression?) -> [Int] {
        unsafe entries.indices.filter { index in
            let name = self.key(index)
            if let key, Array(key.utf8) == name { return true }
            return unsafe name.withUnsafeBufferPointer { unsafe pattern?.matches($0) ?? false }
        }
    }

    private func value(
        from source: AttributeSource, _ context: [String: ProtobufMessage]
    ) -> [UInt8]? {
        switch source {
        case .constant(let constant): return OracleValue(constant).message.bytes
        case .context(let name): return context[name]?.bytes
        case .attribute(let key):
            guard let index = first(key) else { return nil }
            guard let value = unsafe entries[index].pointee.value else { return [] }
            let count = unsafe otlp__any_value__get_packed_size(value)
            return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
                initializedCount = unsafe count == 0 ? 0 : otlp__any_value__pack(value, buffer.baseAddress!)
            }
        }
    }

    mutating func apply(_ action: AttributeAction, _ context: [String: ProtobufMessage]) {
        switch action {
        case .insert(let key, let source):
            if first(key) == nil, let value = value(from: source, context) { append(key, value) }
        case .update(let key, let source):
            if let index = first(key), let value = value(from: source, context) { set(index, value) }
        case .upsert(let key, let source):
            if let value = value(from: source, context) { put(key, value) }
        case .delete(let key, let pattern):
            for index in selection(key, pattern).reversed() {
                unsafe otlp__key_value__free_unpacked(entries.remove(at: index), nil)
            }
        case .hash(let key, let pattern):
            for index in selection(key, nil) { set(index, OracleValue.string(value(index).hash).message.bytes) }
            for index in selection(nil, pattern) { set(index, OracleValue.string(value(index).hash).message.bytes) }
        case .extract(let key, let pattern):
            guard let index = first(key), case .string(let text) = value(index) else { return }
            var groups: [Range<Int>?] = []
            let isMatched = unsafe text.withUnsafeBufferPointer {
                unsafe pattern.firstMatch(in: $0, groups: &groups)
            }
            guard isMatched else { return }
            for (name, group) in zip(pattern.groupNames, groups.dropFirst()) {
                guard let name else { continue }
                put(name, OracleValue.string(group.map { Array(text[$0]) } ?? []).message.bytes)
            }
        case .convert(let key, let type):
            guard let index = first(key), let converted = value(index).converted(to: type) else { return }
            set(index, converted.message.bytes)
        }
    }
}

extension Array where Element == UInt8 {
    init(_ data: ProtobufCBinaryData) {
        self = unsafe Array(UnsafeBufferPointer(start: data.data, count: data.len))
    }
}
