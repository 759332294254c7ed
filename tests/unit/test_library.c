/*
 * Each way of a loan through the library of the tutorial, on one node and on two that own every
 * other id, with a crash at every single step of it: loan, copies, reader and shelf end as they would
 * have without, and what was taken for a refused loan is put back once.
 *
 * On two nodes loans and reader are node 0's and the books node 1's.
 */
#include "docs/examples/library/library.h"
#include "tests/unit/ways.h"

#define COPIES (LIBRARY_LOANS_MAX + 1)
#define UNKNOWN 99
#define LOANS_MAX 4

static int64_t book, rare, reader; /* Of the rare one there is a single copy. */

static int64_t make(struct world *world, const struct dure_aggregate *aggregate, void *payload)
{
    ways_asked = world;
    world_ask(world, &ways_ask, aggregate->create, DURE_NEW, payload);
    ways_settle();
    assert_int_equal(ways_ask.status, 200);
    return ways_ask.id;
}

static void prepare(void)
{
    struct library_book wanted;
    dure_schema_init(library_book.create->schema, &wanted);
    strcpy(wanted.title, "토지");
    wanted.copies = COPIES;
    book = make(ways_node(ways_nodes - 1), &library_book, &wanted);
    wanted.copies = 1;
    rare = make(ways_node(ways_nodes - 1), &library_book, &wanted);
    struct library_reader person;
    dure_schema_init(library_reader.create->schema, &person);
    strcpy(person.name, "Kim");
    reader = make(ways_node(0), &library_reader, &person);
    if (ways_nodes == 2) assert_true(book % 2 == 1 && rare % 2 == 1 && reader % 2 == 0);
}

/* ---- Ways ----------------------------------------------------------------------------------- */

enum act { END, LEND, LEND_RARE, LEND_UNKNOWN, LEND_TO_NOBODY, RETURN };

struct way {
    const char *name;
    enum act acts[6];
    uint8_t statuses[LOANS_MAX];
    int64_t lent, rare_lent, read, times_lent;
    const char *reason; /* Of the last loan; NULL: none. */
};
static const struct way ways[] = {
    {"lent", {LEND}, {LIBRARY_LENT}, 1, 0, 0, 1, NULL},
    {"returned", {LEND, RETURN}, {LIBRARY_RETURNED}, 0, 0, 1, 1, NULL},
    {"returned twice", {LEND, RETURN, RETURN}, {LIBRARY_RETURNED}, 0, 0, 1, 1, NULL},
    {"lent again", {LEND, RETURN, LEND}, {LIBRARY_RETURNED, LIBRARY_LENT}, 1, 0, 1, 2, NULL},
    {"the only copy", {LEND_RARE, LEND_RARE}, {LIBRARY_LENT, LIBRARY_REFUSED}, 0, 1, 0, 0,
     "every copy"},
    {"no such book", {LEND_UNKNOWN}, {LIBRARY_REFUSED}, 0, 0, 0, 0, "no such book"},
    {"no such reader", {LEND_TO_NOBODY}, {LIBRARY_REFUSED}, 0, 0, 0, 0, "no such reader"},
    {"too many", {LEND, LEND, LEND, LEND},
     {LIBRARY_LENT, LIBRARY_LENT, LIBRARY_LENT, LIBRARY_REFUSED}, 3, 0, 0, 3, "has 3 books"},
};

static int64_t loans; /* Made by now. */

static int64_t nth(int64_t n)
{
    return n * ways_first_id();
}

static bool one_more(void)
{
    return ways_count(library_loan.type) > loans;
}

static void perform(enum act act)
{
    if (act == RETURN) {
        ways_do(ways_command(&library_loan, "return"), nth(loans), NULL, NULL);
        return;
    }
    const struct library_lend wanted = {
        .book_id = act == LEND_RARE ? rare : act == LEND_UNKNOWN ? UNKNOWN : book,
        .reader_id = act == LEND_TO_NOBODY ? UNKNOWN : reader};
    ways_do(library_loan.create, DURE_NEW, &wanted, one_more);
    loans++;
    assert_int_equal(ways_count(library_loan.type), loans);
}

/* ---- What must be there afterwards ---------------------------------------------------------- */

static void check_book(int64_t id, int64_t lent, int64_t times_lent)
{
    const struct library_book *found = ways_state(&library_book, id);
    const struct library_shelf *shelf = ways_state(&library_shelf, id);
    assert_int_equal(found->lent, lent);
    assert_int_equal(shelf->left, found->copies - lent);
    assert_int_equal(shelf->times_lent, times_lent);
}

static void check(const struct way *way)
{
    for (int64_t n = 1; n <= loans; n++) {
        const struct library_loan *loan = ways_state(&library_loan, nth(n));
        assert_int_equal(loan->status, way->statuses[n - 1]);
        assert_int_equal(loan->due_ms != DURE_NULL, loan->status != LIBRARY_REFUSED);
        if (loan->status == LIBRARY_REFUSED) {
            assert_non_null(strstr(loan->reason, way->reason));
        }
    }
    check_book(book, way->lent, way->times_lent);
    check_book(rare, way->rare_lent, way->rare_lent);
    const struct library_reader *person = ways_state(&library_reader, reader);
    assert_int_equal(person->loans, way->lent + way->rare_lent);
    assert_int_equal(person->books_read, way->read);
    assert_int_equal(ways_count(library_lend_saga.type), 0);
    assert_int_equal(ways_count(library_return_saga.type), 0);
}

static void walk(const void *arg)
{
    const struct way *way = arg;
    loans = 0;
    for (size_t i = 0; way->acts[i] != END; i++) perform(way->acts[i]);
    ways_settle();
    check(way);
}

static const struct ways_table all_ways = {
    .ways = ways, .count = sizeof ways / sizeof ways[0], .size = sizeof ways[0],
    .prepare = prepare, .walk = walk,
};

static void test_one_node(void **state)
{
    (void)state;
    ways_on_one_node(&all_ways, 4);
}

static void test_one_turn_a_record(void **state)
{
    (void)state;
    ways_turn_by_turn(&all_ways, 8);
}

static void test_two_nodes(void **state)
{
    (void)state;
    ways_on_two_nodes(&all_ways, 16);
}

static int setup(void **state)
{
    (void)state;
    static const struct dure_system *const systems[] = {&library_system, NULL};
    world_seed_set(world_seed(1));
    return dure_registry_init(systems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_one_turn_a_record),
        cmocka_unit_test(test_two_nodes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
