"""A Ceph of one monitor, one OSD in memory and one RADOS gateway, on the loopback interface."""

import subprocess
import time
import uuid
from pathlib import Path

CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind port min = {first}
ms bind port max = {last}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
osd objectstore = memstore
memstore device bytes = 1073741824
osd data = {root}/osd
mon data = {root}/mon
keyring = {root}/keyring
run dir = {root}/run
admin socket = {root}/run/$name.asok
pid file = {root}/run/$name.pid
log file = {root}/$name.log
mon cluster log file = {root}/cluster.log
[client]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw run sync thread = false
"""
ALL = ["--cap", "mon", "allow *", "--cap", "osd", "allow *"]


def start(root: Path, port: int, access_key: str, secret_key: str) -> list[subprocess.Popen]:
    """The processes, to be ended by the caller."""
    for name in ("mon", "osd", "run"):
        (root / name).mkdir()
    fsid, mon = str(uuid.uuid4()), port + 1
    text = CONFIGURATION.format(fsid=fsid, mon=mon, first=port + 10, last=port + 60, root=root, port=port)
    configuration, keyring, monmap = root / "ceph.conf", root / "keyring", root / "monmap"
    configuration.write_text(text)

    def run(program: str, *arguments: str) -> None:
        subprocess.run([program, *arguments], check=True, timeout=60, stdout=subprocess.DEVNULL)

    def daemon(*command: str) -> subprocess.Popen:
        log = (root / f"{command[0]}.out").open("w")
        return subprocess.Popen([*command, "-c", str(configuration), "-f"], stdout=log, stderr=log)

    for name, caps in (("mon.", ["--cap", "mon", "allow *"]), ("client.admin", ALL), ("osd.0", ALL)):
        create = [] if keyring.exists() else ["--create-keyring"]
        run("ceph-authtool", *create, str(keyring), "--gen-key", "-n", name, *caps)
    run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{mon}]", "--fsid", fsid, str(monmap))
    with_configuration = ["-c", str(configuration)]
    run("ceph-mon", *with_configuration, "--mkfs", "-i", "a", "--monmap", str(monmap), "--keyring", str(keyring))
    daemons = [daemon("ceph-mon", "-i", "a")]
    time.sleep(2)
    run("ceph", *with_configuration, "osd", "create")
    run("ceph-osd", *with_configuration, "-i", "0", "--mkfs")
    run("ceph", *with_configuration, "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
    daemons.append(daemon("ceph-osd", "-i", "0"))
    time.sleep(3)
    daemons.append(daemon("radosgw", "-n", "client.admin"))
    user = ["--uid=test", "--display-name=test", f"--access-key={access_key}", f"--secret-key={secret_key}"]
    run("radosgw-admin", *with_configuration, "user", "create", *user)
    return daemons
