/*
 * Points in time as text, by the proleptic Gregorian calendar and without the C library's locale
 * and time zone. Pure; any thread.
 */
#ifndef DURE_RUNTIME_DATE_H
#define DURE_RUNTIME_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z of the first and the last moment that has four digits of
 * year: 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
#define DURE_DATE_MS_MIN (-INT64_C(62135596800000))
#define DURE_DATE_MS_MAX INT64_C(253402300799999)

/*
 * Reads `2024-04-04` (midnight UTC) or ISO 8601 with a time: seconds and their fraction may be
 * missing, the zone is Z, +09:00, +0900, +09, or missing (UTC, as the originals read it). Digits of
 * the fraction beyond the millisecond are cut off. False when it is no such text, no day of the
 * calendar, or outside of the range above.
 */
bool dure_date_read(const char *text, size_t len, int64_t *ms);

/* Writes `2024-10-10T14:47:21.124+00:00` without a NUL; ms must be in range. */
#define DURE_DATE_TEXT_LEN 29
void dure_date_write(int64_t ms, char *to);

#endif
