import Glibc

/// Threads for the work of exporters: cutting, reading, encoding, compressing, and calls that block.
///
/// A task executor of its own, so that none of it runs on an event loop or on Swift's cooperative pool. Usually one
/// thread a core. When jobs wait although no thread has taken one for a while, all threads are taken to be blocked in
/// calls, and a thread is added, up to a limit, so that one blocking exporter cannot stop the others; added threads end
/// when idle.
package final class WorkerPool: TaskExecutor {
    private let queue: WorkerQueue

    /// - Parameters:
    ///   - threadCount: threads that always run; at least 1.
    ///   - threadCountMax: with the ones added while others block.
    package init(threadCount: Int = WorkerPool.coreCount, threadCountMax: Int = 64) {
        let count = max(threadCount, 1)
        queue = WorkerQueue(threadCountMax: max(threadCountMax, count))
        for _ in 0..<count { queue.addThread() }
        startThread { [queue] in queue.watch() }
    }

    deinit {
        queue.close()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        unsafe queue.push(WorkerQueue.Item(job: UnownedJob(job), executor: asUnownedTaskExecutor()))
    }

    /// The threads running now.
    package var threadCount: Int { queue.threadCount }

    package static var coreCount: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }
}

/// The jobs that wait, and the threads that take them. Outlives its pool until the last thread has ended.
///
/// Unchecked: all variables are touched only between `monitor.lock()` and `monitor.unlock()`.
private final class WorkerQueue: @unchecked Sendable {
    @safe struct Item {
        let job: UnownedJob
        let executor: UnownedTaskExecutor
    }

    private let monitor = Monitor(conditionCount: 2)
    private let threadCountMax: Int
    /// A FIFO: appended at the end, taken at `head`.
    private var items: [Item] = []
    private var head = 0
    private var threads = 0
    private var idle = 0
    /// Jobs taken so far; stands still when every thread is blocked.
    private var taken = 0
    private var isWatched = false
    private var isClosed = false

    /// The two conditions: a job waits for a thread; more jobs wait than threads are idle.
    private static let jobWaits = 0
    private static let tooFewIdle = 1
    /// How long no job is taken while some wait before a thread is added.
    private static let stallMillis = 20
    /// How long an added thread waits for work before it ends.
    private static let idleMillis = 5000

    init(threadCountMax: Int) { self.threadCountMax = threadCountMax }

    var threadCount: Int {
        monitor.lock()
        defer { monitor.unlock() }
        return threads
    }

    func push(_ item: Item) {
        monitor.lock()
        items.append(item)
        if idle > 0 { monitor.signal(Self.jobWaits) }
        // An idle thread that was called for an earlier job still counts as idle until it wakes.
        if items.count - head > idle, !isWatched {
            isWatched = true
            monitor.signal(Self.tooFewIdle)
        }
        monitor.unlock()
    }

    func close() {
        monitor.lock()
        isClosed = true
        monitor.broadcast(Self.jobWaits)
        monitor.broadcast(Self.tooFewIdle)
        monitor.unlock()
    }

    func addThread(isSpare: Bool = false) {
        monitor.lock()
        threads += 1
        monitor.unlock()
        startThread { [self] in work(isSpare: isSpare) }
    }

    private func work(isSpare: Bool) {
        while let item = take(isSpare: isSpare) {
            unsafe item.job.runSynchronously(on: item.executor)
        }
    }

    private func take(isSpare: Bool) -> Item? {
        monitor.lock()
        defer { monitor.unlock() }
        while head == items.count {
            var isTimedOut = false
            idle += 1
            if !isClosed { isTimedOut = !monitor.wait(Self.jobWaits, millis: isSpare ? Self.idleMillis : nil) }
            idle -= 1
            if isClosed || (isTimedOut && head == items.count) {
                threads -= 1
                return nil
            }
        }
        let item = items[head]
        head += 1
        taken += 1
        if head == items.count || (head > 1024 && head * 2 > items.count) {
            items.removeFirst(head)
            head = 0
        }
        return item
    }

    /// Adds threads while jobs wait and none is taken.
    func watch() {
        monitor.lock()
        while !isClosed {
            guard head < items.count else {
                isWatched = false
                _ = monitor.wait(Self.tooFewIdle, millis: nil)
                continue
            }
            let takenBefore = taken
            monitor.unlock()
            usleep(UInt32(Self.stallMillis * 1000))
            monitor.lock()
            if head < items.count, taken == takenBefore, threads < threadCountMax, !isClosed {
                monitor.unlock()
                addThread(isSpare: true)
                monitor.lock()
            }
        }
        monitor.unlock()
    }
}

/// A POSIX mutex with conditions.
@safe private final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let conditions: UnsafeMutablePointer<pthread_cond_t>
    private let conditionCount: Int

    init(conditionCount: Int) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe conditions = .allocate(capacity: conditionCount)
        self.conditionCount = conditionCount
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        for index in 0..<conditionCount {
            unsafe (conditions + index).initialize(to: pthread_cond_t())
            unsafe pthread_cond_init(conditions + index, nil)
        }
    }

    deinit {
        for index in 0..<conditionCount { unsafe pthread_cond_destroy(conditions + index) }
        unsafe pthread_mutex_destroy(mutex)
        unsafe conditions.deallocate()
        unsafe mutex.deallocate()
    }

    func lock() { unsafe pthread_mutex_lock(mutex) }
    func unlock() { unsafe pthread_mutex_unlock(mutex) }
    func signal(_ index: Int) { unsafe pthread_cond_signal(conditions + index) }
    func broadcast(_ index: Int) { unsafe pthread_cond_broadcast(conditions + index) }

    /// Waits, for `millis` at most. False when the time is over.
    func wait(_ index: Int, millis: Int?) -> Bool {
        guard let millis else { return unsafe pthread_cond_wait(conditions + index, mutex) == 0 }
        var until = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &until)
        let nanos = until.tv_nsec + millis % 1000 * 1_000_000
        until.tv_sec += millis / 1000 + nanos / 1_000_000_000
        until.tv_nsec = nanos % 1_000_000_000
        return unsafe pthread_cond_timedwait(conditions + index, mutex, &until) == 0
    }
}

private final class ThreadBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Runs `body` on a detached thread of its own.
private func startThread(_ body: @escaping @Sendable () -> Void) {
    let argument = unsafe Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    var thread = pthread_t()
    let code = unsafe pthread_create(
        &thread, nil,
        { argument in
            guard let argument = unsafe argument else { return nil }
            unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, argument)
    precondition(code == 0, "cannot create a thread: error \(code)")
    pthread_detach(thread)
}
