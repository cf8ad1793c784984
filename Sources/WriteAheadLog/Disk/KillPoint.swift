import Glibc
import Synchronization

/// Moments at which a test of crashes can have the process killed, exactly there. Nothing of it is in release builds.
///
/// `OTELCOL_KILL_POINT=afterSync:17` kills the process, as SIGKILL does, when it passes `afterSync` for the 17th time.
enum KillPoint: String, CaseIterable {
    /// A group of records: before it is written, between write and sync, after the sync.
    case beforeWrite
    case afterWrite
    case afterSync
    /// The group that was just made durable, and that nobody has been told of, holds a cut; one that was written holds
    /// the end of one.
    case cutWritten
    case doneWritten
    /// A new segment: its checkpoint is written but not synced; it has its name, which is not durable.
    case midCheckpoint
    case segmentNamed
    /// The old segment has no footer yet.
    case beforeSeal
    /// A segment that nobody needs has become a spare.
    case segmentRecycled
    /// A start: the directory is read; what the last process left is sealed.
    case midRecovery
    case lastSealed

    @inline(__always) static func pass(_ point: @autoclosure () -> KillPoint?) {
        #if DEBUG
        if let armed, let point = point() { armed.pass(point) }
        #endif
    }

    #if DEBUG
    private final class Armed: Sendable {
        let point: KillPoint
        let left: Atomic<Int>

        init(_ point: KillPoint, count: Int) {
            self.point = point
            left = Atomic(count)
        }

        func pass(_ passed: KillPoint) {
            guard passed == point, left.subtract(1, ordering: .relaxed).newValue == 0 else { return }
            kill(getpid(), SIGKILL)
        }
    }

    private static let armed: Armed? = {
        guard let text = unsafe getenv("OTELCOL_KILL_POINT").map({ unsafe String(cString: $0) }) else { return nil }
        let parts = text.split(separator: ":")
        guard parts.count == 2, let point = KillPoint(rawValue: String(parts[0])), let count = Int(parts[1]) else {
            preconditionFailure("OTELCOL_KILL_POINT is a point and a count, not \(text)")
        }
        return Armed(point, count: count)
    }()
    #endif
}
