import RegularExpression
import TestSupport

@testable import OTLP

/// A plain and slow way to do what `AttributeEdits` does: decode, change, encode. Reads protobuf by itself.
enum EditModel {
    struct Field {
        var number: UInt32
        var type: UInt8
        var value: UInt64 = 0
        var bytes: [UInt8] = []
    }

    struct Attribute {
        var key: [UInt8]
        var value: [UInt8]
    }

    // MARK: Protobuf

    static func decode(_ bytes: [UInt8]) -> [Field] {
        var fields: [Field] = []
        var index = 0
        func varint() -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let byte = bytes[index]
                index += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
        }
        while index < bytes.count {
            let tag = varint()
            var field = Field(number: UInt32(tag >> 3), type: UInt8(tag & 7))
            switch field.type {
            case 0: field.value = varint()
            case 1:
                field.bytes = Array(bytes[index..<(index + 8)])
                index += 8
            case 5:
                field.bytes = Array(bytes[index..<(index + 4)])
                index += 4
            default:
                let count = Int(varint())
                field.bytes = Array(bytes[index..<(index + count)])
                index += count
            }
            fields.append(field)
        }
        return fields
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
    }

    static func encode(_ fields: [Field]) -> [UInt8] {
        fields.flatMap { field -> [UInt8] in
            let tag = varint(UInt64(field.number) << 3 | UInt64(field.type))
            switch field.type {
            case 0: return tag + varint(field.value)
            case 1, 5: return tag + field.bytes
            default: return tag + varint(UInt64(field.bytes.count)) + field.bytes
            }
        }
    }

    static func message(_ number: UInt32, _ bytes: [UInt8]) -> Field { Field(number: number, type: 2, bytes: bytes) }

    static func attribute(_ number: UInt32, _ attribute: Attribute) -> Field {
        message(number, encode([message(1, attribute.key), message(2, attribute.value)]))
    }

    static func attribute(from field: Field) -> Attribute {
        let parts = decode(field.bytes)
        return Attribute(
            key: parts.last { $0.number == 1 }?.bytes ?? [], value: parts.last { $0.number == 2 }?.bytes ?? [])
    }

    /// The request with the attributes of each set behind the other fields, and without empty resources: stages that
    /// run together and in turn may differ in these.
    static func normalized(_ request: [UInt8], signal: Signal) -> [UInt8] {
        func arranged(_ bytes: [UInt8], _ number: UInt32) -> [UInt8] {
            let fields = decode(bytes)
            let attributes = fields.filter { $0.number == number && $0.type == 2 }
            return encode(
                fields.filter { $0.number != number || $0.type != 2 }
                    + attributes.map { self.attribute(number, attribute(from: $0)) })
        }
        func edit(_ bytes: [UInt8], _ number: UInt32, _ change: ([UInt8]) -> [UInt8]) -> [UInt8] {
            encode(
                decode(bytes).map { field in
                    field.number == number ? message(number, change(field.bytes)) : field
                })
        }
        return edit(request, 1) { group in
            let withResource = edit(group, 1) { arranged($0, 1) }
            let fields = decode(withResource).filter { $0.number != 1 || !$0.bytes.isEmpty }
            return edit(encode(fields), 2) { scope in
                edit(scope, 2) { item in
                    switch signal {
                    case .traces: return arranged(item, 9)
                    case .logs: return arranged(item, 6)
                    case .metrics:
                        let places: [(UInt32, UInt32)] = [(5, 7), (7, 7), (9, 9), (10, 1), (11, 7)]
                        return places.reduce(item) { metric, place in
                            edit(metric, place.0) { data in edit(data, 1) { arranged($0, place.1) } }
                        }
                    }
                }
            }
        }
    }

    // MARK: Requests

    static func apply(
        _ stages: [AttributeEdits.Stage], to request: [UInt8], signal: Signal, context: [String: [UInt8]]
    ) -> [UInt8] {
        stages.reduce(request) { apply($1, to: $0, signal: signal, context: context) }
    }

    private static func apply(
        _ stage: AttributeEdits.Stage, to request: [UInt8], signal: Signal, context: [String: [UInt8]]
    ) -> [UInt8] {
        encode(
            decode(request).map { group in
                var fields = decode(group.bytes)
                if stage.target == .resource {
                    if let index = fields.firstIndex(where: { $0.number == 1 }) {
                        fields[index].bytes = edit(fields[index].bytes, field: 1, stage, context)
                    } else if case let resource = edit([], field: 1, stage, context), !resource.isEmpty {
                        fields.insert(message(1, resource), at: fields.firstIndex { $0.number == 2 } ?? fields.count)
                    }
                } else {
                    let resource = fields.first { $0.number == 1 }.map { attributes($0.bytes, field: 1) } ?? []
                    fields = fields.map { field in
                        field.number == 2
                            ? message(2, editScope(field.bytes, resource, stage, signal, context)) : field
                    }
                }
                return message(group.number, encode(fields))
            })
    }

    private static func editScope(
        _ bytes: [UInt8], _ resource: [Attribute], _ stage: AttributeEdits.Stage, _ signal: Signal,
        _ context: [String: [UInt8]]
    ) -> [UInt8] {
        let fields = decode(bytes)
        let scope = fields.first { $0.number == 1 }.map { decode($0.bytes) } ?? []
        func passes(_ item: [Field], _ attributes: [Attribute], metricName: [UInt8]) -> Bool {
            let outer = ModelItem(
                signal: signal, resource: resource, scope: scope, metricName: metricName, fields: item,
                attributes: attributes)
            if let include = stage.filter?.include, !outer.matches(include) { return false }
            if let exclude = stage.filter?.exclude, outer.matches(exclude) { return false }
            return true
        }
        func editItem(_ bytes: [UInt8], field: UInt32, metricName: [UInt8] = []) -> [UInt8] {
            passes(decode(bytes), attributes(bytes, field: field), metricName: metricName)
                ? edit(bytes, field: field, stage, context) : bytes
        }
        return encode(
            fields.map { item in
                guard item.number == 2 else { return item }
                switch signal {
                case .traces: return message(2, editItem(item.bytes, field: 9))
                case .logs: return message(2, editItem(item.bytes, field: 6))
                case .metrics:
                    let metric = decode(item.bytes)
                    let name: [UInt8] = metric.first { $0.number == 1 }?.bytes ?? []
                    let edited = metric.map { data -> Field in
                        let places: [UInt32: UInt32] = [5: 7, 7: 7, 9: 9, 10: 1, 11: 7]
                        guard let place = places[data.number] else { return data }
                        let points = decode(data.bytes).map { point in
                            point.number == 1
                                ? message(1, editItem(point.bytes, field: place, metricName: name)) : point
                        }
                        return message(data.number, encode(points))
                    }
                    return message(2, encode(edited))
                }
            })
    }

    static func attributes(_ bytes: [UInt8], field: UInt32) -> [Attribute] {
        decode(bytes).filter { $0.number == field && $0.type == 2 }.map { attribute(from: $0) }
    }

    /// Edits the attributes of one message; attributes nothing changes keep their bytes.
    private static func edit(
        _ bytes: [UInt8], field: UInt32, _ stage: AttributeEdits.Stage, _ context: [String: [UInt8]]
    ) -> [UInt8] {
        let fields = decode(bytes)
        // Slots keep their place; new attributes follow.
        var slots: [Attribute?] = attributes(bytes, field: field)
        let originals = slots
        for action in stage.actions { apply(action, to: &slots, context) }
        var result: [Field] = []
        var slot = 0
        var end: Int?
        for original in fields {
            guard original.number == field, original.type == 2 else {
                result.append(original)
                continue
            }
            if let attribute = slots[slot] {
                let isSame = attribute.value == originals[slot]!.value
                result.append(isSame ? original : self.attribute(field, attribute))
            }
            end = result.count
            slot += 1
        }
        let added = slots.dropFirst(originals.count).compactMap { $0 }.map { attribute(field, $0) }
        result.insert(contentsOf: added, at: end ?? result.count)
        return encode(result)
    }

    // MARK: Actions

    private static func apply(
        _ action: AttributeAction, to slots: inout [Attribute?], _ context: [String: [UInt8]]
    ) {
        func first(_ key: String) -> Int? { slots.firstIndex { $0?.key == Array(key.utf8) } }
        func value(_ source: AttributeSource) -> [UInt8]? {
            switch source {
            case .constant(let constant): constant.encoded
            case .attribute(let key): first(key).flatMap { slots[$0]?.value }
            case .context(let name): context[name]
            }
        }
        func put(_ key: String, _ value: [UInt8]) {
            if let index = first(key) {
                slots[index]!.value = value
            } else {
                slots.append(Attribute(key: Array(key.utf8), value: value))
            }
        }
        switch action {
        case .insert(let key, let source):
            if let value = value(source), first(key) == nil { put(key, value) }
        case .update(let key, let source):
            if let value = value(source), first(key) != nil { put(key, value) }
        case .upsert(let key, let source):
            if let value = value(source) { put(key, value) }
        case .delete(let key, let pattern):
            for index in slots.indices where isSelected(slots[index], key, pattern) { slots[index] = nil }
        case .hash(let key, let pattern):
            for (key, pattern) in [(key, nil), (nil, pattern)] {
                for index in slots.indices where isSelected(slots[index], key, pattern) {
                    slots[index]!.value = hashed(slots[index]!.value)
                }
            }
        case .extract(let key, let pattern):
            guard let index = first(key), let content = kind(slots[index]!.value), content.number == 1 else { return }
            var groups: [Range<Int>?] = []
            let text = content.bytes
            guard unsafe text.withUnsafeBufferPointer({ unsafe pattern.firstMatch(in: $0, groups: &groups) })
            else { return }
            for (index, name) in pattern.groupNames.enumerated() {
                put(name!, encode([message(1, groups[index + 1].map { Array(text[$0]) } ?? [])]))
            }
        case .convert(let key, let type):
            if let index = first(key) { slots[index]!.value = converted(slots[index]!.value, to: type) }
        }
    }

    private static func isSelected(_ slot: Attribute?, _ key: String?, _ pattern: RegularExpression?) -> Bool {
        guard let slot else { return false }
        if let key, slot.key == Array(key.utf8) { return true }
        return unsafe slot.key.withUnsafeBufferPointer { unsafe pattern?.matches($0) ?? false }
    }

    static func kind(_ value: [UInt8]) -> Field? { decode(value).last { (1...7).contains($0.number) } }

    private static func hashed(_ value: [UInt8]) -> [UInt8] {
        OracleValue.string(OracleValue(value).hash).message.bytes
    }

    private static func converted(_ value: [UInt8], to type: ConvertedType) -> [UInt8] {
        OracleValue(value).converted(to: type)?.message.bytes ?? value
    }
}

/// An item and its surroundings, as filters see them.
struct ModelItem {
    let signal: Signal
    let resource: [EditModel.Attribute]
    let scope: [EditModel.Field]
    let metricName: [UInt8]
    let fields: [EditModel.Field]
    let attributes: [EditModel.Attribute]

    func matches(_ matcher: ItemMatcher) -> Bool {
        if matcher.isNever { return false }
        func text(_ matcher: TextMatcher?, _ text: [UInt8]) -> Bool {
            matcher.map { matcher in text.withWireBytes { matcher.matches($0) } } ?? true
        }
        func bytes(_ fields: [EditModel.Field], _ number: UInt32) -> [UInt8] {
            fields.last { $0.number == number && $0.type == 2 }?.bytes ?? []
        }
        func number(_ number: UInt32) -> UInt64 { fields.last { $0.number == number && $0.type == 0 }?.value ?? 0 }
        let service =
            resource.first { $0.key == Array("service.name".utf8) }.map { attribute in
                OracleValue(attribute.value).textBytes
            } ?? Array("<nil-service-name>".utf8)
        guard text(matcher.services, service), text(matcher.metricNames, metricName) else { return false }
        guard matcher.resources.allSatisfy({ holds($0, resource) }) else { return false }
        guard matcher.attributes.allSatisfy({ holds($0, attributes) }) else { return false }
        if !matcher.libraries.isEmpty {
            let isMatched = matcher.libraries.contains {
                text($0.name, bytes(scope, 1)) && text($0.version, bytes(scope, 2))
            }
            if !isMatched { return false }
        }
        if signal == .traces {
            let kind = Int(number(6))
            let names = EditProgram.spanKindNames
            if let kinds = matcher.spanKinds, !kinds.matches(kind < names.count ? names[kind] : "") { return false }
            return text(matcher.spanNames, bytes(fields, 5))
        }
        if signal == .logs {
            if let severity = matcher.severityNumber {
                let number = number(2)
                if number == 0 ? !severity.matchesUndefined : number < severity.min { return false }
            }
            let body = EditModel.kind(bytes(fields, 5))
            if let body, body.number == 1, !text(matcher.logBodies, body.bytes) { return false }
            return text(matcher.severityTexts, bytes(fields, 3))
        }
        return true
    }

    private func holds(_ condition: AttributeCondition, _ attributes: [EditModel.Attribute]) -> Bool {
        guard let attribute = attributes.first(where: { $0.key == Array(condition.key.utf8) }) else { return false }
        switch condition.test {
        case .isPresent: return true
        // Values here are encoded as the constants are, and hold no maps with keys in another order.
        case .equals(let constant): return attribute.value == constant.encoded
        case .matches(let expression):
            let text = OracleValue(attribute.value).textBytes
            return unsafe text.withUnsafeBufferPointer { unsafe expression.matches($0) }
        }
    }
}
