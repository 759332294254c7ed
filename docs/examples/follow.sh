#!/usr/bin/env bash
#
# follow.sh [TOPIC] [EVENTS] [REPLAY] - follows dure's events with nngcat (Debian: nng-utils) and
# python3 for the JSON of replies: each event once, of each shard in order.
#
# nngcat prints a line an event, live only, and loses some when we are slow. Each event's id is
# SHARD-SEQUENCE, and sequences have no gaps: what does not follow on is asked for at the replay
# address, and so is what may have been lost at the end, after two seconds of silence.
set -euo pipefail
topic=${1:-} events=${2:-tcp://127.0.0.1:8089} replay=${3:-tcp://127.0.0.1:8090}

declare -A last # Shard → sequence of the last event.
more=

show() { # JSON of an event
    if [[ $1 == *"\"type\":\"$topic"* ]]; then printf '%s\n' "$1"; fi
}

# Sends a request, takes over the position, shows the events.
ask() { # "from" as JSON
    local position pair line
    {
        read -r more position
        for pair in $position; do last[${pair%=*}]=${pair#*=}; done
        while read -r line; do show "$line"; done
    } < <(nngcat --req --dial "$replay" --data "{\"from\":$1}" --raw | python3 -c '
import json, sys
reply = json.load(sys.stdin)
if "error" in reply:
    sys.exit(reply["detail"])
position = (f"{shard}={sequence}" for shard, sequence in reply["next"].items())
print("end" if reply["end"] else "more", *position)
for event in reply["events"]:
    print(json.dumps(event, ensure_ascii=False, separators=(",", ":")))')
}

fill() {
    more=more
    while [ "$more" = more ]; do
        local from=() shard
        for shard in "${!last[@]}"; do from+=("\"$shard\":${last[$shard]}"); done
        ask "{$(IFS=, && echo "${from[*]}")}"
    done
}

# What comes before we know where to begin waits in the pipe. All events of all systems: only so can
# a gap be told from an event that the topic does not want.
exec {live}< <(exec nngcat --sub --async --dial "$events" --raw --subscribe shop. --subscribe food. \
    --subscribe bike. --subscribe secondhand. --subscribe dr.)
listener=$! # Of the next ones $! is another.
trap 'kill "$listener" 2>/dev/null || true' EXIT
ask '"end"'

while true; do
    status=0
    read -t 2 -r -u "$live" _ json || status=$?
    if [ "$status" -gt 128 ]; then # Silence.
        fill
        continue
    fi
    [ "$status" -eq 0 ] || break
    [[ $json =~ ^\{\"specversion\":\"1.0\",\"id\":\"([0-9]+)-([0-9]+)\" ]] || continue
    shard=${BASH_REMATCH[1]} sequence=${BASH_REMATCH[2]}
    if [ "$sequence" -gt $((last[$shard] + 1)) ]; then fill; fi
    if [ "$sequence" -eq $((last[$shard] + 1)) ]; then
        last[$shard]=$sequence
        show "$json"
    fi
done
