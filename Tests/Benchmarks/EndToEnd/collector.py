"""One otelcol process: its start, its processor time and memory, what its metrics say, its end."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configs")


class Failure(Exception):
    """A run that does not count: something was lost, refused, or did not work."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds, pause=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(pause)


class Collector:
    """`variables` fill the BENCH_ variables of `config`, whose ports are chosen here."""

    def __init__(self, binary, config, directory, variables=None):
        self.binary, self.directory = binary, directory
        self.configs = [os.path.join(CONFIGS, "base.yaml"), os.path.join(CONFIGS, config)]
        self.ports = {name: free_port() for name in ("grpc", "http", "health", "metrics")}
        variables = {"directory": directory, **self.ports, **(variables or {})}
        self.environment = {f"BENCH_{name.upper()}": str(value) for name, value in variables.items()}
        self.log_path = os.path.join(directory, "otelcol.log")
        self.process = None

    def start(self, seconds=60, pause=0.001):
        """Returns the seconds from exec until the health check answered 200, as a client sees them."""
        arguments = [self.binary] + [word for config in self.configs for word in ("--config", config)]
        with open(self.log_path, "ab") as log:
            started = time.monotonic()
            self.process = subprocess.Popen(
                arguments, stdout=log, stderr=log, cwd=self.directory, env=os.environ | self.environment
            )
        wait_until(lambda: self.ended() or self.healthy(), "healthy", seconds, pause)
        elapsed = time.monotonic() - started
        if self.ended():
            raise Failure(f"{self.binary} ended with status {self.process.returncode}: {self.log_tail()}")
        return elapsed

    def ended(self):
        return self.process.poll() is not None

    def healthy(self):
        try:
            with socket.create_connection(("127.0.0.1", self.ports["health"]), timeout=5) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return connection.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def stop(self, seconds=60):
        """SIGTERM; returns all processor seconds the process used, user and system, from exec to its end."""
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while True:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                raise Failure(f"did not end within {seconds} s of SIGTERM: {self.log_tail()}")
            time.sleep(0.005)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != 0:
            raise Failure(f"SIGTERM ended with status {self.process.returncode}: {self.log_tail()}")
        return usage.ru_utime + usage.ru_stime

    def kill(self):
        """For the way out of a run that failed; nothing when the process has ended."""
        if self.process and self.process.returncode is None:
            self.process.kill()
            self.process.wait()

    def processor_seconds(self):
        """User and system time of all threads so far, those that have ended included, to the nanosecond."""
        processor_clock = 2  # CPUCLOCK_SCHED of the kernel: clock_getcpuclockid(3)
        return time.clock_gettime(~self.process.pid << 3 | processor_clock)

    def memory_mib(self, field):
        """`VmHWM`: the largest resident set so far. `VmRSS`: the present one."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1)) / 1024

    def metrics(self):
        """Name and labels of each series, and its value; the endings that newer versions add to names taken off."""
        url = f"http://127.0.0.1:{self.ports['metrics']}/metrics"
        with urllib.request.urlopen(url, timeout=30) as response:
            lines = response.read().decode().splitlines()
        series = []
        for line in lines:
            match = re.match(r"(\w+?)(?:__\w+?)?(?:_total)?(?:\{(.*)\})? (\S+)$", line)
            if match:
                labels = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
                series.append((match.group(1), labels, float(match.group(3))))
        return series

    def log_tail(self, size=2000):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-size:]


def total(series, prefix, **labels):
    """The sum of all series whose name begins with `prefix`."""
    return sum(
        value
        for name, has, value in series
        if name.startswith(prefix) and all(has.get(label) == wanted for label, wanted in labels.items())
    )
