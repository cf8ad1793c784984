import Component
import Logging
import OTLP

/// Runs a program of attribute edits over each request: what the `attributes` and `resource` processors are.
///
/// Neighbours in a pipeline become one (`fused`), so that a chain of them walks a request once.
struct EditingProcessor: Processor {
    private let edits: AttributeEdits
    /// One for each processor that went into this one.
    private let counters: [ItemCounters]

    init(_ edits: AttributeEdits, settings: ComponentSettings, signal: Signal) {
        self.init(edits, counters: [ItemCounters(settings, signal: signal)])
        for name in ClientContext.unknownNames(in: edits) {
            settings.logger.warning(
                "from_context names something no receiver provides; its action is skipped",
                metadata: ["from_context": "\(name)"])
        }
    }

    private init(_ edits: AttributeEdits, counters: [ItemCounters]) {
        self.edits = edits
        self.counters = counters
    }

    func process(_ telemetry: inout Telemetry) throws(RefusalError) {
        for counter in counters { counter.incoming.add(telemetry.itemCount) }
        let client = telemetry.client
        do throws(WireError) {
            telemetry.bytes = try edits.apply(to: telemetry.bytes, signal: telemetry.signal) { name in
                ClientContext.value(of: name, in: client).map { AttributeConstant.string($0).encoded }
            }
        } catch {
            throw RefusalError(isRetryable: false, reason: "attributes cannot be edited: \(error)")
        }
        for counter in counters { counter.outgoing.add(telemetry.itemCount) }
    }

    func fused(with next: any Processor) -> (any Processor)? {
        guard let next = next as? EditingProcessor else { return nil }
        return EditingProcessor(edits.followed(by: next.edits), counters: counters + next.counters)
    }
}

/// What `from_context` can name.
enum ClientContext {
    private static let metadataPrefix = "metadata."
    private static let authPrefix = "auth."

    /// `client.address`, or the values of a request header (`metadata.<header>` or just its name), joined by `;`.
    ///
    /// - Returns: nil when the client has no such thing; `auth.…` never is there, since no receiver authenticates
    /// clients.
    static func value(of name: String, in client: ClientInfo?) -> String? {
        guard let client, !name.hasPrefix(authPrefix) else { return nil }
        if name == "client.address" { return client.address }
        let header = name.hasPrefix(metadataPrefix) ? String(name.dropFirst(metadataPrefix.count)) : name
        let values = client.values(of: header)
        return values.isEmpty ? nil : values.joined(separator: ";")
    }

    static func unknownNames(in edits: AttributeEdits) -> [String] {
        edits.stages.flatMap(\.actions).compactMap { action in
            switch action {
            case .insert(_, .context(let name)), .update(_, .context(let name)), .upsert(_, .context(let name)):
                name.hasPrefix(authPrefix) ? name : nil
            default: nil
            }
        }
    }
}
