"""Settings of `dure node`: flags win over the environment, which wins over the file; what is unknown or
wrong is refused with 2, by name and source; what --print-config prints is read back to the same.

Nothing is ever served here: --print-config exits before the data directory is touched.
"""
import re

import pytest

import node as nodes


def printed(*args, env=None):
    """The settings in force, as a dict of their texts."""
    done = nodes.dure("node", "--print-config", *args, env=env)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return dict(line.split(" = ", 1) for line in done.stdout.decode().splitlines())


def refused(*args, env=None):
    """What is said about them."""
    done = nodes.dure("node", "--print-config", *args, env=env)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == b""
    return done.stderr.decode()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "dure.conf"

    def write(*lines):
        path.write_text("\n".join(lines) + "\n")
        return str(path)
    return write


def test_defaults():
    """In force is what --help says of each setting."""
    text = " ".join(nodes.dure("node", "--help").stdout.decode().split())
    found = printed()
    told = dict(re.findall(r"--([a-z-]+)=[A-Za-z01|]+ .*?\(default: ([^),]*)", text))
    assert found == {name: value.strip('"') for name, value in told.items()}
    assert (found["http"], found["data"], found["root"]) == ("8088", "data", "shop")
    assert len(found) >= 20


def test_who_wins(file):
    """Each source alone, and each pair of them, in whatever order the flags stand."""
    config = file("http = 1001", "events = 1001", "replay = 1001")
    env = {"DURE_HTTP": "1002", "DURE_EVENTS": "1002"}
    flags = ("--http", "1003")
    assert printed("--config", config)["http"] == "1001"
    assert printed(env=env)["http"] == "1002"
    assert printed(*flags)["http"] == "1003"
    for args in ((*flags, "--config", config), ("--config", config, *flags),
                 (f"--config={config}", "--http=1003"), ("--conf", config, *flags)):
        found = printed(*args, env=env)
        assert (found["http"], found["events"], found["replay"]) == ("1003", "1002", "1001"), args
    found = printed(*flags, env=env | {"DURE_CONFIG": config})
    assert (found["http"], found["events"], found["replay"]) == ("1003", "1002", "1001")
    assert printed("--http", "1", "--http", "2")["http"] == "2"


def test_which_file(file, tmp_path):
    """--config wins over DURE_CONFIG, whose file is then not even looked at."""
    other = {"DURE_CONFIG": str(tmp_path / "absent")}
    assert printed("--config", file("http = 7"), env=other)["http"] == "7"
    assert "absent" in refused(env=other)
    # A flag's value that looks like a flag is a value.
    assert printed("--data", "--config")["data"] == "--config"


def test_file_format(file):
    config = file("# a comment", "", "  http=1001", "\tevents = 1002  # behind a blank",
                  "root =\tshop ", "data = /a#b", 'host = "::1" # quoted', "systems =",
                  "pin = -1\r")
    found = printed("--config", config)
    assert (found["http"], found["events"], found["root"]) == ("1001", "1002", "shop")
    assert (found["host"], found["systems"], found["pin"]) == ("::1", "", "-1")
    assert found["data"] == '"/a#b"'


@pytest.mark.parametrize("data", [
    "/var/lib/dure", "a b", "/a#b", "/a #b", "#", '"', '"quoted"', "back\\slash", "\\", " led",
    "trailed ", "=", "a = b", "데이터", "", "x" * 1023, '"' * 1000])
def test_round_trip(tmp_path, data):
    """What is printed, read as a file, is printed again; and it is the value itself."""
    args = ("--data", data, "--http", "0", "--pin", "3", "--systems", "shop", "--memory-mb", "7")
    first = nodes.dure("node", "--print-config", *args)
    assert first.returncode == 0
    path = tmp_path / "printed.conf"
    path.write_bytes(first.stdout)
    again = nodes.dure("node", "--print-config", "--config", path)
    assert again.stdout == first.stdout, again.stderr


@pytest.mark.parametrize("line, says", [
    ("prot = 1", 'there is no setting called "prot"'),
    ("http 1", '"=" is missing after http'),
    ("http", '"=" is missing after http'),
    ("HTTP = 1", 'there is no setting called "HTTP"'),
    ("= 1", "there is no setting called"),
    ("http = 65536", 'http must be a whole number from 0 to 65535, not "65536"'),
    ("http = -1", "http must be a whole number from 0 to 65535"),
    ("http = 1.5", "http must be a whole number"),
    ("http = 0x10", "http must be a whole number"),
    ("http =", "http must be a whole number"),
    ("http = 99999999999999999999", "http must be a whole number"),
    ("memory-mb = 0", "memory-mb must be a whole number from 1"),
    ('data = "/a', "the quoted value of data does not end"),
    ('data = "/a" b', "the quoted value of data does not end"),
    ("data = /a\x01b", "data holds a control character"),
    ("data = " + "x" * 1024, "data is longer than 1023 bytes"),
    ("# " + "x" * 5000, "the line is too long"),
])
def test_wrong_lines(file, line, says):
    """Named with the file and the line's number."""
    config = file("# first", "shards = 3", line)
    said = refused("--config", config)
    assert says in said and f"{config}:3" in said, said


def test_unreadable_files(tmp_path):
    assert "No such file" in refused("--config", tmp_path / "absent")
    assert "directory" in refused("--config", tmp_path).lower()


@pytest.mark.parametrize("name, value, says", [
    ("DURE_PROT", "1", "environment DURE_PROT: there is no such setting"),
    ("DURE_", "1", "environment DURE_: there is no such setting"),
    ("DURE_HTTP", "x", 'environment DURE_HTTP: http must be a whole number'),
    ("DURE_HTTP", "", "http must be a whole number"),
    ("DURE_MEMORY_MB", "0", "environment DURE_MEMORY_MB: memory-mb must be"),
    ("DURE_HOST", "x" * 64, "host is longer than 63 bytes"),
    ("DURE_" + "X" * 100, "1", "there is no such setting"),
])
def test_wrong_environment(name, value, says):
    assert says in refused(env={name: value})


@pytest.mark.parametrize("args, says", [
    (("--prot", "1"), "prot"),
    (("--http", "x"), "--http: http must be a whole number"),
    (("--http",), "http"),
    (("--drain-ms", "600001"), "--drain-ms: drain-ms must be a whole number from 0 to 600000"),
    (("more",), 'unexpected argument "more"'),
    (("--data", "a\nb"), "--data: data holds a control character"),
    (("--host", "300.1.1.1"), 'host must be an IPv4 or IPv6 address, not "300.1.1.1"'),
    (("--host", ""), "host must be an IPv4 or IPv6 address"),
    (("--root", "soap"), 'root: there is no system "soap"; there are: shop'),
    (("--systems", "shop,soap"), 'systems: there is no system "soap"; there are: shop'),
    (("--systems", ",shop"), 'systems: there is no system ""'),
])
def test_wrong_flags(args, says):
    assert says in refused(*args)


def test_help():
    """Every setting with its default, also when the environment is wrong."""
    done = nodes.dure("node", "--help", env={"DURE_PROT": "1"})
    text = " ".join(done.stdout.decode().split())
    assert done.returncode == 0
    for name in printed():
        assert f"--{name}=" in text
    assert "(default: 8088, range: 0 to 65535)" in text


def test_relations():
    """What single ranges cannot say: any one body must fit."""
    said = refused("--body-bytes-max", "4096", "--requests-bytes-max", "8191")
    assert "requests-bytes-max must be at least twice body-bytes-max, that is 8192" in said
    assert printed("--body-bytes-max", "4096", "--requests-bytes-max", "8192")
