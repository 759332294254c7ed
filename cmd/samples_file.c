/*
 * The samples file: a head, and a place for each of DURE_SAMPLES_MAX slots, used round and round.
 *
 *   1. open    read all places, take what is whole and of the last minutes, by time
 *   2. write   each sample into the place of its slot, on a pool thread, without a sync
 *
 * A kill loses nothing, a power loss the last seconds; a torn record is one whose checksum is
 * wrong. Loop thread, but for run.
 */
#include "cmd/samples_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

struct head {
    char magic[8];
    uint32_t record_bytes, records;
};
static const struct head wanted = {"dureSmp", sizeof(struct dure_samples_record), DURE_SAMPLES_MAX};

static off_t place_of(int64_t slot)
{
    return (off_t)(sizeof wanted + (size_t)(slot % DURE_SAMPLES_MAX) * wanted.record_bytes);
}

static uint32_t checksum(const struct dure_samples_record *record)
{
    return dure_crc32c(0, &record->sample, sizeof record->sample);
}

/* ---- 1: open --------------------------------------------------------------------------------- */

static int by_slot(const void *a, const void *b)
{
    const struct dure_samples_record *one = a, *other = b;
    return one->sample.slot < other->sample.slot ? -1 : one->sample.slot > other->sample.slot;
}

static void read_samples(int fd, int64_t now, struct dure_samples *samples)
{
    static struct dure_samples_record records[DURE_SAMPLES_MAX]; /* Once a process. */
    ssize_t len = pread(fd, records, sizeof records, sizeof wanted);
    size_t count = len > 0 ? (size_t)len / sizeof records[0] : 0;
    qsort(records, count, sizeof records[0], by_slot);
    for (size_t i = 0; i < count; i++) {
        const struct dure_sample *sample = &records[i].sample;
        bool whole = records[i].crc == checksum(&records[i]) && sample->took_ns > 0;
        if (whole && sample->slot > now - DURE_SAMPLES_MAX && sample->slot <= now)
            dure_samples_push(samples, sample);
    }
}

/* 0, or what errno says. Another version's, or another's altogether, is emptied. */
static int prepare(int fd, int64_t now, struct dure_samples *samples)
{
    struct head head;
    bool ours = pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
                memcmp(&head, &wanted, sizeof head) == 0;
    if (ours) {
        read_samples(fd, now, samples);
        return 0;
    }
    if (ftruncate(fd, 0) != 0) return errno;
    errno = ENOSPC; /* What a short write means. */
    return pwrite(fd, &wanted, sizeof wanted, 0) == (ssize_t)sizeof wanted ? 0 : errno;
}

void dure_samples_file_open(struct dure_samples_file *file, const char *dir, struct dure_io *io,
                            struct dure_samples *samples, int *os_error)
{
    char path[4096];
    *file = (struct dure_samples_file){.fd = -1, .io = io};
    *os_error = ENAMETOOLONG;
    if ((size_t)snprintf(path, sizeof path, "%s/samples", dir) >= sizeof path) return;
    file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    *os_error = file->fd < 0 ? errno : prepare(file->fd, io->wall_ms(io) / DURE_SAMPLE_MS, samples);
    if (*os_error != 0) dure_samples_file_close(file);
}

void dure_samples_file_close(struct dure_samples_file *file)
{
    DURE_ASSERT(!file->writing);
    if (file->fd > 0) (void)close(file->fd); /* Nothing hangs on it. */
    file->fd = -1;
}

/* ---- 2: write -------------------------------------------------------------------------------- */

static struct dure_samples_file *file_of(struct dure_work *work)
{
    return (struct dure_samples_file *)((char *)work - offsetof(struct dure_samples_file, work));
}

static void run(struct dure_work *work)
{
    struct dure_samples_file *file = file_of(work);
    const struct dure_samples_record record = file->record;
    ssize_t written = pwrite(file->fd, &record, sizeof record, place_of(record.sample.slot));
    (void)written; /* Less than all of it: its checksum will tell. */
}

static void done(struct dure_work *work)
{
    file_of(work)->writing = false;
}

void dure_samples_file_write(struct dure_samples_file *file, const struct dure_sample *sample)
{
    if (file->fd < 0 || file->writing) return;
    file->record = (struct dure_samples_record){.sample = *sample};
    file->record.crc = checksum(&file->record);
    file->work = (struct dure_work){.run = run, .done = done};
    file->writing = true;
    file->io->work(file->io, &file->work);
}
