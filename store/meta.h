/*
 * A look at an LMDB data file before it is opened.
 */
#ifndef DURE_STORE_META_H
#define DURE_STORE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/errors.h"

/* 0 when the data file is absent, empty or sound as far as its first pages tell; DURE_ECORRUPT when
 * it is damaged or cut off; or what the system says. */
DURE_MUST_CHECK int dure_meta_check(const char *path);

#endif
