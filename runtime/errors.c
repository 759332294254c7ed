/*
 * The table of operating errors. Happy path: a code in, its row out. Any thread.
 */
#include "runtime/errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct dure_error_info table[] = {
    {DURE_OK, "DURE_OK", false, 200, "done"},
    {DURE_EINVAL, "DURE_EINVAL", false, 400, "the input is malformed"},
    {DURE_ENOTFOUND, "DURE_ENOTFOUND", false, 404, "there is nothing under this name"},
    {DURE_ECONFLICT, "DURE_ECONFLICT", false, 409, "the present state forbids it"},
    {DURE_EPRECONDITION, "DURE_EPRECONDITION", false, 412, "the version is another one by now"},
    {DURE_ETOOBIG, "DURE_ETOOBIG", false, 413, "it is larger than the limit"},
    {DURE_EBUSY, "DURE_EBUSY", true, 503, "a queue is full, try again later"},
    {DURE_ENOSPC, "DURE_ENOSPC", true, 507, "the disk is full, nothing was changed"},
    {DURE_EIO, "DURE_EIO", true, 503, "the disk failed, the node stops"},
    {DURE_ECORRUPT, "DURE_ECORRUPT", false, 503, "stored data fails its checks"},
    {DURE_EFORMAT, "DURE_EFORMAT", false, 503, "the data was written by a newer version"},
    {DURE_ELOCKED, "DURE_ELOCKED", true, 503, "another process has the data directory open"},
    {DURE_ENOMEM, "DURE_ENOMEM", true, 503, "memory ran out"},
    {DURE_EREFUSED, "DURE_EREFUSED", true, 503, "another owner wrote to this journal"},
    {DURE_EUNKNOWN, "DURE_EUNKNOWN", true, 503, "the outcome of the write is not known yet"},
    {DURE_ENETFS, "DURE_ENETFS", false, 503, "the data directory is on a network file system"},
    {DURE_ESHUTDOWN, "DURE_ESHUTDOWN", true, 503, "the node is stopping"},
    {DURE_EKEYREUSED, "DURE_EKEYREUSED", false, 422,
     "this Idempotency-Key was used with another payload"},
    {DURE_EKEYRUNNING, "DURE_EKEYRUNNING", true, 409,
     "the first request with this Idempotency-Key is still running"},
    {DURE_EUNAVAILABLE, "DURE_EUNAVAILABLE", true, 503, "the owner of this shard is not reachable"},
    {DURE_ESYSTEM, "DURE_ESYSTEM", true, 503, "the operating system refused a call"},
};

_Static_assert(sizeof(table) / sizeof(table[0]) == -DURE_ERROR_LAST + 1,
               "every error has exactly one row");

const struct dure_error_info *dure_error_info(int code)
{
    DURE_ASSERT(code <= 0 && code >= DURE_ERROR_LAST);
    const struct dure_error_info *row = &table[-code];
    DURE_ASSERT(row->code == code);
    return row;
}

int dure_error_from_errno(int err)
{
    switch (err) {
    case 0: return DURE_OK;
    case ENOSPC:
    case EDQUOT: return DURE_ENOSPC;
    case EIO: return DURE_EIO;
    case ENOMEM: return DURE_ENOMEM;
    case ENOENT: return DURE_ENOTFOUND;
    case EINVAL: return DURE_EINVAL;
    default: return DURE_ESYSTEM;
    }
}

_Noreturn void dure_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "dure: bug at %s:%d: %s\n", file, line, expr);
    abort();
}
