import Collector

// Before any other thread exists, so that every thread inherits it.
TerminationSignals.block()
await OtelcolCommand.main()
