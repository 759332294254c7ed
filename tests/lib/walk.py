"""Walks: shell commands as a document shows them, with what they print.

    $ command       # a part of what it prints, or: its history as CloudEvents: names
    what it prints, where … stands for anything within a line, and a line … for any lines
"""
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time

ELLIPSIS = "…"
ENDLESS = "until Ctrl-C"  # Behind a command that does not end by itself.
ANSWER_S = 120


def commands(block):
    """[(command, the lines shown below it, the comment behind it)] of a block, in order. A command
    goes on in the next line behind a backslash."""
    found = []
    for line in block.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            command, _, comment = line[2:].partition(" # ")
            found.append((command.strip(), [], comment.strip()))
        elif line:
            found[-1][1].append(line)
    return found


def like(shown):
    """A pattern for a line as it is shown."""
    return "".join(".*" if part == ELLIPSIS else re.escape(part)
                   for part in re.split(f"({ELLIPSIS})", shown))


def pattern(lines):
    """A pattern for the whole lines that are shown."""
    return "".join("(?:.*\n)*" if line == ELLIPSIS else like(line) + "\n" for line in lines)


def whole_lines(text):
    """The lines of an output that have come to their end, without the empty ones: a document has
    none."""
    return "".join(line + "\n" for line in re.findall("([^\r\n]+)\r?\n", text))


def check_comment(comment, printed):
    """A comment shows a part of the answer, or tells the events of a history."""
    if comment.startswith('"'):
        assert comment in printed
    elif comment:
        names = re.fullmatch(r"its history as CloudEvents: (.*)", comment).group(1).split(", ")
        events = json.loads(printed)["_embedded"]["events"]
        assert [event["data"]["eventType"] for event in events] == names


class Shell:
    """A user's shell: one bash, in which jobs and variables live on from command to command.

    `ports` says which ports are meant by those that documents name: {8088: 20123}. What is printed
    shows those of the documents again.
    """

    def __init__(self, directory, ports, env):
        self.directory = pathlib.Path(directory)
        self.ports = ports
        self.env = env
        self.bash = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, cwd=directory,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                                     start_new_session=True)
        self.count = 0

    def meant(self, text):
        return re.sub(r":(\d+)\b",
                      lambda port: f":{self.ports.get(int(port[1]), port[1])}", text)

    def shown(self, text):
        names = {number: name for name, number in self.ports.items()}
        return re.sub(r":(\d+)\b", lambda port: f":{names.get(int(port[1]), port[1])}", text)

    def run(self, command):
        """What a command prints, on both outputs, until it ends. It succeeds."""
        self.count += 1
        mark = f"end-of-command-{self.count}"
        self.bash.stdin.write(
            f"{{ {self.meant(command)}\n}} </dev/null\nprintf '{mark} %s\\n' $?\n".encode())
        self.bash.stdin.flush()
        text = self._read(self.bash.stdout, lambda text: re.search(f"{mark} \\d+\n$", text), command)
        printed, status = re.fullmatch(f"(.*){mark} (\\d+)\n", text, re.S).groups()
        assert status == "0", (command, status, printed)
        return self.shown(printed)

    def watch(self, command, shown, meanwhile):
        """Runs a command that does not end by itself until it has begun as it is shown, while meanwhile()
        is called now and then; then it gets its Ctrl-C."""
        process = subprocess.Popen(["bash", "-c", f"exec {self.meant(command)}"], env=self.env,
                                   cwd=self.directory, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        begun = re.compile(pattern(shown))
        try:
            self._read(process.stdout, lambda text: begun.match(whole_lines(self.shown(text))), command,
                       meanwhile)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.stdout.close()
            process.wait(ANSWER_S)

    def close(self):
        """Ends what still runs."""
        try:
            os.killpg(self.bash.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.bash.stdin.close()
        self.bash.stdout.close()
        self.bash.wait()

    def _read(self, stream, enough, command, meanwhile=None):
        deadline = time.monotonic() + ANSWER_S
        data = b""
        while not enough(data.decode(errors="replace")):
            assert time.monotonic() < deadline, (command, data.decode(errors="replace"))
            if not select.select([stream], [], [], 0.1 if meanwhile else 1)[0]:
                if meanwhile:
                    meanwhile()
                continue
            more = os.read(stream.fileno(), 65536)
            assert more, (command, "it ended", data.decode(errors="replace"))
            data += more
        return data.decode()
