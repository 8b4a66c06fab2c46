"""OpenStack Swift in one process, with its S3 API: the program that `tests.buckets` runs.

Its servers of accounts, containers and objects and its proxy are those of the package, with one
replica on one folder. `FOLDER` is where it keeps all; it says on which port it listens.
"""

import eventlet  # type: ignore[import-untyped]

eventlet.monkey_patch()

# Nothing may be imported before that, and none of these packages says its types.
import sys  # noqa: E402 -- as said
from pathlib import Path  # noqa: E402

from eventlet import wsgi  # noqa: E402
from paste.deploy import loadapp  # type: ignore[import-untyped]  # noqa: E402
from swift.common import utils  # type: ignore[import-untyped]  # noqa: E402
from swift.common.ring import RingBuilder  # type: ignore[import-untyped]  # noqa: E402
from swift.common.storage_policy import reload_storage_policies  # type: ignore[import-untyped]  # noqa: E402
from swift.common.swob import Request  # type: ignore[import-untyped]  # noqa: E402

_STORAGE = """
[DEFAULT]
devices = {folder}/devices
mount_check = false
disable_fallocate = true
swift_dir = {folder}
log_level = CRITICAL

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""
_PROXY = """
[DEFAULT]
swift_dir = {folder}
log_level = CRITICAL

[pipeline:main]
pipeline = catch_errors cache {doors} bulk slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1

[filter:s3api]
use = egg:swift#s3api
location = us-east-1

[filter:tempauth]
use = egg:swift#tempauth
user_test_ulak = secret .admin

[filter:bulk]
use = egg:swift#bulk

[filter:slo]
use = egg:swift#slo
"""
_SWIFT = """
[swift-hash]
swift_hash_path_suffix = ulak
swift_hash_path_prefix = ulak

[storage-policy:0]
name = one
default = yes
"""


def main(folder: Path, bucket: str) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(_SWIFT)
    utils.SWIFT_CONF_FILE = str(folder / "swift.conf")
    utils.HASH_PATH_SUFFIX = utils.HASH_PATH_PREFIX = b"ulak"
    reload_storage_policies()
    doors = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in ("account", "container", "object")}
    for kind, door in doors.items():
        builder = RingBuilder(part_power=0, replicas=1, min_part_hours=1)
        builder.add_dev(
            {
                "id": 0,
                "region": 1,
                "zone": 1,
                "weight": 1.0,
                "device": "d1",
                "ip": "127.0.0.1",
                "port": door.getsockname()[1],
            }
        )
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{kind}.ring.gz"))
    for kind, door in doors.items():
        server = _loaded(folder, kind, _STORAGE.format(folder=folder, kind=kind))
        eventlet.spawn(wsgi.server, door, server, log_output=False, debug=False)
    inside = _loaded(folder, "inside", _PROXY.format(folder=folder, doors=""))
    made = Request.blank(f"/v1/AUTH_test/{bucket}", environ={"REQUEST_METHOD": "PUT"})
    assert made.get_response(inside).status_int == 201
    proxy = _loaded(folder, "proxy", _PROXY.format(folder=folder, doors="s3api tempauth"))
    door = eventlet.listen(("127.0.0.1", 0))
    print(door.getsockname()[1], flush=True)
    wsgi.server(door, proxy, log_output=False, debug=False)


def _loaded(folder: Path, name: str, text: str) -> object:
    file = folder / f"{name}.conf"
    file.write_text(text)
    return loadapp(f"config:{file}", global_conf={"log_name": name})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
