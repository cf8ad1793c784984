import Glibc
import Synchronization
import Testing

@testable import SendingQueue

/// Work runs on the pool's own threads, few of them, and calls that block do not stop the others.
@Suite(.timeLimit(.minutes(30))) struct WorkerPoolTests {
    @Test("tasks and their children run on the pool, resumed after every suspension")
    func runs() async {
        let pool = WorkerPool(threadCount: 2)
        let sum = await Task(executorPreference: pool) {
            await withTaskGroup(of: Int.self) { group in
                for value in 0..<200 {
                    group.addTask {
                        await Task.yield()
                        return value
                    }
                }
                return await group.reduce(0, +)
            }
        }.value
        #expect(sum == 19_900)
        #expect(pool.threadCount >= 2)
    }

    @Test("with every thread blocked in a call a thread is added, up to the limit")
    func blocked() async {
        let pool = WorkerPool(threadCount: 1, threadCountMax: 3)
        let blocked = Blocker()
        let blockers = (0..<2).map { _ in Task(executorPreference: pool) { blocked.wait() } }
        while blocked.waiting < 2 { await Task.yield() }
        await Task(executorPreference: pool) {}.value
        #expect(pool.threadCount == 3)
        blocked.open()
        for task in blockers { await task.value }
    }
}

/// Blocks the threads that wait, as a blocking call does.
private final class Blocker: Sendable {
    private let isOpen = Atomic(false)
    private let waitingCount = Atomic(0)

    /// Threads that have come to wait.
    var waiting: Int { waitingCount.load(ordering: .acquiring) }

    func wait() {
        waitingCount.add(1, ordering: .acquiringAndReleasing)
        while !isOpen.load(ordering: .acquiring) { sched_yield() }
    }

    func open() { isOpen.store(true, ordering: .releasing) }
}
