/*
 * All that the runtime core sees of the outside besides the store: time, randomness, a thread pool,
 * and being called again. loop.c implements it on libuv; tests implement it with a virtual clock.
 */
#ifndef DURE_RUNTIME_IO_H
#define DURE_RUNTIME_IO_H

#include <stdint.h>

/* Embedded in the request of its owner, who keeps it until `done`. */
struct dure_work {
    void (*run)(struct dure_work *work);  /* On a pool thread. */
    void (*done)(struct dure_work *work); /* On the loop, later. */
};

struct dure_io {
    int64_t (*wall_ms)(struct dure_io *io);  /* Milliseconds since the epoch. */
    uint64_t (*mono_ns)(struct dure_io *io); /* Monotonic, for durations only. */
    uint64_t (*random)(struct dure_io *io);
    /* Calls the runtime's turn again in the next round of the loop. */
    void (*soon)(struct dure_io *io);
    /* Calls the runtime's turn at wall_ms `due` at the latest; a later call replaces it. */
    void (*alarm)(struct dure_io *io, int64_t due_ms);
    void (*work)(struct dure_io *io, struct dure_work *work);
};

#endif
