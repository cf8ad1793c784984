import Component
import SendingQueue
import Synchronization
import WriteAheadLog

/// The gauges of a pipeline's log: its size, its room, its faults, and the age of what waits.
enum LogMetrics {
    private struct Gauge: Sendable {
        var name: String
        var help: String
        var kind = MetricKind.gauge
        var value: @Sendable (LogStatus) -> Int?
    }

    private static let gauges: [Gauge] = [
        Gauge(name: "records", help: "Records in the log.") { $0.records },
        Gauge(name: "bytes", help: "Bytes of the log: payload in memory, segment files in use on disk.") { $0.bytes },
        Gauge(name: "room_bytes", help: "Bytes that can be appended before the log is full.") { $0.roomBytes },
        Gauge(name: "fault", help: "1 while the log takes no records.") { $0.fault == nil ? 0 : 1 },
        Gauge(name: "refused_items", help: "Items that the log refused.", kind: .counter) { $0.refusedItems },
    ]

    private static let diskGauges: [Gauge] = [
        Gauge(name: "file_bytes", help: "Bytes of all files of the log.") { $0.fileBytes },
        Gauge(name: "spare_bytes", help: "Bytes of files kept for the next segments, with the reserve.") {
            $0.fileBytes - $0.bytes
        },
        Gauge(name: "reserve_bytes", help: "Bytes of files that only control records use, so that a full disk drains.")
        {
            $0.reserveBytes
        },
        Gauge(name: "quarantined_files", help: "Files in quarantine/: what could not be read.") { $0.quarantinedFiles },
        Gauge(name: "quarantined_bytes", help: "Bytes of the files in quarantine/.") { $0.quarantinedBytes },
        Gauge(name: "capacity_bytes", help: "Bytes that the files of the log may take.") { $0.capacityBytes },
        Gauge(name: "corrupt_records", help: "Records that could not be read back.", kind: .counter) {
            $0.corruptRecords
        },
        Gauge(name: "corrupt_items", help: "Items that could not be read back.", kind: .counter) { $0.corruptItems },
        Gauge(name: "evicted_items", help: "Items dropped to make room.", kind: .counter) { $0.evictedItems },
        Gauge(name: "expired_items", help: "Items dropped for their age.", kind: .counter) { $0.expiredItems },
    ]

    static func register(_ sender: PipelineSender, isOnDisk: Bool, in registry: MetricRegistry) {
        let labels: MetricLabels = ["pipeline": sender.pipeline, "storage": isOnDisk ? "disk" : "memory"]
        for gauge in isOnDisk ? gauges + diskGauges : gauges {
            registry.observe("otelcol_swift_log_\(gauge.name)", help: gauge.help, kind: gauge.kind, labels: labels) {
                [weak sender] in (sender?.log.status).flatMap(gauge.value).map(Double.init)
            }
        }
        if isOnDisk {
            registry.observe(
                "otelcol_swift_log_lost_items",
                help: "Items that an exporter was owed and will not get, since its log was made, by reason.",
                kind: .counter, owner: ["pipeline": sender.pipeline]
            ) { [weak sender] in losses(of: sender?.log as? DiskLog, pipeline: sender?.pipeline ?? "") }
        }
        let growth = Mutex(GrowthEstimate())
        registry.observe(
            "otelcol_swift_log_full_seconds",
            help: "Time until the log is full at the rate at which it grew lately. Absent while it does not grow.",
            kind: .gauge, labels: labels
        ) { [weak sender] in
            guard let sender, let room = sender.log.status.roomBytes else { return nil }
            let held = sender.states.map(\.backlog.waitingBytes).max() ?? 0
            return growth.withLock { $0.secondsToFull(room: room, held: held, now: WallClock.unixNanos) }
        }
        registry.observe(
            "otelcol_swift_exporter_oldest_item_age_seconds",
            help: "Age of the oldest item that the exporter has not delivered.", kind: .gauge,
            owner: ["pipeline": sender.pipeline]
        ) { [weak sender] in ages(sender?.states ?? [], now: WallClock.unixNanos) }
    }

    /// From the log's own books, which restarts do not reset.
    private static func losses(of log: DiskLog?, pipeline: String) -> [MetricSample] {
        (log?.consumers ?? []).filter(\.isDurable).flatMap { consumer in
            let losses = [
                ("evicted", consumer.evictedItems), ("expired", consumer.expiredItems),
                ("corrupt", consumer.lostItems), ("dropped", consumer.totals.dropped),
            ]
            return losses.map { reason, count in
                MetricSample(
                    labels: ["pipeline": pipeline, "exporter": consumer.name, "reason": reason],
                    value: .number(Double(count)))
            }
        }
    }

    private static func ages(_ states: [ExporterState], now: UInt64) -> [MetricSample] {
        states.map { state in
            let age = state.backlog.oldestReceivedAtUnixNanos.map { Double(now - min($0, now)) / 1e9 } ?? 0
            return MetricSample(
                labels: ["pipeline": state.pipeline, "exporter": "\(state.exporter)"], value: .number(age))
        }
    }
}

/// How fast a backlog grows, from readings at irregular times: the average over about a minute.
struct GrowthEstimate: Sendable {
    private static let windowSeconds = 60.0

    private var last: (held: Int, at: UInt64)?
    private var bytesPerSecond = 0.0

    /// Takes note of a reading. Nil while the backlog does not grow.
    mutating func secondsToFull(room: Int, held: Int, now: UInt64) -> Double? {
        if let last, now > last.at {
            let seconds = Double(now - last.at) / 1e9
            let weight = min(seconds / Self.windowSeconds, 1)
            bytesPerSecond += weight * (Double(held - last.held) / seconds - bytesPerSecond)
        }
        last = (held, now)
        return bytesPerSecond >= 1 ? Double(room) / bytesPerSecond : nil
    }
}
