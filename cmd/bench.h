/*
 * `dure bench`: measures a running dure (or any HTTP server) by driving whole order sagas over
 * HTTP, and the journal of this machine by appending to it with nothing else.
 */
#ifndef DURE_CMD_BENCH_H
#define DURE_CMD_BENCH_H

/* argv[0] is the subcommand's name. Returns the exit status: 0 measured, 1 failed, 64 wrong usage.
 */
int dure_cmd_bench(int argc, char **argv);

#endif
