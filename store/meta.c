/*
 * A look at an LMDB data file before LMDB opens it. LMDB writes its two meta pages in turn and takes
 * the one with the higher number, without a checksum: a damaged one could silently bring yesterday's
 * tree back, or a map of any size. What is looked at (mdb.c, struct MDB_page and struct MDB_meta,
 * data version 1, which LMDB 0.9 has had from its beginning):
 *
 *   1. both pages carry the marks, and agree about the page size
 *   2. their numbers follow each other, the even one first; the newer one's file is no smaller
 *   3. the file is as long as the newer one says. A few pages may be missing at its end: those that
 *      were made and freed in one transaction are never written
 *
 * What stays unseen is a single bit: one that makes the last but one's number two higher while both
 * files are of one length. Pure reading. Any thread.
 */
#include "store/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0xbeefc0deu
#define DATA_VERSION 1
#define PAGE_META 0x08
#define PAGES_UNWRITTEN_MAX 64

struct tree {
    uint32_t page_bytes; /* In the first tree's place: of the file's pages. */
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries, root;
};
_Static_assert(sizeof(struct tree) == 48, "LMDB's MDB_db");

struct meta {
    uint64_t page;
    uint16_t unused, page_flags;
    uint32_t bounds;
    uint32_t magic, version;
    uint64_t address, map_bytes;
    struct tree trees[2]; /* Free pages, main. */
    uint64_t last_page, number;
};
_Static_assert(sizeof(struct meta) == 152, "LMDB's MDB_page and MDB_meta");
_Static_assert(sizeof(size_t) == 8, "LMDB's format follows the word size");

static bool read_meta(int fd, uint64_t at, struct meta *meta)
{
    return pread(fd, meta, sizeof *meta, (off_t)at) == (ssize_t)sizeof *meta &&
           meta->magic == MAGIC && meta->version == DATA_VERSION && meta->page_flags == PAGE_META;
}

static int check(int fd, uint64_t bytes)
{
    struct meta metas[2];
    if (!read_meta(fd, 0, &metas[0])) return DURE_ECORRUPT;
    uint64_t page = metas[0].trees[0].page_bytes;
    if (page < 512 || page > 65536 || (page & (page - 1)) != 0) return DURE_ECORRUPT;
    if (!read_meta(fd, page, &metas[1])) return DURE_ECORRUPT;
    if (metas[1].trees[0].page_bytes != page || metas[0].page != 0 || metas[1].page != 1) {
        return DURE_ECORRUPT;
    }
    uint64_t even = metas[0].number, odd = metas[1].number;
    bool in_step = (even % 2 == 0 && (odd == even + 1 || odd + 1 == even)) || (even == 0 && odd == 0);
    if (!in_step) return DURE_ECORRUPT;
    const struct meta *newer = &metas[odd > even], *older = &metas[odd <= even];
    if (newer->last_page < older->last_page || newer->last_page < 1) return DURE_ECORRUPT;
    if (newer->last_page >= bytes / page + PAGES_UNWRITTEN_MAX) return DURE_ECORRUPT;
    for (int i = 0; i < 2; i++) {
        uint64_t root = newer->trees[i].root;
        if (root != UINT64_MAX && (root < 2 || root > newer->last_page)) return DURE_ECORRUPT;
    }
    return 0;
}

int dure_meta_check(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : dure_error_from_errno(errno);
    int rv = fstat(fd, &info) == 0 ? 0 : dure_error_from_errno(errno);
    /* LMDB fills an empty file. */
    if (rv == 0 && info.st_size > 0) rv = check(fd, (uint64_t)info.st_size);
    close(fd);
    return rv;
}
