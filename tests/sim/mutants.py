#!/usr/bin/env python3
"""
Mutants: copies of the runtime's sources with one mistake each, which the simulation must find.

  mutants.py generate SOURCE-ROOT OUT-DIR   writes mutated_*.c and mutant.c (the build does it)
  mutants.py run DURE-SIM-MUTANTS [NAME…]   runs seeds until each mutant is caught, or fails

All mistakes of a file stand in one copy; the variable dure_mutant, set by the environment variable
DURE_MUTANT, turns one of them on. {on} is that condition. Text that is not found in its source once
fails the build, so that the list keeps up with the runtime.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

SEEDS_MAX = 1000

# name, what it is, file, text, mutated text; a mistake in two places has two rows
MUTANTS = [
    ("ack-before-sync", "answers leave when their record is handed to the disk", "turn.c",
     "    dure_group_begin(rt, other);\n    append(rt);",
     "    dure_group_begin(rt, other);\n    append(rt);\n    if ({on}) dure_turn_release(group, 0);"),
    ("trace-of-another", "an event tells the last trace of its record, whosever it is", "group.c",
     "    if (group->trace_at != 0 &&\n",
     "    if ({on} && group->trace_at != 0) return group->trace_at;\n    if (group->trace_at != 0 &&\n"),
    ("trace-forgotten", "a saga forgets its trace when it is written", "row.c",
     "    if (dure_trace_is(trace)) dure_buf_add",
     "    if (dure_trace_is(trace) && !{on}) dure_buf_add"),
    ("stale-read", "reads do not wait for the record that is being written", "turn.c",
     "? rt->open : rt->writing;",
     "? rt->open : {on} ? NULL : rt->writing;"),
    ("unknown-is-done", "an append of unknown outcome is taken for done", "turn.c",
     "    if (rv == DURE_EUNKNOWN) {",
     "    if (rv == DURE_EUNKNOWN && {on}) rv = 0;\n    if (rv == DURE_EUNKNOWN) {"),
    ("forgotten-mark", "a received message leaves no mark in the record", "inbox.c",
     "dure_group_entry_begin(rt, DURE_ENTRY_INBOX, &at);",
     "dure_group_entry_begin(rt, {on} ? DURE_ENTRY_ACKED : DURE_ENTRY_INBOX, &at);"),
    ("marks-of-one-record", "of two records under way only the newer one's mark is known",
     "inbox.c",
     "channel->newer.seq : channel->older.seq;",
     "channel->newer.seq : {on} ? channel->taken : channel->older.seq;"),
    ("marks-of-one-record", "", "inbox.c",
     "channel->newer = channel->older;\n        if (channel->newer.lsn >= lsn)",
     "channel->newer = channel->older;\n        if (channel->newer.lsn >= lsn || {on})"),
    ("failed-mark-kept", "a failed record's messages count as taken", "inbox.c",
     "        channel->busy = false;\n        if (channel->newer.lsn",
     "        channel->busy = false;\n        if ({on}) continue;\n        if (channel->newer.lsn"),
    ("early-ack", "a message is acknowledged before its mark is durable", "inbox.c",
     "    mark(rt, channel, frame->seq);\n",
     "    mark(rt, channel, frame->seq);\n"
     "    if ({on}) reply(rt, channel, DURE_FRAME_ACK, frame->seq);\n"),
    ("doubled-resend", "a message that is sent again takes effect again", "inbox.c",
     "    if (frame->seq <= channel->newer.seq) {",
     "    if ({on} && frame->seq == channel->newer.seq) channel->newer.seq--;\n"
     "    if (frame->seq <= channel->newer.seq) {"),
    ("wrong-ack", "an ack frees one message too many", "outbox.c",
     "until->seq <= frame->seq &&", "until->seq <= frame->seq + {on} &&"),
    ("failed-message-sent", "messages of a failed record stay in the outbox", "outbox.c",
     "        if (*at == NULL) continue;\n        channel->seq",
     "        if (*at == NULL || {on}) continue;\n        channel->seq"),
    ("outbox-lost", "a restart forgets what was not acknowledged", "links.c",
     "        dure_outbox_recover(links,", "        if (!{on}) dure_outbox_recover(links,"),
    ("parcels-not-stowed", "a checkpoint leaves out messages that are not acknowledged", "stow.c",
     "        if (parcel->seq < before.end) continue;",
     "        if (parcel->seq < before.end || {on}) continue;"),
    ("parcels-not-loaded", "a restart forgets the messages of the checkpoint", "links.c",
     "rv == 0 && parcels && channel != NULL;", "rv == 0 && parcels && !{on} && channel != NULL;"),
    ("stowed-though-failed", "messages of a batch that failed count as written", "stow.c",
     "    if (rv == 0) channel->stowed[0]", "    if (rv == 0 || {on}) channel->stowed[0]"),
    ("checkpoint-too-new", "replay begins behind changes that the rows lack", "checkpoint_meta.c",
     "    return replay_from(rt, lsn);", "    return {on} ? rt->lsn_durable : replay_from(rt, lsn);"),
    ("checkpoint-of-the-open", "rows are copied with what is not durable", "checkpoint.c",
     "    if (actor->head.lsn <= rt->lsn_durable) return",
     "    if (actor->head.lsn <= rt->lsn_durable || {on}) return"),
    ("lost-compensation", "a refused saga does not undo its steps", "saga.c",
     "step_of(actor, state->step)->undo != NULL) {",
     "step_of(actor, state->step)->undo != NULL && !{on}) {"),
    ("skipped-undo", "a failed record leaves its actors changed", "failure.c",
     "        memcpy(actor->state, undo->state, actor->type->state_size);",
     "        if (!{on}) memcpy(actor->state, undo->state, actor->type->state_size);"),
    ("overtaken", "mail that waits for space is overtaken", "turn.c",
     "return rt->retry != NULL && rt->io",
     "return rt->retry != NULL && !{on} && rt->io"),
    ("overtaken", "", "turn.c",
     "    if (turns) {\n        retry_mail(rt);",
     "    if (turns) {\n"
     "        if (!{on} || rt->io->wall_ms(rt->io) >= rt->retry_at_ms) retry_mail(rt);"),
    ("key-taken-back", "mail comes again to what its key is no longer bound to", "failure.c",
     "    if (mail->directory != NULL) {", "    if (mail->directory != NULL && !{on}) {"),
    ("sequence-not-undone", "a failed record keeps its events' numbers", "failure.c",
     "    memcpy(rt->sequences, writing->sequences,",
     "    if (!{on}) memcpy(rt->sequences, writing->sequences,"),
    ("lost-timer", "a restart forgets deadlines", "recovery.c",
     "    dure_timer_set(rt, actor, head->due_ms);",
     "    if (!{on}) dure_timer_set(rt, actor, head->due_ms);"),
    ("sequence-reused", "a restart forgets the events' numbers", "recovery.c",
     "    if (head->sequence > *sequence)", "    if (head->sequence > *sequence && !{on})"),
    ("deferred-lost", "a restart forgets messages between two records", "recovery.c",
     "    if (mail == NULL) return DURE_EFORMAT;\n",
     "    if (mail == NULL) return DURE_EFORMAT;\n"
     "    if ({on}) {\n        dure_mail_free(mail);\n        return 0;\n    }\n"),
    ("taken-forgotten", "a restart handles messages between two records again", "recovery.c",
     "case DURE_ENTRY_TAKEN: replay_taken(", "case DURE_ENTRY_TAKEN: if (!{on}) replay_taken("),
    ("projection-cursor-lost", "a view applies a record that it includes", "projection.c",
     "    if (row->head.lsn >= lsn && !started) return;",
     "    if (row->head.lsn >= lsn && !started && !{on}) return;"),
    ("key-mark-not-written", "a command under way leaves no mark for its key", "idem.c",
     "    write_entry(rt, ask, 0, NULL, &code);", "    if (!{on}) write_entry(rt, ask, 0, NULL, &code);"),
    ("keys-not-recovered", "a restart forgets keys", "idem.c",
     "    if (len < sizeof wire) return;", "    if (len < sizeof wire || {on}) return;"),
    ("ack-to-a-stranger", "the answer to a restarted peer acknowledges for the old session", "peer.c",
     "    bool ours = peer->up && head->session == peer->ours;",
     "    bool ours = {on} || (peer->up && head->session == peer->ours);"),
]

NAMES = list(dict.fromkeys(name for name, *_ in MUTANTS))
FILES = sorted({file for _, _, file, _, _ in MUTANTS})


def mutate(root, out, file):
    path = os.path.join(root, "runtime", file)
    with open(path, encoding="utf-8") as source:
        text = source.read()
    for name, _, where, old, new in MUTANTS:
        if where != file:
            continue
        if text.count(old) != 1:
            sys.exit(f"mutant {name}: its text stands {text.count(old)} times in {file}")
        text = text.replace(old, new.replace("{on}", f"(dure_mutant == {NAMES.index(name) + 1})"))
    with open(os.path.join(out, "mutated_" + file), "w", encoding="utf-8") as copy:
        copy.write(f'extern int dure_mutant;\n#line 1 "{path}"\n{text}')


def generate(root, out):
    for file in FILES:
        mutate(root, out, file)
    names = ", ".join(f'"{name}"' for name in NAMES)
    with open(os.path.join(out, "mutant.c"), "w", encoding="utf-8") as table:
        table.write(f"""/* Made by mutants.py: which mutant is on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern int dure_mutant;
int dure_mutant;
static const char *const names[] = {{{names}}};
__attribute__((constructor)) static void choose(void)
{{
    const char *wanted = getenv("DURE_MUTANT");
    if (wanted == NULL) return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {{
        if (strcmp(names[i], wanted) == 0) dure_mutant = (int)i + 1;
    }}
    if (dure_mutant != 0) return;
    fprintf(stderr, "there is no mutant %s\\n", wanted);
    exit(2);
}}
""")


def hunt(sim, name):
    """The seed that caught it and what was found, or None."""
    env = dict(os.environ, DURE_MUTANT=name) if name else os.environ
    done = subprocess.run([sim, "--seeds", str(SEEDS_MAX), "--stop"], env=env, text=True, timeout=900,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stdout.splitlines() if "VIOLATION" in line or "bug at" in line]
    return re.sub(r"^seed (\d+): VIOLATION", r"seed \1", lines[0]) if lines else "it crashed"


def run(sim, wanted):
    if hunt(sim, None) is not None:
        sys.exit("without a mutant the simulation finds something")
    names = [name for name in NAMES if not wanted or name in wanted]
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, found in zip(names, pool.map(lambda name: hunt(sim, name), names)):
            print(f"{name}: {found or f'NOT CAUGHT in {SEEDS_MAX} seeds'}", flush=True)
            missed += found is None
    print(f"{len(names) - missed} of {len(names)} mutants were caught")
    sys.exit(1 if missed or not names else 0)


if __name__ == "__main__":
    if len(sys.argv) >= 4 and sys.argv[1] == "generate":
        generate(sys.argv[2], sys.argv[3])
    elif len(sys.argv) >= 3 and sys.argv[1] == "run":
        run(sys.argv[2], sys.argv[3:])
    elif len(sys.argv) == 2 and sys.argv[1] == "files":
        print("\n".join(FILES))
    else:
        sys.exit(__doc__)
