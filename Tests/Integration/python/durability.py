"""What must hold when something breaks, tried on the real otelcol: nothing acknowledged is lost, and all is accounted for.

usage: durability.py BINARY SCENARIO [--spans N]     SCENARIO: one of the functions below that end in a scenario's name

Each scenario starts otelcol with backends of its own, breaks something, repairs it, and checks that every acknowledged span
has arrived and that the ledger balances. Prints its figures; exits 0 when all held, 1 with the reason when not.
Scenarios that need a file system of their own (root) mount one under a temporary directory.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from collector import Clients, Collector, arrives, free_ports, require, send, wait_until
from otlp_sink import Sink

# Scenarios


def outage(binary, directory, spans):
    """One exporter lives, one with storage is down for the whole run and comes back, one is down for ever."""
    live, durable = Sink(capacity=spans).up(), Sink(port=free_ports(1)[0], capacity=spans)
    dead = free_ports(1)[0]
    collector = Collector(
        binary, directory, [("durable", durable.port, True), ("live", live.port, False), ("dead", dead, False)]
    ).start()
    require_volatile_named(binary, collector)
    began = time.monotonic()
    clients = send(collector, spans)
    sending = time.monotonic() - began
    arrives(clients, live, collector, 60)
    delays = clients.delays(live)
    collector.check_ledger()
    ready, state = collector.ready()
    require(ready == 200, f"backends that are down are no reason to be unready: {state}")
    health = {entry["exporter"]: entry for entry in state["exporters"]}
    require(health["otlphttp/durable"]["health"] == "failing", f"readiness does not tell: {state}")
    require(health["otlphttp/durable"]["error"] != "", f"readiness does not tell why: {state}")
    waiting = health["otlphttp/durable"]["waiting_items"] + health["otlphttp/durable"]["in_flight_items"]
    require(waiting == spans, f"{waiting} of {spans} spans wait for the durable exporter")
    memory = collector.memory()
    began = time.monotonic()
    durable.up()
    arrives(clients, durable, collector, 1200)
    draining = time.monotonic() - began
    wait_until(lambda: collector.ledger("otlphttp/durable")["in_flight"] == 0, "everything done")
    collector.check_ledger()
    require(live.received == durable.received == spans, "spans were invented or lost")
    p99 = delays[int(len(delays) * 0.99)]
    require(p99 < 5, f"the live exporter was delayed: p99 {p99:.2f} s")
    print(
        f"spans={spans} sent_per_s={spans / sending:.0f} drained_per_s={spans / draining:.0f} "
        f"live_delay_p50_s={delays[len(delays) // 2]:.2f} live_delay_p99_s={p99:.2f} live_delay_max_s={delays[-1]:.2f} "
        f"rss_peak_outage_mib={memory} rss_peak_mib={collector.memory()} duplicated={durable.duplicated}"
    )
    limit = 400 if spans <= 100_000 else 600
    require(collector.memory() < limit, f"the collector took {collector.memory()} MiB, more than {limit}")
    collector.stop()


def require_volatile_named(binary, collector):
    """The start and `validate` say which exporters lose what waits for them at a restart."""
    check = subprocess.run([binary, "validate", "--config", collector.config], capture_output=True, text=True)
    require(check.returncode == 0, check.stderr)
    for text in (collector.log(), check.stderr):
        named = "\n".join(line for line in text.splitlines() if "Exporter has no storage" in line)
        require("otlphttp/live" in named and "otlphttp/dead" in named, f"volatile exporters are not named:\n{text}")
        require("otlphttp/durable" not in named, f"a durable exporter is called volatile:\n{text}")


def disk_full(binary, directory, spans):
    """The disk fills up: clients are refused, and taken again without a restart when there is space."""
    disk = os.path.join(directory, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", disk], check=True)
    try:
        sink = Sink(port=free_ports(1)[0])
        collector = Collector(binary, directory, [("durable", sink.port, True)], storage=os.path.join(disk, "wal"))
        collector.start()
        clients = Clients(collector, spans=1 << 20, padding=1000, per_request=100).start()
        wait_until(lambda: sum(clients.refusals.values()) > 20, "refusals", 300)
        answers = set(clients.refusals)
        require(answers <= {"503", "UNAVAILABLE"}, f"clients were refused with {clients.refusals}")
        wait_until(lambda: collector.ready()[0] == 503, "readiness says so", 10)
        state = collector.ready()[1]
        require("full" in str(state["logs"][0]["fault"]) or "space" in str(state["logs"][0]["fault"]), f"{state}")
        require(collector.get("/")[0] == 200, "liveness must not change")
        require(collector.metric("otelcol_swift_log_fault") == 1, "the metrics do not say that the disk is full")
        collector.check_ledger()
        before = clients.acked_count()
        # Delivering what waits makes the space.
        sink.up()
        wait_until(lambda: clients.acked_count() > before + 2000, "clients are taken again", 120)
        clients.stop()
        arrives(clients, sink, collector)
        wait_until(lambda: collector.ready()[0] == 200, "ready again", 30)
        collector.check_ledger()
        collector.stop()
        print(f"acked={clients.acked_count()} acked_before_full={before} refused={clients.refusals} lost=0")
    finally:
        collector.kill()
        subprocess.run(["umount", "-l", disk])


def foreign_file_fills_disk(binary, directory, spans):
    """Somebody else fills the disk and clears it again; the backend is down all the time."""
    disk = os.path.join(directory, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk], check=True)
    try:
        sink = Sink(port=free_ports(1)[0])
        collector = Collector(binary, directory, [("durable", sink.port, True)], storage=os.path.join(disk, "wal"))
        collector.start()
        filler = os.path.join(disk, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
            except OSError:
                pass
        clients = Clients(collector, spans=1 << 20, padding=1000, per_request=100).start()
        wait_until(lambda: sum(clients.refusals.values()) > 20, "refusals", 300)
        require(set(clients.refusals) <= {"503", "UNAVAILABLE"}, f"clients were refused with {clients.refusals}")
        before = clients.acked_count()
        os.remove(filler)
        wait_until(lambda: clients.acked_count() > before + 2000, "clients are taken again", 120)
        clients.stop()
        sink.up()
        arrives(clients, sink, collector)
        collector.check_ledger()
        collector.stop()
        print(f"acked={clients.acked_count()} refused={clients.refusals} lost=0")
    finally:
        collector.kill()
        subprocess.run(["umount", "-l", disk])


def mount_disk(directory):
    """Mounts a file system of its own, which goes read-only when it fails; returns its directory and its image."""
    disk, image = os.path.join(directory, "disk"), os.path.join(directory, "disk.img")
    os.mkdir(disk)
    with open(image, "wb") as file:
        file.truncate(300 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, disk], check=True)
    return disk, image


def break_disk(disk):
    """Has the kernel find an error in the file system."""
    device = subprocess.run(["findmnt", "-no", "SOURCE", disk], check=True, capture_output=True, text=True)
    with open(f"/sys/fs/ext4/{os.path.basename(device.stdout.strip())}/trigger_fs_error", "w") as file:
        file.write("test")


def read_only(binary, directory, spans):
    """The file system fails and goes read-only: clients are refused, the process lives, a restart on the repaired disk delivers."""
    disk, image = mount_disk(directory)
    try:
        sink = Sink(port=free_ports(1)[0])
        collector = Collector(binary, directory, [("durable", sink.port, True)], storage=os.path.join(disk, "wal"))
        collector.start()
        clients = send(collector, 5000)
        break_disk(disk)
        refused = Clients(collector, 4000, first=100_001).start().join()
        require(
            refused.refusals and set(refused.refusals) <= {"503", "UNAVAILABLE"},
            f"on a read-only disk: acked {refused.acked_count()}, refused {refused.refusals}",
        )
        require(not collector.ended(), "the collector ended")
        wait_until(lambda: collector.ready()[0] == 503, "readiness says so", 10)
        collector.check_ledger()
        # What was acknowledged before can still be read, and goes out.
        sink.up()
        collector.kill()
        subprocess.run(["umount", disk], check=True)
        subprocess.run(["fsck.ext4", "-fy", image], stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, disk], check=True)
        collector.start()
        arrives(clients, sink, collector)
        require(refused.missing(sink) == 0, "an acknowledged span is lost")
        collector.check_ledger()
        collector.stop()
        print(f"acked={clients.acked_count() + refused.acked_count()} refused={refused.refusals} lost=0")
    finally:
        collector.kill()
        subprocess.run(["umount", "-l", disk])


def remounted(binary, directory, spans):
    """The file system fails and goes read-only, and is repaired and mounted again under the running collector: clients are
    refused meanwhile, then taken again without a restart."""
    disk, image = mount_disk(directory)
    try:
        sink = Sink(port=free_ports(1)[0])
        collector = Collector(binary, directory, [("durable", sink.port, True)], storage=os.path.join(disk, "wal"))
        collector.start()
        clients = send(collector, 5000)
        break_disk(disk)
        refused = Clients(collector, 4000, first=100_001).start().join()
        require(refused.refusals, "nobody was refused on a read-only disk")
        # The collector holds the failed file system open, so a copy of it is what is repaired.
        subprocess.run(["umount", "-l", disk], check=True)
        shutil.copy(image, image + ".repaired")
        subprocess.run(["fsck.ext4", "-fy", image + ".repaired"], capture_output=True)
        subprocess.run(["mount", "-o", "loop", image + ".repaired", disk], check=True)
        more = Clients(collector, 20_000, first=200_001).start().join()
        require(more.acked_count() > 10_000, f"clients are not taken again: {more.refusals}")
        require(not collector.ended(), "the collector ended")
        wait_until(lambda: collector.ready()[0] == 200, "ready again", 30)
        collector.check_ledger()
        # Also what a restart finds is all that was acknowledged.
        collector.kill()
        collector.start()
        sink.up()
        arrives(clients, sink, collector)
        arrives(more, sink, collector)
        require(refused.missing(sink) == 0, "an acknowledged span is lost")
        collector.check_ledger()
        collector.stop()
        print(f"acked={clients.acked_count() + more.acked_count()} refused={refused.refusals} lost=0")
    finally:
        collector.kill()
        subprocess.run(["umount", "-l", disk])


def fair_drain(binary, directory, spans):
    """A late backend gets its backlog while new data comes: the healthy exporter is not delayed, memory is bounded."""
    live, late = Sink(capacity=4 * spans).up(), Sink(port=free_ports(1)[0], capacity=4 * spans)
    collector = Collector(binary, directory, [("late", late.port, True), ("live", live.port, True)]).start()
    try:
        backlog = send(collector, spans)
        arrives(backlog, live, collector, 120)
        before = collector.memory()
        late.up()
        fresh = send(collector, spans // 5, first=spans + 1)
        arrives(fresh, live, collector, 60)
        delays = fresh.delays(live)
        p99 = delays[int(len(delays) * 0.99)]
        arrives(backlog, late, collector, 1200)
        arrives(fresh, late, collector, 1200)
        wait_until(lambda: collector.ledger("otlphttp/late")["in_flight"] == 0, "everything done")
        collector.check_ledger()
        require(p99 < 5, f"new data of the healthy exporter was delayed: p99 {p99:.2f} s")
        require(collector.memory() < before + 200, f"the drain took {before} to {collector.memory()} MiB")
        print(
            f"backlog={spans} fresh_delay_p50_s={delays[len(delays) // 2]:.2f} fresh_delay_p99_s={p99:.2f} "
            f"rss_before_mib={before} rss_peak_mib={collector.memory()}"
        )
        collector.stop()
    finally:
        collector.kill()


def directory_removed(binary, directory, spans):
    """Somebody removes the storage directory: the process lives, and what is acknowledged afterwards is delivered."""
    sink = Sink(port=free_ports(1)[0])
    collector = Collector(binary, directory, [("durable", sink.port, True)]).start()
    try:
        before = send(collector, 2000)
        shutil.rmtree(collector.storage)
        after = Clients(collector, 10_000, first=100_001).start().join()
        require(set(after.refusals) <= {"503", "UNAVAILABLE"}, f"refused with {after.refusals}")
        require(after.acked_count() > 0, "the directory was not made again")
        require(not collector.ended(), "the collector ended")
        sink.up()
        arrives(after, sink, collector)
        wait_until(lambda: collector.ledger("otlphttp/durable")["waiting"] == 0, "everything ended")
        wait_until(lambda: collector.ledger("otlphttp/durable")["in_flight"] == 0, "everything ended")
        collector.check_ledger()
        entry = collector.ledger("otlphttp/durable")
        missing = before.missing(sink)
        lost = entry["corrupt"] + entry["dropped"]
        require(missing == lost, f"{missing} spans went with the directory, {lost} are accounted for: {entry}")
        collector.stop()
        print(f"acked_before={before.acked_count()} of_these_removed={missing} acked_after={after.acked_count()} lost_after=0")
    finally:
        collector.kill()


def corruption(binary, directory, spans):
    """Bytes of a stored segment are flipped: it starts, delivers all the rest, and says what it could not read."""
    sink = Sink(port=free_ports(1)[0])
    collector = Collector(binary, directory, [("durable", sink.port, True)]).start()
    try:
        clients = send(collector, 20_000, padding=100)
        collector.stop()
        log = os.path.join(collector.storage, "traces")
        segments = [os.path.join(log, name) for name in sorted(os.listdir(log)) if name.endswith(".wal")]
        # The last one may be almost empty; those before it are full.
        segment = max(segments[:-1], key=os.path.getsize)
        size = os.path.getsize(segment)
        with open(segment, "r+b") as file:
            for offset in (size // 3, size * 2 // 3):
                file.seek(offset)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 0x55]))
        sink.up()
        collector.start()
        wait_until(
            lambda: collector.ledger("otlphttp/durable")["waiting"] == 0
            and collector.ledger("otlphttp/durable")["in_flight"] == 0,
            "everything delivered",
        )
        missing = clients.missing(sink)
        entry = collector.ledger("otlphttp/durable")
        require(0 < missing <= 1000, f"two flipped bytes cost {missing} spans")
        require(missing == entry["corrupt"] + entry["dropped"], f"{missing} spans are missing, the ledger says {entry}")
        collector.check_ledger()
        dropped = collector.metric("otelcol_swift_exporter_dropped_items_total", reason="corrupt")
        dropped += collector.metric("otelcol_swift_exporter_dropped_items", reason="corrupt")
        require(dropped == missing, f"{dropped} items are counted as corrupt, {missing} are missing")
        quarantined = os.listdir(os.path.join(log, "quarantine"))
        require(quarantined, "nothing in quarantine/")
        collector.stop()
        print(f"acked={clients.acked_count()} unreadable={missing} quarantined_files={len(quarantined)} start_s={collector.start_seconds:.2f}")
    finally:
        collector.kill()


def second_process(binary, directory, spans):
    """A second collector on the same storage is refused by name, and does no harm."""
    sink = Sink().up()
    collector = Collector(binary, directory, [("durable", sink.port, True)]).start()
    other = os.path.join(directory, "other")
    os.mkdir(other)
    second = Collector(binary, other, [("durable", sink.port, True)], storage=collector.storage)
    try:
        second.start(healthy=False)
        require(second.process.wait(60) != 0, "the second collector ended well")
        require(f"process {collector.process.pid}" in second.log(), f"the other's id is not named:\n{second.log()}")
        clients = send(collector, 2000)
        arrives(clients, sink, collector)
        collector.stop()
        print(f"refused_by_pid={collector.process.pid} delivered={sink.received}")
    finally:
        collector.kill()
        second.kill()


def shutdown(binary, directory, spans):
    """SIGTERM while the backends are down: what is acknowledged stays on disk, and the next start delivers it."""
    sink = Sink(port=free_ports(1)[0])
    collector = Collector(binary, directory, [("durable", sink.port, True)]).start()
    try:
        clients = send(collector, 5000)
        began = time.monotonic()
        collector.stop()
        seconds = time.monotonic() - began
        said = collector.logged_number("Items wait on disk for the next start", "items")
        require(said == clients.acked_count(), f"{clients.acked_count()} wait, the log says {said}:\n{collector.log()}")
        collector.start()
        said = collector.logged_number("Items were recovered from disk", "items")
        require(said == clients.acked_count(), f"{clients.acked_count()} recovered, the log says {said}")
        collector.check_ledger()
        require(collector.ledger("otlphttp/durable")["recovered"] == said, "the ledger disagrees")
        more = send(collector, 1000, first=100_001)
        sink.up()
        arrives(clients, sink, collector)
        arrives(more, sink, collector)
        wait_until(lambda: collector.ledger("otlphttp/durable")["in_flight"] == 0, "everything done")
        collector.check_ledger()
        require(collector.ledger("otlphttp/durable")["delivered"] == 6000, str(collector.ledger("otlphttp/durable")))
        collector.stop()
        print(f"acked=6000 stop_s={seconds:.2f} recovered={said} duplicated={sink.duplicated} lost=0")
    finally:
        collector.kill()


SCENARIOS = [
    outage, fair_drain, disk_full, foreign_file_fills_disk, read_only, remounted, directory_removed, corruption,
    second_process, shutdown,
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("scenario", choices=[scenario.__name__ for scenario in SCENARIOS])
    parser.add_argument("--spans", type=int, default=50_000)
    options = parser.parse_args()
    run = next(scenario for scenario in SCENARIOS if scenario.__name__ == options.scenario)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("interrupted"))
    with tempfile.TemporaryDirectory(prefix="otelcol-durability-") as directory:
        try:
            run(os.path.abspath(options.binary), directory, options.spans)
        except AssertionError as error:
            sys.exit(f"{options.scenario}: {error}")
        except subprocess.CalledProcessError as error:
            sys.exit(f"{options.scenario}: {error.cmd[0]} failed; the scenario needs root and loop devices: {error}")


if __name__ == "__main__":
    main()
