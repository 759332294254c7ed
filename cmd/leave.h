/*
 * A bound on leaving. Everything is on disk by then; what is left to close are sockets, and nng 1.5
 * may wait for ever for one of them (proto/hangup.h tells how).
 */
#ifndef DURE_CMD_LEAVE_H
#define DURE_CMD_LEAVE_H

/* Less than the supervisor waits before it kills. */
#define DURE_LEAVE_MS 8000

/* The process ends with `status` after DURE_LEAVE_MS, and says so, unless it has ended before. Cannot
 * fail: without memory for a thread there is no bound. */
void dure_leave_in_time(int status);

#endif
