"""The offline tools on damaged directories: each kind of damage ends in 1 and a sentence that names it,
from `dure verify`, from `dure dump` and `dure rebuild` as far as they read it, and from a node, which
does not start. Nothing is changed by looking.
"""
import json
import shutil

import pytest

import node as nodes
from damage import EVENT, Journal, change_row
from shop import Shop

NAME = "텔레비전 QLED"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A directory with a history: orders, a cancellation, restarts, and a tail behind the rows."""
    data = tmp_path_factory.mktemp("made") / "data"
    running = nodes.Node(data, "--shards", "4").start()
    shop = Shop(running.client(), "/shop", user=1).open(money=100000, stock=100)
    running.client().post("/inventories", {"stockName": NAME, "stockCount": 5, "price": 7})
    orders = [shop.ordered(i + 1)["id"] for i in range(5)]
    running.stop()
    running.start()
    shop.api = running.client()
    assert shop.cancel(orders[0]).status_code == 200
    running.kill()
    return data


@pytest.fixture
def data(made, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(made, tmp_path / "data")


def content(data):
    return {path.relative_to(data): path.read_bytes()
            for path in sorted(data.rglob("*")) if path.is_file() and path.name != "lock.mdb"}


def fails(tool, data, *says):
    """It ends in 1, says so, and has touched nothing."""
    before = content(data)
    done = nodes.dure(tool, data)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1, (tool, done.returncode, said)
    for what in says:
        assert what in said, (tool, said)
    assert content(data) == before
    return said


def does_not_start(data, *says):
    before = (data / "journal" / "data.mdb").read_bytes()
    done = nodes.dure("node", "--data", data, "--http", "0")
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1, (done.returncode, said)
    for what in says:
        assert what in said, said
    assert (data / "journal" / "data.mdb").read_bytes() == before


def sound(data):
    done = nodes.dure("verify", data)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def test_sound(data):
    """Undamaged: all three agree, and a rebuild changes nothing that anybody sees."""
    assert "0 findings" in sound(data)
    dump = nodes.dure("dump", data)
    assert dump.returncode == 0 and dump.stderr == b""
    events = [json.loads(line) for line in dump.stdout.splitlines()]
    assert [e["type"] for e in events].count("shop.order.OrderPlaced") == 5
    assert [e["type"] for e in events].count("shop.order.OrderCanceled") == 1
    rebuilt = nodes.dure("rebuild", data)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert f"from {Journal(data).last} records" in rebuilt.stdout.decode()
    assert "0 findings" in sound(data)
    assert nodes.dure("dump", data).stdout == dump.stdout
    assert not (data / "rebuild").exists()


def test_directory_of_a_cluster(data, tmp_path):
    """What works on a node's directory says so when it is given that of its cluster."""
    cluster = tmp_path / "all"
    cluster.mkdir()
    (cluster / "cluster").write_text("shards = 4\nnodes = 1\n")
    shutil.move(data, cluster / "node-0")
    for tool in ("dump", "rebuild"):
        fails(tool, cluster, "a cluster's directory", "node-0")
        assert nodes.dure(tool, cluster / "node-0").returncode == 0


@pytest.mark.parametrize("where", ["magic", "header", "entry", "middle", "end"])
def test_flipped_bit(data, where):
    """One bit of one record, wherever: each reader names the record."""
    journal = Journal(data)
    for index in (1, journal.last):
        record = journal.records[index]
        at = {"magic": 0, "header": 33, "entry": 64, "middle": len(record.data) // 2,
              "end": len(record.data) - 1}[where]
        record.data[at] ^= 4
        journal.write(record)
        fails("verify", data, f"record {index} is damaged")
        fails("dump", data, f"record {index}")
        fails("rebuild", data, f"record {index} ")
        record.data[at] ^= 4
        journal.write(record)
    record = journal.records[journal.last]
    record.data[-1] ^= 1
    journal.write(record)
    does_not_start(data, f"record {journal.last} ")


def test_broken_chain(data):
    """A rewritten past, sound in itself."""
    journal = Journal(data)
    record = journal.records[journal.last - 1]
    record.put(40, "<q", record.field("time_ms") + 1)
    record.seal()
    journal.write(record)
    fails("verify", data, f"record {journal.last} does not follow", "chain is broken")
    fails("rebuild", data, f"record {journal.last} ", "chain is broken")
    does_not_start(data, "record")


def test_older_epoch(data):
    """The last record is of a writer that had been deposed."""
    journal = Journal(data)
    record = journal.records[journal.last]
    record.put(8, "<Q", 0)
    record.seal()
    journal.write(record)
    for tool in ("verify", "rebuild"):
        fails(tool, data, f"record {journal.last} ", "older epoch")
    does_not_start(data, f"record {journal.last} ", "older epoch")


def test_newer_version(data):
    journal = Journal(data)
    record = journal.records[journal.last]
    record.put(4, "<H", 2)
    record.seal()
    journal.write(record)
    for tool in ("verify", "dump", "rebuild"):
        fails(tool, data, f"record {journal.last}", "newer version")
    does_not_start(data, f"record {journal.last}", "newer version")


def test_jumping_sequence(data):
    """A published event is missing in the middle: its successor has a number too high."""
    journal = Journal(data)
    record = journal.records[journal.last]
    at = next(at for at in record.events() if EVENT.unpack_from(record.data, at)[3])
    sequence = EVENT.unpack_from(record.data, at)[3]
    record.put(at + 16, "<Q", sequence + 5)
    record.seal()
    journal.write(record)
    fails("verify", data, f"record {journal.last}: shard",
          f"jumps to sequence {sequence + 5}, {sequence} was due")


def test_unknown_event(data):
    journal = Journal(data)
    record = journal.records[journal.last]
    published = next(at for at in record.events() if EVENT.unpack_from(record.data, at)[3])
    record.put(published + 4, "<I", 12345)
    record.seal()
    journal.write(record)
    fails("verify", data, f"record {journal.last} holds an event of an unknown type")
    fails("dump", data, f"record {journal.last}", "does not know")
    fails("rebuild", data, f"record {journal.last} holds an event this version does not know")
    does_not_start(data, f"record {journal.last} holds an event this version does not know")


def test_false_row(data):
    """A row that is sound in itself, but not what the journal says; a rebuild mends it."""
    assert change_row(data, NAME.encode(), NAME.replace("QLED", "OLED").encode()) > 0
    fails("verify", data, "shop.inventory", "is not what the journal says")
    assert nodes.dure("rebuild", data).returncode == 0
    assert "0 findings" in sound(data)


def test_damaged_row(data):
    """Unreadable: it is named, and a rebuild mends it."""
    path = data / "state" / "data.mdb"
    path.write_bytes(path.read_bytes().replace(NAME.encode(), NAME.lower().encode()))
    fails("verify", data, "shop.inventory", "is not what the journal says")
    assert nodes.dure("rebuild", data).returncode == 0
    assert "0 findings" in sound(data)


def test_lost_records(data, made, tmp_path):
    """An older copy of the journal under newer rows."""
    shutil.copytree(data, tmp_path / "before")
    running = nodes.Node(data).start()
    running.client().post("/pays", {"userId": 77, "payAmount": 1})
    running.stop()
    shutil.copy(tmp_path / "before" / "journal" / "data.mdb", data / "journal" / "data.mdb")
    fails("verify", data, "the journal ends at", "records have been lost")
    does_not_start(data, "records have been lost")


def test_foreign_rows(data, tmp_path):
    """The rows of another directory, as long as this one."""
    other = nodes.Node(tmp_path / "other", "--shards", "4").start()
    for i in range(Journal(data).last):
        other.client().post("/pays", {"userId": 1, "payAmount": 1 + i})
    other.stop()
    shutil.copy(tmp_path / "other" / "state" / "data.mdb", data / "state" / "data.mdb")
    fails("verify", data, "rows were made of")
    does_not_start(data, "rows were made of")
    assert nodes.dure("rebuild", data).returncode == 0
    assert "0 findings" in sound(data)


@pytest.mark.parametrize("half", ["journal", "state"])
@pytest.mark.parametrize("how", ["absent", "empty", "garbage", "text"])
def test_no_database(data, half, how):
    """A file of LMDB's that is none: said, not crashed on."""
    path = data / half / "data.mdb"
    if how == "absent":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "garbage": bytes(range(256)) * 64, "text": b"text\n"}[how])
    for tool in ("verify", "dump", "rebuild"):
        said = fails(tool, data)
        assert str(data) in said or half in said, said
    if half == "journal":
        return
    # Rows can be made anew as long as there is the journal, of the right number of shards.
    assert b"--shards" in nodes.dure("rebuild", data).stderr
    for wrong in (1, 2, 3, 5, 8, 64):
        done = nodes.dure("rebuild", "--shards", wrong, data)
        assert done.returncode == 1 and b"not of so many shards" in done.stderr, wrong
    assert nodes.dure("rebuild", "--shards", 4, data).returncode == 0
    assert "0 findings" in sound(data)


def test_interrupted_rebuild(data):
    """What an earlier one left behind, at each point: it is begun again, or the old rows come back."""
    work = data / "rebuild"
    shutil.copytree(data / "state", work / "state")
    assert nodes.dure("rebuild", data).returncode == 0
    assert not work.exists()
    work.mkdir()
    (data / "state").rename(work / "old")
    assert nodes.dure("rebuild", data).returncode == 0
    assert not work.exists()
    assert "0 findings" in sound(data)


def test_not_there(tmp_path):
    for tool in ("verify", "dump", "rebuild"):
        done = nodes.dure(tool, tmp_path / "absent")
        assert done.returncode == 1 and b"absent" in done.stderr
        assert not (tmp_path / "absent").exists()
        assert nodes.dure(tool).returncode == 2
        assert nodes.dure(tool, "a", "b").returncode == 2


def test_running(made, tmp_path):
    """Under a running node: refused by its lock."""
    data = shutil.copytree(made, tmp_path / "data")
    running = nodes.Node(data).start()
    for tool in ("verify", "rebuild", "dump"):
        done = nodes.dure(tool, data)
        assert done.returncode == 1 and b"another process" in done.stderr.lower(), done.stderr
    running.stop()
