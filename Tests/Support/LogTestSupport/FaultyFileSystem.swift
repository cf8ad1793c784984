import Synchronization
package import WriteAheadLog

/// Files in memory that behave like a disk: what was not synced may be lost, torn or reordered when the power fails,
/// and operations fail when they are told to. Everything random comes from the seed.
///
/// A write is in the "page cache" at once: reads see it. `powerFailure` decides, for each write since the file's last
/// sync and each sector of 512 bytes in it, whether it reached the device; and for each directory how many of the
/// creations, renames and removals since its last sync did, in order.
package final class FaultyFileSystem: FileSystem {
    /// What fails from now on.
    package struct Faults: Sendable {
        /// Each write fails once in so many times; 0: never.
        package var writeErrorOneIn = 0
        package var syncErrorOneIn = 0
        /// Writes take fewer bytes than offered once in so many times.
        package var shortWriteOneIn = 0
        /// The next sync fails, and drops what it should have made durable.
        package var failNextSync = false
        /// Every operation fails with EIO.
        package var isDead = false
        /// Every change fails with EROFS.
        package var isReadOnly = false
        /// Bytes that all files together may take.
        package var capacity = Int.max

        package init() {}
    }

    struct Write {
        var offset: Int
        var bytes: [UInt8]
    }

    struct Node {
        var durable: [UInt8] = []
        var cached: [UInt8] = []
        var writes: [Write] = []
        var sizes: [Int] = []
        var isLocked = false
    }

    enum Change {
        case add(String, Int)
        case remove(String)
        case rename(String, String)
    }

    struct State {
        var random: LogRandom
        var faults = Faults()
        var nodes: [Int: Node] = [:]
        var nextNode = 0
        var durableNames: [String: Int] = [:]
        var names: [String: Int] = [:]
        var changes: [Change] = []
        var directories: Set<String> = []
        /// Grows with each power failure: files opened before one are of no use after it.
        var generation = 0
        var operations = 0
        var syncs = 0
        /// The power fails in the middle of this operation.
        var failsAtOperation: Int?
    }

    let state: Mutex<State>

    package init(seed: UInt64) { state = Mutex(State(random: LogRandom(seed: seed))) }

    package func setFaults(_ change: (inout Faults) -> Void) { state.withLock { change(&$0.faults) } }

    package var operationCount: Int { state.withLock { $0.operations } }
    package var syncCount: Int { state.withLock { $0.syncs } }

    /// From the `count`th operation from now on everything fails, as if the machine had stopped.
    package func stop(afterOperations count: Int) {
        state.withLock { $0.failsAtOperation = $0.operations + count }
    }

    /// The process is gone, and with it its locks; the operating system still has all it wrote.
    package func processDeath() {
        state.withLock { state in
            state.generation += 1
            state.restart()
        }
    }

    /// The machine loses power and starts again.
    package func powerFailure() {
        state.withLock { state in
            state.generation += 1
            let kept = state.changes.isEmpty ? 0 : state.random.int(0..<state.changes.count + 1)
            for change in state.changes.prefix(kept) { FaultyFileSystem.apply(change, to: &state.durableNames) }
            state.names = state.durableNames
            state.changes = []
            for number in state.nodes.keys.sorted() {
                var random = state.random
                state.nodes[number]!.losePower(&random)
                state.random = random
            }
            state.restart()
        }
    }

    static func apply(_ change: Change, to names: inout [String: Int]) {
        switch change {
        case .add(let path, let node): names[path] = node
        case .remove(let path): names[path] = nil
        case .rename(let from, let to): names[to] = names.removeValue(forKey: from)
        }
    }

    // MARK: FileSystem

    package func open(_ path: String, _ access: FileAccess) throws(FileSystemError) -> any OpenFile {
        let (node, generation) = try operation("open", path, changes: access == .create) {
            (state) throws(FileSystemError) in
            if let node = state.names[path] { return (node, state.generation) }
            guard access == .create, state.directories.contains(parent(path)) else {
                throw FileSystemError(number: 2, operation: "open", path: path)
            }
            let node = state.nextNode
            state.nextNode += 1
            state.nodes[node] = Node()
            state.change(.add(path, node))
            return (node, state.generation)
        }
        return FaultyFile(self, node, path, generation)
    }

    package func rename(_ path: String, to newPath: String) throws(FileSystemError) {
        try operation("rename", path, changes: true) { (state) throws(FileSystemError) in
            guard state.names[path] != nil else { throw FileSystemError(number: 2, operation: "rename", path: path) }
            state.change(.rename(path, newPath))
        }
    }

    package func remove(_ path: String) throws(FileSystemError) {
        try operation("unlink", path, changes: true) { (state) throws(FileSystemError) in
            guard state.names[path] != nil else { throw FileSystemError(number: 2, operation: "unlink", path: path) }
            state.change(.remove(path))
        }
    }

    package func list(_ directory: String) throws(FileSystemError) -> [String] {
        try operation("opendir", directory) { (state) throws(FileSystemError) in
            guard state.directories.contains(directory) else {
                throw FileSystemError(number: 2, operation: "opendir", path: directory)
            }
            return state.names.keys.filter { parent($0) == directory }.map { String($0.dropFirst(directory.count + 1)) }
        }
    }

    package func makeDirectory(_ path: String, permissions: UInt32) throws(FileSystemError) {
        try operation("mkdir", path) { (state) throws(FileSystemError) in
            if state.directories.contains(path) { return }
            if state.faults.isReadOnly { throw FileSystemError(number: 30, operation: "mkdir", path: path) }
            state.directories.insert(path)
        }
    }

    package func synchronizeDirectory(_ path: String) throws(FileSystemError) {
        try operation("fsync", path) { (state) throws(FileSystemError) in
            guard state.directories.contains(path) else {
                throw FileSystemError(number: 2, operation: "fsync", path: path)
            }
            try state.failSyncAtRandom(path)
            state.durableNames = state.names
            state.changes = []
        }
    }

    package func availableBytes(_ path: String) throws(FileSystemError) -> Int {
        try operation("statvfs", path) { state in
            state.faults.capacity == .max ? 1 << 50 : max(0, state.faults.capacity - state.usedBytes)
        }
    }

    // MARK: Test access

    package var paths: [String] { state.withLock { $0.names.keys.sorted() } }

    package func contents(_ path: String) -> [UInt8]? {
        state.withLock { state in state.names[path].flatMap { state.nodes[$0]?.cached } }
    }

    /// Replaces a file's bytes behind everybody's back, durably.
    package func setContents(_ path: String, _ bytes: [UInt8]?) {
        state.withLock { state in
            guard let bytes else {
                state.names[path] = nil
                state.durableNames[path] = nil
                return
            }
            var node = Node()
            node.cached = bytes
            node.durable = bytes
            state.nodes[state.nextNode] = node
            state.names[path] = state.nextNode
            state.durableNames[path] = state.nextNode
            state.nextNode += 1
        }
    }

    /// Removes a directory and all in it, as `rm -rf` does.
    package func removeTree(_ directory: String) {
        state.withLock { state in
            for path in state.names.keys where path.hasPrefix(directory + "/") {
                state.names[path] = nil
                state.durableNames[path] = nil
            }
            state.directories = state.directories.filter { $0 != directory && !$0.hasPrefix(directory + "/") }
        }
    }

    /// A copy of all durable and cached files, with other faults to come.
    package func copy(seed: UInt64) -> FaultyFileSystem {
        let copy = FaultyFileSystem(seed: seed)
        state.withLock { state in
            copy.state.withLock { other in
                let random = other.random
                other = state
                other.random = random
                other.restart()
            }
        }
        return copy
    }

    func operation<Result: Sendable>(
        _ name: String, _ path: String, changes: Bool = false,
        _ body: (inout State) throws(FileSystemError) -> Result
    ) throws(FileSystemError) -> Result {
        try state.withLock { (state) throws(FileSystemError) in
            state.operations += 1
            if let limit = state.failsAtOperation, state.operations > limit { state.faults.isDead = true }
            if state.faults.isDead { throw FileSystemError(number: 5, operation: name, path: path) }
            if changes, state.faults.isReadOnly { throw FileSystemError(number: 30, operation: name, path: path) }
            return try body(&state)
        }
    }
}

extension FaultyFileSystem.State {
    var usedBytes: Int { names.values.reduce(0) { $0 + (nodes[$1]?.cached.count ?? 0) } }

    mutating func change(_ change: FaultyFileSystem.Change) {
        changes.append(change)
        FaultyFileSystem.apply(change, to: &names)
    }

    mutating func failSyncAtRandom(_ path: String) throws(FileSystemError) {
        syncs += 1
        if faults.failNextSync || (faults.syncErrorOneIn > 0 && random.oneIn(faults.syncErrorOneIn)) {
            faults.failNextSync = false
            throw FileSystemError(number: 5, operation: "fdatasync", path: path)
        }
    }

    mutating func restart() {
        faults = FaultyFileSystem.Faults()
        failsAtOperation = nil
        for number in nodes.keys { nodes[number]!.isLocked = false }
    }
}

extension FaultyFileSystem.Node {
    mutating func write(_ bytes: ArraySlice<UInt8>, at offset: Int) {
        if cached.count < offset + bytes.count {
            cached.append(contentsOf: [UInt8](repeating: 0, count: offset + bytes.count - cached.count))
        }
        cached.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        writes.append(FaultyFileSystem.Write(offset: offset, bytes: Array(bytes)))
    }

    mutating func resize(to count: Int) {
        if count < cached.count {
            cached.removeLast(cached.count - count)
        } else {
            cached.append(contentsOf: [UInt8](repeating: 0, count: count - cached.count))
        }
    }

    mutating func sync() {
        durable = cached
        writes = []
    }

    /// What the device has after a power failure: each unsynced sector, or not, in any order.
    mutating func losePower(_ random: inout LogRandom) {
        if durable.count != cached.count, random.oneIn(2) {
            let size = cached.count
            if size < durable.count {
                durable.removeLast(durable.count - size)
            } else {
                durable.append(contentsOf: [UInt8](repeating: 0, count: size - durable.count))
            }
        }
        let losesAll = random.oneIn(4)
        for write in writes where !losesAll {
            var start = 0
            while start < write.bytes.count {
                let end = min(write.bytes.count, ((write.offset + start) / 512 + 1) * 512 - write.offset)
                if !random.oneIn(3), write.offset + end <= durable.count {
                    durable.replaceSubrange(write.offset + start..<write.offset + end, with: write.bytes[start..<end])
                }
                start = end
            }
        }
        cached = durable
        writes = []
    }
}

private func parent(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
}

/// An open file of a `FaultyFileSystem`.
private final class FaultyFile: OpenFile {
    let system: FaultyFileSystem
    let node: Int
    let path: String
    let generation: Int
    let holdsLock = Mutex(false)

    init(_ system: FaultyFileSystem, _ node: Int, _ path: String, _ generation: Int) {
        self.system = system
        self.node = node
        self.path = path
        self.generation = generation
    }

    deinit {
        let held = holdsLock.withLock { $0 }
        guard held else { return }
        system.state.withLock { state in
            if state.generation == generation { state.nodes[node]?.isLocked = false }
        }
    }

    private func access<Result: Sendable>(
        _ name: String, changes: Bool = false,
        _ body: (inout FaultyFileSystem.State) throws(FileSystemError) -> Result
    ) throws(FileSystemError) -> Result {
        try system.operation(name, path, changes: changes) { (state) throws(FileSystemError) in
            guard state.generation == generation else { throw FileSystemError(number: 5, operation: name, path: path) }
            return try body(&state)
        }
    }

    func read(into buffer: inout [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int {
        let bytes = try access("pread") { (state) throws(FileSystemError) in
            let cached = state.nodes[node]!.cached
            let start = min(offset, cached.count)
            return Array(cached[start..<min(start + range.count, cached.count)])
        }
        buffer.replaceSubrange(range.lowerBound..<range.lowerBound + bytes.count, with: bytes)
        return bytes.count
    }

    func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int {
        try access("pwrite", changes: true) { (state) throws(FileSystemError) in
            let faults = state.faults
            if faults.writeErrorOneIn > 0, state.random.oneIn(faults.writeErrorOneIn) {
                throw FileSystemError(number: 5, operation: "pwrite", path: path)
            }
            var count = range.count
            if count > 1, faults.shortWriteOneIn > 0, state.random.oneIn(faults.shortWriteOneIn) {
                count = state.random.int(1..<count)
            }
            let growth = max(0, offset + count - state.nodes[node]!.cached.count)
            if growth > 0, faults.capacity != .max, state.usedBytes + growth > faults.capacity {
                throw FileSystemError(number: 28, operation: "pwrite", path: path)
            }
            state.nodes[node]!.write(bytes[range.lowerBound..<range.lowerBound + count], at: offset)
            return count
        }
    }

    func synchronize() throws(FileSystemError) {
        try access("fdatasync") { (state) throws(FileSystemError) in
            do throws(FileSystemError) {
                try state.failSyncAtRandom(path)
            } catch {
                // As Linux does: the pages are marked clean, and a second sync would succeed without them.
                state.nodes[node]!.writes = []
                throw error
            }
            state.nodes[node]!.sync()
        }
    }

    func truncate(to byteCount: Int) throws(FileSystemError) {
        try access("ftruncate", changes: true) { state in state.nodes[node]!.resize(to: byteCount) }
    }

    func allocate(_ byteCount: Int) throws(FileSystemError) {
        try access("fallocate", changes: true) { (state) throws(FileSystemError) in
            let growth = byteCount - state.nodes[node]!.cached.count
            if growth <= 0 { return }
            if state.faults.capacity != .max, state.usedBytes + growth > state.faults.capacity {
                throw FileSystemError(number: 28, operation: "fallocate", path: path)
            }
            state.nodes[node]!.resize(to: byteCount)
        }
    }

    func byteCount() throws(FileSystemError) -> Int {
        try access("fstat") { state in state.nodes[node]!.cached.count }
    }

    func isLinked() throws(FileSystemError) -> Bool {
        try access("fstat") { state in state.names.values.contains(node) }
    }

    func lock() throws(FileSystemError) -> Bool {
        let taken = try access("flock") { state in
            if state.nodes[node]!.isLocked { return false }
            state.nodes[node]!.isLocked = true
            return true
        }
        if taken { holdsLock.withLock { $0 = true } }
        return taken
    }
}
