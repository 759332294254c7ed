/*
 * A node's samples on disk, so that its last minutes are there when it comes back: DIR/samples. Of
 * no use to anybody else, and no harm where it is lost: it is begun anew, and so is the history.
 */
#ifndef DURE_CMD_SAMPLES_FILE_H
#define DURE_CMD_SAMPLES_FILE_H

#include "proto/samples.h"

struct dure_samples_file {
    int fd; /* -1: there is none; samples are kept in memory only. */
    struct dure_io *io;
    struct dure_work work;
    bool writing;
    struct dure_samples_record {
        struct dure_sample sample;
        uint32_t crc; /* CRC-32C of the sample. */
        uint32_t zero;
    } record; /* On its way. */
};

/*
 * Opens it or makes it, and reads what was sampled before now and is not too old. Nothing that is
 * wrong with it is an error: *os_error says what, or is 0. `io` is for writing. Reads 100 KB.
 */
void dure_samples_file_open(struct dure_samples_file *file, const char *dir, struct dure_io *io,
                            struct dure_samples *samples, int *os_error);
/* Keeps one, on a pool thread. The disk may be slow or full: then it is left out. */
void dure_samples_file_write(struct dure_samples_file *file, const struct dure_sample *sample);
/* The loop has run to its end. Safe on one that is not open. */
void dure_samples_file_close(struct dure_samples_file *file);

#endif
