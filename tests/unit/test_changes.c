/*
 * Who compares the counters of nodes learns of every change, whatever messages are lost, and of every
 * node that comes, goes or begins anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/changes.h"

struct state {
    int64_t id;
};
static const struct dure_field fields[] = {
    DURE_FIELD(struct state, id, "id", DURE_INT, .flags = DURE_ID),
};
static const struct dure_schema schema = DURE_SCHEMA("Account", struct state, fields);
static const struct dure_command *const commands[] = {NULL};
static struct dure_event_type *const events[] = {NULL};
static struct dure_aggregate account = {.system = "toy", .name = "account", .schema = &schema,
                                        .commands = commands, .events = events};
static struct dure_aggregate *const aggregates[] = {&account, NULL};
static const struct dure_system toy = {.name = "toy", .aggregates = aggregates};
static const struct dure_system *const systems[] = {&toy, NULL};

static struct dure_watch watch;
static int64_t clock_ms;

/* What is told by a node with these counters. */
static struct dure_news hear(int node, uint64_t epoch, uint64_t events, uint64_t count)
{
    struct dure_changes changes = {.epoch = epoch, .events = events};
    struct dure_news news = {0};
    struct dure_buf message = {0};
    changes.counts[account.type->index] = count;
    dure_changes_write(node, &changes, &message);
    dure_watch_hear(&watch, message.data, message.len, clock_ms, &news);
    dure_buf_fini(&message);
    return news;
}

static bool is_all(const struct dure_news *news)
{
    for (size_t i = 0; i < DURE_TYPES_MAX; i++) {
        if (!news->types[i]) return false;
    }
    return news->any;
}

static int begin(void **state)
{
    (void)state;
    memset(&watch, 0, sizeof watch);
    clock_ms = 1000;
    return 0;
}

static void test_written_and_read(void **state)
{
    (void)state;
    struct dure_changes changes = {.epoch = 5, .events = 70}, read;
    struct dure_buf message = {0};
    uint32_t node;
    changes.counts[account.type->index] = 3;
    dure_changes_write(7, &changes, &message);
    assert_int_equal(dure_changes_read(message.data, message.len, &node, &read), 0);
    assert_int_equal(node, 7);
    assert_memory_equal(&read, &changes, sizeof read);
    dure_buf_byte(&message, '\0');
    assert_string_equal(message.data, "@changes {\"node\":7,\"epoch\":5,\"events\":70,"
                                      "\"types\":{\"toy.account\":3}}\n");
    dure_buf_fini(&message);
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "@changes", "@changes ", "@changes []", "@changes {\"node\":0}",
        "@changes {\"node\":0,\"epoch\":1,\"events\":0,\"types\":[]}",
        "@changes {\"node\":-1,\"epoch\":1,\"events\":0,\"types\":{}}",
        "@changes {\"node\":64,\"epoch\":1,\"events\":0,\"types\":{}}",
        "@changes {\"node\":\"0\",\"epoch\":1,\"events\":0,\"types\":{}}",
        "@batch {\"node\":0,\"epoch\":1,\"events\":0,\"types\":{}}",
    };
    uint32_t node;
    struct dure_changes changes;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(dure_changes_read(texts[i], strlen(texts[i]), &node, &changes),
                         DURE_EINVAL);
    }
    /* Of a newer node, perhaps: types that we do not have. */
    const char newer[] = "@changes {\"node\":0,\"epoch\":1,\"events\":2,\"more\":1,"
                         "\"types\":{\"new.thing\":5,\"toy.account\":4}}\n";
    assert_int_equal(dure_changes_read(newer, sizeof newer - 1, &node, &changes), 0);
    assert_int_equal(changes.counts[account.type->index], 4);
}

static void test_only_what_differs(void **state)
{
    (void)state;
    struct dure_news news = hear(0, 1, 10, 4);
    assert_true(is_all(&news)); /* Nothing was known of it. */
    news = hear(0, 1, 10, 4);
    assert_false(news.any);
    news = hear(0, 1, 10, 9); /* Some messages between were lost. */
    assert_true(news.any && !is_all(&news) && news.types[account.type->index]);
    assert_int_equal(news.events, 0);
    news = hear(0, 1, 13, 9);
    assert_true(news.any && !news.types[account.type->index]);
    assert_int_equal(news.events, 3);
    news = hear(1, 1, 13, 9); /* Each node has its own. */
    assert_true(is_all(&news));
    assert_int_equal(news.events, 0);
}

/* The counters of another process may happen to be the same. */
static void test_began_anew(void **state)
{
    (void)state;
    (void)hear(2, 1, 10, 4);
    struct dure_news news = hear(2, 2, 10, 4);
    assert_true(is_all(&news));
    news = hear(2, 2, 10, 4);
    assert_false(news.any);
}

/* Its part of the lists is gone, once; and there again, once, though the process is the same. */
static void test_falls_silent(void **state)
{
    (void)state;
    (void)hear(0, 1, 10, 4);
    (void)hear(1, 1, 10, 4);
    clock_ms += DURE_CHANGES_SILENT_MS - 1;
    (void)hear(0, 1, 10, 4);
    struct dure_news news = {0};
    dure_watch_tick(&watch, clock_ms, &news);
    assert_false(news.any);
    dure_watch_tick(&watch, ++clock_ms, &news);
    assert_true(is_all(&news));
    news = (struct dure_news){0};
    dure_watch_tick(&watch, clock_ms + 1, &news);
    assert_false(news.any);
    news = hear(1, 1, 10, 4);
    assert_true(is_all(&news));
}

static void test_added_up(void **state)
{
    (void)state;
    struct dure_news news = {0}, one = {.any = true, .events = 2}, other = {.any = true, .events = 3};
    one.types[1] = other.types[5] = true;
    dure_news_add(&news, &one);
    dure_news_add(&news, &other);
    dure_news_add(&news, &(struct dure_news){0});
    assert_true(news.any && news.types[1] && news.types[5] && !news.types[2]);
    assert_int_equal(news.events, 5);
}

int main(void)
{
    if (dure_registry_init(systems) != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_written_and_read, begin),
        cmocka_unit_test_setup(test_what_is_none, begin),
        cmocka_unit_test_setup(test_only_what_differs, begin),
        cmocka_unit_test_setup(test_began_anew, begin),
        cmocka_unit_test_setup(test_falls_silent, begin),
        cmocka_unit_test_setup(test_added_up, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
