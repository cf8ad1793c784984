import Component
import SendingQueue
import WriteAheadLog

/// What an operator wants of a storage directory, as `otelcol wal` sends it to a running collector or carries it out
/// itself.
package struct StorageRequest: Sendable, Hashable {
    package enum Operation: String, Sendable, CaseIterable {
        /// The logs of the directory, and a summary of its dead letters.
        case list
        /// One log.
        case showLog = "show-log"
        case showDeadLetters = "show-dead-letters"
        case replay
        case adopt
        case purgeDeadLetters = "purge-dead-letters"
        case purgeConsumer = "purge-consumer"
    }

    package var operation: Operation
    package var log = ""
    /// A consumer of `log`.
    package var consumer = ""
    /// The name that takes over the place of `consumer`.
    package var heir = ""
    /// Restricts dead letters to those of one exporter.
    package var exporter: String?
    /// Restricts dead letters to one batch: 32 hexadecimal digits.
    package var batch: String?
    /// Whether requests are shown, as OTLP/JSON.
    package var withPayload = false
    /// Whether the answer is JSON; else text for people.
    package var isJSON = false

    package init(_ operation: Operation) { self.operation = operation }
}

extension StorageRequest {
    /// One `key=value` a line.
    package var text: String {
        var lines = ["operation=\(operation.rawValue)"]
        func add(_ key: String, _ value: String?) {
            if let value, !value.isEmpty { lines.append("\(key)=\(value)") }
        }
        add("log", log)
        add("consumer", consumer)
        add("heir", heir)
        add("exporter", exporter)
        add("batch", batch)
        add("payload", withPayload ? "true" : nil)
        add("json", isJSON ? "true" : nil)
        return lines.joined(separator: "\n")
    }

    /// - Throws: for what `text` never is.
    package init(text: String) throws(StorageError) {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { throw StorageError("no key and value: \(line)") }
            values[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        guard let name = values.removeValue(forKey: "operation"), let operation = Operation(rawValue: name) else {
            throw StorageError("the collector does not know this operation")
        }
        self.init(operation)
        log = values.removeValue(forKey: "log") ?? ""
        consumer = values.removeValue(forKey: "consumer") ?? ""
        heir = values.removeValue(forKey: "heir") ?? ""
        exporter = values.removeValue(forKey: "exporter")
        batch = values.removeValue(forKey: "batch")
        withPayload = values.removeValue(forKey: "payload") == "true"
        isJSON = values.removeValue(forKey: "json") == "true"
        if let key = values.keys.sorted().first { throw StorageError("the collector does not know the key \(key)") }
    }

    func filter() throws(StorageError) -> DeadLetterFilter {
        var filter = DeadLetterFilter()
        if let exporter {
            let parts = exporter.split(separator: "/", maxSplits: 1).map(String.init)
            guard let type = parts.first else { throw StorageError("\"\(exporter)\" is no exporter's id") }
            filter.exporter = ComponentID(type: type, name: parts.count > 1 ? parts[1] : "")
        }
        if let batch {
            guard batch.utf8.count == 32, let high = UInt64(batch.prefix(16), radix: 16),
                let low = UInt64(batch.suffix(16), radix: 16)
            else { throw StorageError("\"\(batch)\" is no batch id: 32 hexadecimal digits are") }
            filter.batchID = BatchID(high: high, low: low)
        }
        return filter
    }
}

/// Why an operator's request was not carried out.
package struct StorageError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
