/*
 * UTF-8 (RFC 3629 section 4): shortest forms only, no surrogates, at most U+10FFFF, no NUL. Eight
 * bytes of ASCII at a time; "is there a zero byte" is from S. E. Anderson, "Bit Twiddling Hacks".
 */
#include "runtime/schema.h"

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS (ONES << 7)

static size_t sequence_len(const unsigned char *at, size_t left)
{
    unsigned char a = at[0];
    if (a < 0x80) return a != 0;
    size_t len = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;
    if (a < 0xc2 || a > 0xf4 || len > left) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
    }
    if (a == 0xe0 && at[1] < 0xa0) return 0; /* Longer than needed. */
    if (a == 0xed && at[1] > 0x9f) return 0; /* Surrogates. */
    if (a == 0xf0 && at[1] < 0x90) return 0;
    if (a == 0xf4 && at[1] > 0x8f) return 0; /* Beyond U+10FFFF. */
    return len;
}

bool dure_utf8_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint64_t eight;
        if (len - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            /* High bits and, among ASCII, NULs. */
            if (((eight | (eight - ONES)) & HIGHS) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        size_t step = sequence_len((const unsigned char *)text + i, len - i);
        if (step == 0) return false;
        i += step;
    }
    return true;
}
