"""TLS in front of a plain TCP server, and the certificates for it.

usage: tls_front.py certificates DIRECTORY
       tls_front.py serve DIRECTORY CERTIFICATE TARGET_PORT [CLIENT_CA]
`certificates` makes, with the openssl program: ca (an authority), server (for localhost and 127.0.0.1), elsewhere (for
another name), expired and client, all of that authority, and foreign, an authority that signed none of them.
`serve` prints "READY PORT" and passes bytes on between TLS clients and 127.0.0.1:TARGET_PORT until its standard input
ends. With CLIENT_CA, clients must show a certificate of that authority.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import threading

CA_CONFIG = """[ca]
default_ca = own
[own]
dir = {directory}
new_certs_dir = {directory}
database = {directory}/index.txt
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def certificates(directory):
    os.makedirs(directory, exist_ok=True)
    path = lambda name: os.path.join(directory, name)
    run = lambda *arguments: subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    with open(path("ca.conf"), "w") as file:
        file.write(CA_CONFIG.format(directory=directory))
    open(path("index.txt"), "w").close()
    for name in ("ca", "foreign"):
        run("req", "-x509", *new_key, "-keyout", path(f"{name}.key"), "-out", path(f"{name}.pem"), "-days", "2",
            "-subj", f"/CN={name} authority")
    here = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    for name, names, dates in (
        ("server", here, ["-days", "2"]),
        ("elsewhere", "subjectAltName=DNS:elsewhere.test", ["-days", "2"]),
        ("expired", here, ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"]),
        ("client", "subjectAltName=DNS:client.test", ["-days", "2"]),
    ):
        run("req", *new_key, "-keyout", path(f"{name}.key"), "-out", path(f"{name}.csr"), "-subj", f"/CN={name}",
            "-addext", names)
        run("ca", "-batch", "-config", path("ca.conf"), "-cert", path("ca.pem"), "-keyfile", path("ca.key"),
            "-in", path(f"{name}.csr"), "-out", path(f"{name}.pem"), "-notext", *dates)


async def pass_on(reader, writer):
    try:
        while data := await reader.read(1 << 18):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    # Both directions end together, TLS with its own farewell.
    writer.close()


async def serve(context, target_port):
    async def converse(reader, writer):
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, target_writer), pass_on(target_reader, writer))

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    print(f"READY {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main():
    directory = sys.argv[2]
    if sys.argv[1] == "certificates":
        certificates(directory)
        return
    certificate, target_port = os.path.join(directory, sys.argv[3]), int(sys.argv[4])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
    if len(sys.argv) > 5:
        context.load_verify_locations(os.path.join(directory, f"{sys.argv[5]}.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    asyncio.run(serve(context, target_port))


if __name__ == "__main__":
    main()
