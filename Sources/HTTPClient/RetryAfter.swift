import Glibc

/// Reads a Retry-After header: seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`. Nil when it is neither.
package func retryAfter(_ text: String, nowUnixSeconds: Int) -> Duration? {
    if let seconds = Int32(text) { return seconds >= 0 ? .seconds(seconds) : nil }
    let parts = text.split(whereSeparator: { " ,:".contains($0) })
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])) else { return nil }
    let numbers = [parts[1], parts[3], parts[4], parts[5], parts[6]].map { Int32($0) }
    guard let day = numbers[0], let year = numbers[1], let hour = numbers[2], let minute = numbers[3],
        let second = numbers[4], (1...31).contains(day), (1970...9999).contains(year), (0...23).contains(hour),
        (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    var date = unsafe tm()
    unsafe date.tm_year = year - 1900
    unsafe date.tm_mon = Int32(month)
    unsafe date.tm_mday = day
    unsafe date.tm_hour = hour
    unsafe date.tm_min = minute
    unsafe date.tm_sec = second
    return .seconds(max(0, unsafe timegm(&date) - nowUnixSeconds))
}
