/*
 * The subcommands of dure, one file each. Each gets its own argv (argv[0] its name) and returns the
 * exit status.
 */
#ifndef DURE_CMD_COMMANDS_H
#define DURE_CMD_COMMANDS_H

int dure_cmd_node(int argc, char **argv);
int dure_cmd_up(int argc, char **argv);
int dure_cmd_status(int argc, char **argv);
int dure_cmd_verify(int argc, char **argv);
int dure_cmd_rebuild(int argc, char **argv);
int dure_cmd_dump(int argc, char **argv);
int dure_cmd_tail(int argc, char **argv);
int dure_cmd_call(int argc, char **argv);
int dure_cmd_sagas(int argc, char **argv);
int dure_cmd_top(int argc, char **argv);
int dure_cmd_completion(int argc, char **argv);
int dure_cmd_man(int argc, char **argv);
int dure_cmd_bench(int argc, char **argv);

#endif
