/*
 * The codec that the checkpoint thread is given: a live object has the index keys of its packed row,
 * and every type is listed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/systems.h"
#include "runtime/core.h"

static uint64_t pick(uint64_t *random, uint64_t below)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*random >> 33) % below;
}

/* A field that is indexed gets any value that it can hold; every fourth none. */
static void fill(const struct dure_field *field, void *state, uint64_t *random)
{
    char *at = (char *)state + field->offset;
    dure_field_set_null(field, state);
    if (pick(random, 4) == 0) return;
    int64_t number = (int64_t)pick(random, 1 << 30) - (1 << 29);
    switch (field->kind) {
    case DURE_INT:
    case DURE_DATE: memcpy(at, &number, sizeof number); break;
    case DURE_BOOL: *at = (char)pick(random, 2); break;
    case DURE_ENUM: *at = (char)(field->texts[1] != NULL ? 1 : 0); break;
    case DURE_TEXT: memset(at, (int)('a' + pick(random, 26)), pick(random, field->size)); break;
    case DURE_REAL: break;
    }
}

static size_t check_once(const struct dure_row_codec *codec, struct dure_type *type,
                         struct dure_row_image *image, uint64_t *random)
{
    struct dure_index_key packed[DURE_INDEX_KEYS_MAX], live[DURE_INDEX_KEYS_MAX];
    struct dure_buf row = {0};
    bool saga = type->kind == DURE_KIND_SAGA;
    image->type = type;
    image->head = (struct dure_actor_head){.lsn = 1, .version = 1, .exists = 1, .due_ms = DURE_NULL};
    dure_row_init_state(type, image->state);
    for (size_t i = 0; i < type->schema->fields_count; i++) {
        fill(&type->schema->fields[i], saga ? DURE_SAGA_DATA(image->state) : image->state, random);
    }
    struct dure_row_write write = {.type = type->code, .id = 1, .value = image, .value_len = 1,
                                   .encode = true};
    codec->pack(codec->arg, &write, &row);
    size_t count = codec->index(codec->arg, type->code, row.data, row.len, packed);
    assert_int_equal(codec->index_live(codec->arg, &write, live), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(live[i].field, packed[i].field);
        assert_true(live[i].value == packed[i].value);
    }
    dure_buf_fini(&row);
    return count;
}

static void test_index_live(void **state)
{
    (void)state;
    struct dure_row_codec codec = dure_row_codec();
    uint64_t random = 1;
    size_t keys = 0;
    for (size_t i = 0; i < dure_registry_count(); i++) {
        struct dure_type *type = dure_registry_type(i);
        struct dure_row_image *image =
            aligned_alloc(16, (sizeof *image + type->state_size + 15) & ~(size_t)15);
        assert_non_null(image);
        for (int n = 0; n < 200; n++) keys += check_once(&codec, type, image, &random);
        free(image);
    }
    assert_true(keys >= 800); /* Four fields of the shop at least are indexed. */
}

static void test_types(void **state)
{
    (void)state;
    struct dure_row_codec codec = dure_row_codec();
    assert_int_equal(codec.types_count, dure_registry_count());
    for (size_t i = 0; i < codec.types_count; i++) {
        assert_int_equal(codec.types[i], dure_registry_type(i)->code);
    }
}

static int setup(void **state)
{
    (void)state;
    return dure_registry_init(dure_systems());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_index_live),
                                       cmocka_unit_test(test_types)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
