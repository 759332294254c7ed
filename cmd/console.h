/*
 * The console's files as they are in the program. Made by cmd/web/build; absent with
 * -Dconsole=disabled.
 */
#ifndef DURE_CMD_CONSOLE_H
#define DURE_CMD_CONSOLE_H

#include "proto/console.h"

extern const struct dure_console dure_cmd_console;

#endif
