/*
 * Positions as vectors and as text. Pure; any thread.
 */
#include "runtime/positions.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void dure_positions_fill(struct dure_positions *positions, uint32_t shards, uint64_t last)
{
    DURE_ASSERT(shards <= DURE_SHARDS_MAX);
    positions->shards = shards;
    for (uint32_t i = 0; i < shards; i++) positions->last[i] = last;
}

bool dure_positions_equal(const struct dure_positions *a, const struct dure_positions *b)
{
    return a->shards == b->shards && memcmp(a->last, b->last, a->shards * sizeof a->last[0]) == 0;
}

bool dure_positions_behind(const struct dure_positions *a, const struct dure_positions *b)
{
    for (uint32_t i = 0; i < a->shards && i < b->shards; i++) {
        if (b->last[i] != DURE_POSITION_NONE && a->last[i] < b->last[i]) return true;
    }
    return false;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

struct bits { /* Bytes on their way to groups of six bits. */
    struct dure_buf *out;
    uint32_t value;
    unsigned count;
};

static void put_byte(struct bits *bits, uint8_t byte)
{
    bits->value = bits->value << 8 | byte;
    bits->count += 8;
    while (bits->count >= 6) {
        bits->count -= 6;
        dure_buf_byte(bits->out, alphabet[bits->value >> bits->count & 63]);
    }
    bits->value &= (1u << bits->count) - 1;
}

static void put_number(struct bits *bits, uint64_t number)
{
    for (; number >= 128; number >>= 7) put_byte(bits, (uint8_t)(number | 128));
    put_byte(bits, (uint8_t)number);
}

void dure_positions_write(const struct dure_positions *positions, struct dure_buf *out)
{
    uint64_t least = DURE_POSITION_NONE;
    for (uint32_t i = 0; i < positions->shards; i++) {
        if (positions->last[i] < least) least = positions->last[i];
    }
    if (least == DURE_POSITION_NONE) least = 0;
    struct bits bits = {.out = out};
    dure_buf_byte(out, 'p');
    put_number(&bits, positions->shards);
    put_number(&bits, least);
    for (uint32_t i = 0; i < positions->shards; i++) {
        bool none = positions->last[i] == DURE_POSITION_NONE;
        put_number(&bits, none ? 0 : positions->last[i] - least + 1);
    }
    if (bits.count > 0) dure_buf_byte(out, alphabet[bits.value << (6 - bits.count) & 63]);
}

void dure_positions_write_json(const struct dure_positions *positions, struct dure_buf *out)
{
    dure_buf_byte(out, '{');
    bool first = true;
    for (uint32_t i = 0; i < positions->shards; i++) {
        if (positions->last[i] == DURE_POSITION_NONE) continue;
        if (!first) dure_buf_byte(out, ',');
        first = false;
        dure_buf_byte(out, '"');
        dure_buf_u64(out, i);
        dure_buf_lit(out, "\":");
        dure_buf_u64(out, positions->last[i]);
    }
    dure_buf_byte(out, '}');
}

/* ---- Reading ---------------------------------------------------------------------------------- */

struct text {
    const char *at, *end;
    uint32_t value;
    unsigned count;
};

/* -1: there is no further byte. */
static int get_byte(struct text *text)
{
    while (text->count < 8) {
        if (text->at == text->end) return -1;
        const char *found = memchr(alphabet, *text->at++, sizeof alphabet - 1);
        if (found == NULL) return -1;
        text->value = text->value << 6 | (uint32_t)(found - alphabet);
        text->count += 6;
    }
    text->count -= 8;
    int byte = (int)(text->value >> text->count & 255);
    text->value &= (1u << text->count) - 1;
    return byte;
}

static bool get_number(struct text *text, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        int byte = get_byte(text);
        if (byte < 0 || (shift == 63 && byte > 1)) return false;
        *number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

int dure_positions_read(struct dure_positions *positions, const char *text, size_t len)
{
    if (len < 1 || text[0] != 'p') return DURE_EINVAL;
    struct text rest = {.at = text + 1, .end = text + len};
    uint64_t shards, least, above;
    if (!get_number(&rest, &shards) || shards < 1 || shards > DURE_SHARDS_MAX) return DURE_EINVAL;
    if (!get_number(&rest, &least)) return DURE_EINVAL;
    positions->shards = (uint32_t)shards;
    for (uint32_t i = 0; i < shards; i++) {
        if (!get_number(&rest, &above) || above > DURE_POSITION_NONE - least) return DURE_EINVAL;
        positions->last[i] = above == 0 ? DURE_POSITION_NONE : least + above - 1;
    }
    return rest.at == rest.end && rest.value == 0 ? 0 : DURE_EINVAL;
}

/* ---- Topics ----------------------------------------------------------------------------------- */

bool dure_topic_match(const char *topics, const char *type, size_t len)
{
    if (topics[0] == '\0') return true;
    for (;;) {
        size_t part = strcspn(topics, ",");
        if (part <= len && memcmp(topics, type, part) == 0) return true;
        if (topics[part] == '\0') return false;
        topics += part + 1;
    }
}
