import Glibc

/// The time of day.
package enum WallClock {
    /// Nanoseconds since 1970.
    package static var unixNanos: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}

/// A moment as people write it.
package struct CivilTime: Sendable, Hashable {
    package let year: Int
    /// From 1.
    package let month: Int
    /// From 1.
    package let day: Int
    package let hour: Int
    package let minute: Int
    package let second: Int
    package let nanosecond: Int
    /// Seconds east of Greenwich.
    package let offsetSeconds: Int

    /// - Parameter inLocalZone: in the zone that TZ or the system sets, else in UTC.
    package init(unixNanos: UInt64, inLocalZone: Bool = false) {
        self.init(
            unixSeconds: Int(unixNanos / 1_000_000_000), nanosecond: Int(unixNanos % 1_000_000_000),
            inLocalZone: inLocalZone)
    }

    /// - Parameters:
    ///   - unixSeconds: before 1970 if negative.
    ///   - nanosecond: what follows the second, below a billion.
    package init(unixSeconds: Int, nanosecond: Int, inLocalZone: Bool = false) {
        var seconds: time_t = unixSeconds
        var parts = unsafe tm()
        if inLocalZone {
            unsafe localtime_r(&seconds, &parts)
        } else {
            unsafe gmtime_r(&seconds, &parts)
        }
        year = unsafe Int(parts.tm_year) + 1900
        month = unsafe Int(parts.tm_mon) + 1
        day = unsafe Int(parts.tm_mday)
        hour = unsafe Int(parts.tm_hour)
        minute = unsafe Int(parts.tm_min)
        second = unsafe Int(parts.tm_sec)
        self.nanosecond = nanosecond
        offsetSeconds = unsafe Int(parts.tm_gmtoff)
    }

    /// `2024-12-16`
    package var date: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    /// `10:00:00`
    package var timeOfDay: String { "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))" }

    /// `2024-12-16T10:00:00.123456789Z`, for a moment in UTC.
    package var rfc3339: String { "\(date)T\(timeOfDay).\(padded(nanosecond, 9))Z" }
}

/// `value` with zeros in front, to `width` digits.
package func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
