/// How a `DiskLog` keeps its records.
package struct DiskLogConfiguration: Sendable {
    /// Holds the log's files and nothing else; made when it is not there.
    package var directory: String
    /// The most bytes of a segment file, at least 16 KiB. At most a quarter of `bytesMax`. A log begins with smaller ones.
    package var segmentBytes: Int
    /// Whether an acknowledgement waits until the record is on the device; else until the operating system has it.
    package var fsync: Bool
    /// Bytes that all files of the log may take; nil: no limit of its own.
    package var bytesMax: Int?
    /// Free bytes of the file system below which no segment is added.
    package var freeBytesMin: Int
    /// What happens when there is no room: appends are refused, or the oldest records are dropped, whoever needs them.
    package var onFull: OnFull
    /// How long records are kept at most, counted from their receive time, in whole segments; nil: until all consumers
    /// are done with them.
    package var retention: Duration?
    /// Payload bytes kept in memory for the consumers that keep up.
    package var tailBytesMax: Int
    /// What the tails of several logs may hold together; nil: each log minds only its own limit.
    package var tailBudget: TailBudget?
    /// Segments kept for their next use when they are no longer needed.
    package var spareSegments: Int
    /// How long to wait for another process to let go of the log.
    package var lockTimeout: Duration
    package var directoryPermissions: UInt32

    package enum OnFull: String, Sendable, Hashable, CaseIterable {
        case refuse
        case evictOldest = "evict_oldest"
    }

    package init(
        directory: String, segmentBytes: Int = 32 << 20, fsync: Bool = true, bytesMax: Int? = nil,
        freeBytesMin: Int = 0, onFull: OnFull = .refuse, retention: Duration? = nil, tailBytesMax: Int = 32 << 20,
        tailBudget: TailBudget? = nil, spareSegments: Int = 2,
        lockTimeout: Duration = .zero, directoryPermissions: UInt32 = 0o750
    ) {
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.fsync = fsync
        self.bytesMax = bytesMax
        self.freeBytesMin = freeBytesMin
        self.onFull = onFull
        self.retention = retention
        self.tailBytesMax = tailBytesMax
        self.tailBudget = tailBudget
        self.spareSegments = spareSegments
        self.lockTimeout = lockTimeout
        self.directoryPermissions = directoryPermissions
    }

    /// A multiple of 4 KiB in the allowed range.
    var effectiveSegmentBytes: Int {
        let wished = min(segmentBytes, (bytesMax ?? .max) / 4, 1 << 30)
        return max(wished / 4096 * 4096, 16 << 10)
    }

    /// Bytes of the first segments of an opening: what little traffic takes.
    var firstSegmentBytes: Int { min(effectiveSegmentBytes, 1 << 20) }

    /// Bytes of each of the two segments that only control records may use, so that a full disk drains.
    var reserveBytes: Int { min(effectiveSegmentBytes, 4 << 20) }

    /// The largest payload: one that no usual segment holds gets a segment of its own size.
    var recordBytesMax: Int { min(4 * effectiveSegmentBytes, 1 << 30) }
}

/// What happened inside a log that its owner should report or count. Called from the log's own thread, without its
/// lock.
package enum DiskLogEvent: Sendable {
    /// A group of records was committed.
    case committed(latencyNanos: UInt64, records: Int, bytes: Int)
    /// Stored bytes could not be read back; they were set aside in `quarantine/`.
    case damaged(file: String, records: Int, items: Int)
    /// Appends fail from now on.
    case faulted(LogError)
    /// Appends are taken again.
    case recovered
    /// Items of a consumer were dropped, to make room or because they were too old.
    case dropped(consumer: String, items: Int, GiveWayReason)
}

/// Why the log took items from a consumer that was not done with them.
package enum GiveWayReason: Sendable, Hashable {
    /// Their room was needed.
    case evicted
    /// They were older than the log keeps records.
    case expired
}
