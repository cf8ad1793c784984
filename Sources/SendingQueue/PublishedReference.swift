import Synchronization

/// A reference that is set once, and read by many threads without a lock.
///
/// As the standard library's `AtomicLazyReference`, whose `load` is not specialised for its type: it looks up metadata
/// each time, which is much for something that every request reads. Ownership: of the object, until it is freed itself.
@safe struct PublishedReference<Instance: AnyObject & Sendable>: ~Copyable, Sendable {
    private let reference = unsafe Atomic<Unmanaged<Instance>?>(nil)

    /// Nil until `publish`.
    var value: Instance? { unsafe reference.load(ordering: .acquiring)?.takeUnretainedValue() }

    /// Makes `instance` the value. Called once.
    func publish(_ instance: Instance) {
        let former = unsafe reference.exchange(.passRetained(instance), ordering: .acquiringAndReleasing)
        unsafe precondition(former == nil, "published twice")
    }

    deinit {
        unsafe reference.load(ordering: .acquiring)?.release()
    }
}
