"""The command line of crash runs by hand. Importing it sets the path and the binary."""
import argparse
import os
import pathlib
import random
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib")]
os.environ.setdefault("DURE_BIN", str(HERE.parents[1] / "build" / "dure"))


def say(text):
    print(text, flush=True)


def main(doc, command, run, rounds, per_directory):
    """run(path, seed, rounds, kills, say) lives through the rounds of one directory; it returns (kills, a
    remark or "")."""
    parser = argparse.ArgumentParser(description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(31))
    parser.add_argument("--kills", type=int, default=0, help="go on until so many in each directory")
    parser.add_argument("--per-directory", type=int, default=per_directory)
    parser.add_argument("--data", type=pathlib.Path, help="where the directories go")
    options = parser.parse_args()
    top = options.data or pathlib.Path(tempfile.mkdtemp(prefix="dure-crash-"))
    top.mkdir(parents=True, exist_ok=True)

    done = kills = 0
    seed = options.seed
    while done < options.rounds:
        rounds = min(options.per_directory, options.rounds - done)
        path = top / f"seed-{seed}"
        say(f"seed {seed}, {path}; replay: {command} --seed {seed} --rounds {rounds}")
        path.mkdir()
        killed, remark = run(path / "data", seed, rounds, options.kills, say)
        shutil.rmtree(path)
        say(f"seed {seed}: {killed} kills, all checks passed{remark}")
        kills += killed
        done += rounds
        seed += 1
    say(f"{kills} kills in {done} rounds, all checks passed")
    if options.data is None:
        top.rmdir()
