"""A real ClickHouse server on 127.0.0.1, out of the chdb-core package.

usage: clickhouse_server.py DATA_DIR [--tcp PORT] [--http PORT] [--remove]
Prints "READY tcp=PORT http=PORT" once it accepts connections; serves until its standard input ends or it is killed.
Data persist in DATA_DIR, unless --remove takes it away at the end. Users: default (no password), otel (password
"secret"), reader (read-only, "secret"), rationed (one INSERT in three seconds, "secret").
"""

import argparse
import os
import shutil
import socket
import sys
import threading
import time

CONFIG = """<clickhouse>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>{tcp}</tcp_port>
  <http_port>{http}</http_port>
  <logger><level>warning</level><console>1</console></logger>
  <users_config>users.xml</users_config>
  <mark_cache_size>67108864</mark_cache_size>
  <query_log><database>system</database><table>query_log</table></query_log>
</clickhouse>
"""

USERS = """<clickhouse>
  <profiles>
    <default/>
    <readonly><readonly>1</readonly></readonly>
  </profiles>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota><access_management>1</access_management></default>
    <otel><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota><access_management>1</access_management></otel>
    <rationed><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>rationed</quota></rationed>
    <reader><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>readonly</profile><quota>default</quota></reader>
  </users>
  <quotas>
    <default/>
    <rationed><interval><duration>3</duration><query_inserts>1</query_inserts></interval></rationed>
  </quotas>
</clickhouse>
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--tcp", type=int, default=0)
    parser.add_argument("--http", type=int, default=0)
    parser.add_argument("--remove", action="store_true")
    options = parser.parse_args()
    tcp, http = options.tcp or free_port(), options.http or free_port()
    os.makedirs(options.data, exist_ok=True)
    os.chdir(options.data)
    with open("config.xml", "w") as file:
        file.write(CONFIG.format(tcp=tcp, http=http))
    with open("users.xml", "w") as file:
        file.write(USERS)
    if os.path.exists("stop"):
        os.remove("stop")
    os.mkfifo("stop")
    # The server's own temporary files go with its data.
    os.makedirs("tmp", exist_ok=True)
    os.environ["TMPDIR"] = os.path.abspath("tmp")

    from chdb import _chdb

    if hasattr(_chdb, "set_signal_handlers_enabled"):
        _chdb.set_signal_handlers_enabled(False)
    statements = (
        "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
        f"SELECT * FROM file('{os.path.abspath('stop')}', 'LineAsString', 'l String')"
    )
    server = threading.Thread(
        target=lambda: _chdb.query(statements, "TSV", path=os.path.abspath("store")), daemon=True
    )
    server.start()
    while not (accepts(tcp) and accepts(http)):
        if not server.is_alive():
            sys.exit("the server ended before it listened")
        time.sleep(0.02)
    print(f"READY tcp={tcp} http={http}", flush=True)
    sys.stdin.read()
    with open("stop", "w") as fifo:
        fifo.write("end\n")
    server.join(10)
    if options.remove:
        shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
