/// 128 bits of CityHash.
package struct CityHash128Value: Sendable, Hashable {
    package var low: UInt64
    package var high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}

/// CityHash128 in version 1.0.2, which ClickHouse's compressed frames carry (later versions give other values).
///
/// Complexity: O(count), no allocation.
package func cityHash128(_ bytes: UnsafeRawBufferPointer) -> CityHash128Value {
    guard let start = bytes.baseAddress else { return seededMurmur(nil, 0, seed: (k0, k1)) }
    let count = bytes.count
    if count >= 16 {
        return unsafe seeded(start + 16, count - 16, seed: (load(start) ^ k3, load(start + 8)))
    }
    if count >= 8 {
        return unsafe seededMurmur(
            nil, 0, seed: (load(start) ^ (UInt64(count) &* k0), load(start + count - 8) ^ k1))
    }
    return unsafe seededMurmur(start, count, seed: (k0, k1))
}

private let k0: UInt64 = 0xc3a5_c85c_97cb_3127
private let k1: UInt64 = 0xb492_b66f_be98_f273
private let k2: UInt64 = 0x9ae1_6a3b_2f90_404f
private let k3: UInt64 = 0xc949_d7c7_509e_6557
private let multiplier: UInt64 = 0x9ddf_ea08_eb38_2d69

@inline(__always)
private func load(_ pointer: UnsafeRawPointer) -> UInt64 {
    unsafe UInt64(littleEndian: pointer.loadUnaligned(as: UInt64.self))
}

@inline(__always)
private func load32(_ pointer: UnsafeRawPointer) -> UInt64 {
    unsafe UInt64(UInt32(littleEndian: pointer.loadUnaligned(as: UInt32.self)))
}

@inline(__always)
private func rotateRight(_ value: UInt64, _ count: UInt64) -> UInt64 {
    count & 63 == 0 ? value : (value &>> (count & 63)) | (value &<< (64 - (count & 63)))
}

@inline(__always)
private func mix(_ value: UInt64) -> UInt64 { value ^ (value &>> 47) }

@inline(__always)
private func hash16(_ u: UInt64, _ v: UInt64) -> UInt64 {
    let a = mix((u ^ v) &* multiplier)
    return mix((v ^ a) &* multiplier) &* multiplier
}

private func hashUpTo16(_ start: UnsafeRawPointer?, _ count: Int) -> UInt64 {
    guard let start = unsafe start, count > 0 else { return k2 }
    let length = UInt64(count)
    if count > 8 {
        let a = unsafe load(start)
        let b = unsafe load(start + count - 8)
        return hash16(a, rotateRight(b &+ length, length)) ^ b
    }
    if count >= 4 {
        return unsafe hash16(length &+ (load32(start) &<< 3), load32(start + count - 4))
    }
    let first = unsafe UInt32(start.load(as: UInt8.self))
    let middle = unsafe UInt32(start.load(fromByteOffset: count / 2, as: UInt8.self))
    let last = unsafe UInt32(start.load(fromByteOffset: count - 1, as: UInt8.self))
    let y = UInt64(first &+ (middle &<< 8))
    let z = UInt64(UInt32(count) &+ (last &<< 2))
    return mix((y &* k2) ^ (z &* k3)) &* k2
}

/// Two 64-bit seeds grow by 32 bytes.
@inline(__always)
private func weak(_ pointer: UnsafeRawPointer, _ a: UInt64, _ b: UInt64) -> (UInt64, UInt64) {
    let z = unsafe load(pointer + 24)
    let a = unsafe a &+ load(pointer)
    let b = rotateRight(b &+ a &+ z, 21)
    let sum = unsafe a &+ load(pointer + 8) &+ load(pointer + 16)
    return (sum &+ z, b &+ rotateRight(sum, 44) &+ a)
}

/// The form for fewer than 128 bytes.
private func seededMurmur(_ start: UnsafeRawPointer?, _ count: Int, seed: (UInt64, UInt64)) -> CityHash128Value {
    var (a, b) = seed
    var c: UInt64
    var d: UInt64
    if count <= 16 {
        a = mix(a &* k1) &* k1
        c = unsafe b &* k1 &+ hashUpTo16(start, count)
        let added: UInt64
        if let start = unsafe start, count >= 8 { added = unsafe load(start) } else { added = c }
        d = mix(a &+ added)
    } else {
        guard var next = unsafe start else { preconditionFailure("bytes without an address") }
        c = unsafe hash16(load(next + count - 8) &+ k1, a)
        d = unsafe hash16(b &+ UInt64(count), c &+ load(next + count - 16))
        a = a &+ d
        var remaining = count - 16
        repeat {
            a ^= unsafe mix(load(next) &* k1) &* k1
            a = a &* k1
            b ^= a
            c ^= unsafe mix(load(next + 8) &* k1) &* k1
            c = c &* k1
            d ^= c
            unsafe next += 16
            remaining -= 16
        } while remaining > 0
    }
    a = hash16(a, c)
    b = hash16(d, b)
    return CityHash128Value(low: a ^ b, high: hash16(b, a))
}

private func seeded(_ start: UnsafeRawPointer, _ count: Int, seed: (UInt64, UInt64)) -> CityHash128Value {
    guard count >= 128 else { return unsafe seededMurmur(start, count, seed: seed) }
    var next = unsafe start
    var (x, y) = seed
    var z = UInt64(count) &* k1
    var v: (UInt64, UInt64)
    v.0 = unsafe rotateRight(y ^ k1, 49) &* k1 &+ load(next)
    v.1 = unsafe rotateRight(v.0, 42) &* k1 &+ load(next + 8)
    var w: (UInt64, UInt64)
    w.0 = rotateRight(y &+ z, 35) &* k1 &+ x
    w.1 = unsafe rotateRight(x &+ load(next + 88), 53) &* k1
    var remaining = count
    repeat {
        for _ in 0..<2 {
            x = unsafe rotateRight(x &+ y &+ v.0 &+ load(next + 16), 37) &* k1
            y = unsafe rotateRight(y &+ v.1 &+ load(next + 48), 42) &* k1
            x ^= w.1
            y ^= v.0
            z = rotateRight(z ^ w.0, 33)
            v = unsafe weak(next, v.1 &* k1, x &+ w.0)
            w = unsafe weak(next + 32, z &+ w.1, y)
            (z, x) = (x, z)
            unsafe next += 64
        }
        remaining -= 128
    } while remaining >= 128
    y = y &+ rotateRight(w.0, 37) &* k0 &+ z
    x = x &+ rotateRight(v.0 &+ z, 49) &* k0
    // The tail is hashed from its end, in 32-byte steps that may reach back before it.
    let end = unsafe next + remaining
    var done = 0
    while done < remaining {
        done += 32
        let p = unsafe end - done
        y = rotateRight(y &- x, 42) &* k0 &+ v.1
        w.0 = unsafe w.0 &+ load(p + 16)
        x = rotateRight(x, 49) &* k0 &+ w.0
        w.0 = w.0 &+ v.0
        v = unsafe weak(p, v.0, v.1)
    }
    x = hash16(x, v.0)
    y = hash16(y, w.0)
    return CityHash128Value(low: hash16(x &+ v.1, w.1) &+ y, high: hash16(x &+ w.1, y &+ v.1))
}
