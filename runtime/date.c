/*
 * Dates in and out. Both conversions between days and the calendar are from H. Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms" (2013); the text is ISO 8601 as RFC 3339 narrows
 * it, a little widened. Reading fails with false. Pure; any thread.
 */
#include "runtime/date.h"

#include <string.h>

#include "runtime/errors.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_TO_1970 719468 /* From 0000-03-01, where Hinnant's eras begin. */
#define ERA_DAYS 146097     /* 400 years. */

static bool digits(const char **at, const char *end, int count, int64_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (*at == end || **at < '0' || **at > '9') return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool take(const char **at, const char *end, char byte)
{
    if (*at == end || **at != byte) return false;
    (*at)++;
    return true;
}

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400; /* No year before 1 comes here: year is at least 0. */
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

static bool read_day(const char **at, const char *end, int64_t *ms)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;
    if (!digits(at, end, 4, &year) || !take(at, end, '-') || !digits(at, end, 2, &month) ||
        !take(at, end, '-') || !digits(at, end, 2, &day)) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    if (day > lengths[month - 1] + (month == 2 && leap)) return false;
    *ms = days_from_civil(year, month, day) * DAY_MS;
    return true;
}

static bool read_time(const char **at, const char *end, int64_t *ms)
{
    int64_t hour, minute, second = 0;
    if (!digits(at, end, 2, &hour) || !take(at, end, ':') || !digits(at, end, 2, &minute)) {
        return false;
    }
    bool seconds = take(at, end, ':');
    if (seconds && !digits(at, end, 2, &second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *ms += hour * 3600000 + minute * 60000 + second * 1000;
    if (!seconds || !take(at, end, '.')) return true;
    if (*at == end || **at < '0' || **at > '9') return false;
    for (int64_t scale = 100; *at != end && **at >= '0' && **at <= '9'; (*at)++, scale /= 10) {
        *ms += (**at - '0') * scale;
    }
    return true;
}

static bool read_zone(const char **at, const char *end, int64_t *ms)
{
    if (*at == end || take(at, end, 'Z')) return true;
    int64_t sign = take(at, end, '+') ? -1 : take(at, end, '-') ? 1 : 0;
    int64_t hours, minutes = 0;
    if (sign == 0 || !digits(at, end, 2, &hours)) return false;
    bool colon = take(at, end, ':');
    if ((colon || *at != end) && !digits(at, end, 2, &minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    *ms += sign * (hours * 3600000 + minutes * 60000);
    return true;
}

bool dure_date_read(const char *text, size_t len, int64_t *ms)
{
    const char *at = text, *end = text + len;
    if (!read_day(&at, end, ms)) return false;
    if (at != end) {
        if (!take(&at, end, 'T') && !take(&at, end, ' ')) return false;
        if (!read_time(&at, end, ms) || !read_zone(&at, end, ms) || at != end) return false;
    }
    return *ms >= DURE_DATE_MS_MIN && *ms <= DURE_DATE_MS_MAX; /* A zone can lead out of it. */
}

static char *put_digits(char *to, int64_t value, int count, char after)
{
    for (int i = count; i-- > 0; value /= 10) to[i] = (char)('0' + value % 10);
    to[count] = after;
    return to + count + 1;
}

void dure_date_write(int64_t ms, char *to)
{
    /* What could not be read back must not get into the journal. */
    DURE_ASSERT(ms >= DURE_DATE_MS_MIN && ms <= DURE_DATE_MS_MAX);
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0);
    int64_t rest = ms - days * DAY_MS;
    int64_t shifted = days + DAYS_TO_1970; /* Positive from year 1 on. */
    int64_t era = shifted / ERA_DAYS;
    int64_t doe = shifted - era * ERA_DAYS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t month_from_march = (5 * doy + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    to = put_digits(to, yoe + era * 400 + (month <= 2), 4, '-');
    to = put_digits(to, month, 2, '-');
    to = put_digits(to, doy - (153 * month_from_march + 2) / 5 + 1, 2, 'T');
    to = put_digits(to, rest / 3600000, 2, ':');
    to = put_digits(to, rest / 60000 % 60, 2, ':');
    to = put_digits(to, rest / 1000 % 60, 2, '.');
    to = put_digits(to, rest % 1000, 3, '+');
    memcpy(to, "00:00", 5);
}
