/*
 * Operating errors: one table row each, so that retry policy and HTTP status come from one place.
 *
 * Three kinds of trouble are never confused. A bug is a DURE_ASSERT, always on. An operating error
 * is a negative `int` from this table. A business refusal is an event or a reply, not an error.
 */
#ifndef DURE_RUNTIME_ERRORS_H
#define DURE_RUNTIME_ERRORS_H

#include <stdbool.h>

enum dure_error {
    DURE_OK = 0,
    DURE_EINVAL = -1,       /* The input is malformed. */
    DURE_ENOTFOUND = -2,    /* No such aggregate, key, record or route. */
    DURE_ECONFLICT = -3,    /* The present state forbids it. */
    DURE_EPRECONDITION = -4,/* If-Match named another version. */
    DURE_ETOOBIG = -5,      /* Larger than a bound of bounds.h. */
    DURE_EBUSY = -6,        /* A bounded queue is full: try again later. */
    DURE_ENOSPC = -7,       /* The disk is full: nothing was written, nothing is lost. */
    DURE_EIO = -8,          /* A write or sync failed: what is on disk is unknown. Fatal. */
    DURE_ECORRUPT = -9,     /* A checksum, a hash chain or a sequence does not fit. Fatal. */
    DURE_EFORMAT = -10,     /* Written by a newer version: refused, nothing touched. */
    DURE_ELOCKED = -11,     /* Another process has this data directory open. */
    DURE_ENOMEM = -12,      /* Memory ran out. */
    DURE_EREFUSED = -13,    /* Somebody else wrote at this journal index: deposed. */
    DURE_EUNKNOWN = -14,    /* It is unknown whether the append took place: send it again. */
    DURE_ENETFS = -15,      /* The data directory is on a network file system. */
    DURE_ESHUTDOWN = -16,   /* The node is stopping. */
    DURE_EKEYREUSED = -17,  /* This Idempotency-Key came with another payload. */
    DURE_EKEYRUNNING = -18, /* The first request with this Idempotency-Key is still running. */
    DURE_EUNAVAILABLE = -19,/* The owner of the shard is not reachable. */
    DURE_ESYSTEM = -20,     /* The operating system refused a call (permission, descriptors …). */
    DURE_ERROR_LAST = -20,
};

struct dure_error_info {
    int code;         /* enum dure_error */
    const char *name; /* "DURE_EINVAL" */
    bool retry;       /* The same request may succeed later. */
    int http_status;  /* What an HTTP client sees. */
    const char *text; /* One sentence, without a full stop. */
};

/* The row of `code`; never NULL: an unknown code is a bug and asserts. */
const struct dure_error_info *dure_error_info(int code);

/* Translates an errno value; what has no row of its own becomes DURE_ESYSTEM. */
int dure_error_from_errno(int err);

/* Prints the failed expression and aborts. Kept on in production: a bug must not go on writing. */
_Noreturn void dure_assert_failed(const char *expr, const char *file, int line);

#define DURE_ASSERT(expr) ((expr) ? (void)0 : dure_assert_failed(#expr, __FILE__, __LINE__))

#define DURE_MUST_CHECK __attribute__((warn_unused_result))

#endif
