/*
 * Proves that frames of another node are answered once each whatever they hold, and that answers
 * that make no sense become a 503, and where new aggregates are made: a gateway, and a node 1 that is only its peers, over a wire in
 * memory. The frames that are cut off and changed are those that the gateway itself sends.
 */
#include "tests/unit/gateway_toy.h"

#include "proto/list_part.h"
#include "proto/metrics_spread.h"
#include "proto/remote.h"

/* ---- Node 1, and the wire -------------------------------------------------------------------- */

struct datagram {
    struct datagram *next;
    struct dure_peers *to;
    size_t len;
    _Alignas(8) char bytes[];
};

static struct dure_peers *here, *there;
static struct datagram *first, **last = &first;
static struct dure_remotes *remotes;

/* What node 1 was asked last, and how many whole answers it has had. */
static struct dure_buf asked;
static enum dure_peer_kind asked_kind;
static size_t questions, answers;

static void send_datagram(struct dure_wire *wire, uint16_t node, const void *bytes, size_t len)
{
    (void)wire;
    struct datagram *datagram = malloc(sizeof *datagram + len);
    assert_non_null(datagram);
    *datagram = (struct datagram){.to = node == 0 ? here : there, .len = len};
    memcpy(datagram->bytes, bytes, len);
    *last = datagram;
    last = &datagram->next;
}
static struct dure_wire wire = {.send = send_datagram};

static void on_frame(void *arg, uint16_t from, enum dure_peer_kind kind, const void *bytes,
                     size_t len)
{
    (void)arg;
    assert_int_equal(from, 0);
    if (kind == DURE_PEER_FORWARD || kind == DURE_PEER_GATHER) {
        questions++;
        asked_kind = kind;
        asked.len = 0;
        dure_buf_add(&asked, bytes, len);
        return;
    }
    uint32_t more;
    assert_true(len >= 16);
    memcpy(&more, (const char *)bytes + 8, sizeof more);
    answers += more == 0;
}
static struct dure_peer_user user = {.frame = on_frame};

static void exchange_datagrams(void)
{
    dure_peer_run(here);
    dure_peer_run(there);
    while (first != NULL) {
        struct datagram *datagram = first;
        first = datagram->next;
        if (first == NULL) last = &first;
        dure_peer_received(datagram->to, datagram->bytes, datagram->len);
        free(datagram);
    }
}

static void rounds(int count)
{
    for (int i = 0; i < count; i++) {
        round_of_loop();
        exchange_datagrams();
    }
}

static int open_two(void **state)
{
    assert_int_equal(open_node(state), 0);
    struct dure_peer_options options = {.node = 0, .nodes = 2, .io = &io, .wire = &wire};
    assert_int_equal(dure_peer_open(&here, &options), 0);
    options.node = 1;
    assert_int_equal(dure_peer_open(&there, &options), 0);
    assert_int_equal(dure_remote_open(&remotes, here), 0);
    for (enum dure_peer_kind kind = DURE_PEER_FORWARD; kind <= DURE_PEER_PART; kind++)
        dure_peer_use(there, kind, &user);
    dure_gateway_set_remotes(gateway, remotes);
    while (!dure_peer_is_up(here, 1) || !dure_peer_is_up(there, 0)) exchange_datagrams();
    questions = answers = 0;
    return 0;
}

static int close_two(void **state)
{
    rounds(5);
    assert_true(dure_gateway_idle(gateway));
    dure_gateway_set_remotes(gateway, NULL);
    dure_remote_close(remotes);
    dure_peer_close(here);
    dure_peer_close(there);
    while (first != NULL) {
        struct datagram *datagram = first;
        first = datagram->next;
        free(datagram);
    }
    last = &first;
    dure_buf_fini(&asked);
    return close_node(state);
}

static void request(enum dure_method method, const char *target, const char *body)
{
    clear();
    header("Host", "h");
    header("Idempotency-Key", "k");
    ask(method, target, body);
    size_t before = questions;
    for (int i = 0; i < 20 && questions == before && !exchange.ended; i++) rounds(1);
}

/* Node 1 answers its last question with these bytes behind the head. */
static void answer(const void *bytes, size_t len)
{
    struct dure_buf frame = {0};
    dure_buf_add(&frame, asked.data, 8);
    dure_buf_add(&frame, &(uint64_t){0}, 8);
    dure_buf_add(&frame, bytes, len);
    enum dure_peer_kind kind = asked_kind + 1;
    assert_int_equal(dure_peer_send(there, 0, kind, frame.data, frame.len), 0);
    dure_buf_fini(&frame);
    for (int i = 0; i < 20 && !exchange.ended; i++) rounds(1);
}

static uint32_t below(uint32_t limit)
{
    static uint64_t seed = 20261121;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % limit;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

/* A frame that is cut off anywhere, or wrong in any byte, has one answer and breaks nothing. */
static void hostile_frames(enum dure_peer_kind kind)
{
    struct dure_buf frame = {0};
    dure_buf_add(&frame, asked.data, asked.len);
    size_t sent = 0;
    answers = 0;
    for (size_t len = 16; len <= frame.len; len++, sent++) {
        assert_int_equal(dure_peer_send(there, 0, kind, frame.data, len), 0);
        rounds(4);
    }
    for (int i = 0; i < 3000; i++, sent++) {
        struct dure_buf wrong = {0};
        dure_buf_add(&wrong, frame.data, frame.len);
        for (uint32_t n = below(3); n < 3; n++)
            wrong.data[16 + below((uint32_t)frame.len - 16)] = (char)below(256);
        assert_int_equal(dure_peer_send(there, 0, kind, wrong.data, wrong.len), 0);
        dure_buf_fini(&wrong);
        rounds(4);
    }
    for (int i = 0; i < 100 && answers < sent; i++) rounds(1);
    assert_int_equal(answers, sent);
    dure_buf_fini(&frame);
}

static void test_hostile_requests(void **state)
{
    (void)state;
    request(DURE_PATCH, "/accounts/1", "{\"name\":\"b\",\"balance\":5}");
    assert_int_equal(asked_kind, DURE_PEER_FORWARD);
    answer("", 0);
    assert_int_equal(exchange.status, 503);
    /* One that is ours, so that it goes all the way. */
    char *id = memmem(asked.data, asked.len, "/accounts/1", 11);
    assert_non_null(id);
    id[10] = '2';
    hostile_frames(DURE_PEER_FORWARD);
}

static void test_hostile_questions(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) /* Keys of ours and of theirs: some are made here. */
        assert_true(call(DURE_POST, "/toy/accounts", "{\"name\":\"a\",\"balance\":2}", NULL) ==
                    201);
    request(DURE_GET, "/accounts?sort=name,desc&size=3", NULL);
    assert_int_equal(asked_kind, DURE_PEER_GATHER);
    answer("", 0);
    assert_int_equal(exchange.status, 200);
    hostile_frames(DURE_PEER_GATHER);
}

static void test_hostile_items(void **state)
{
    (void)state;
    assert_int_equal(call(DURE_POST, "/accounts", "{\"name\":\"z\",\"balance\":2}", NULL), 201);
    request(DURE_GET, "/accounts?sort=name,desc&size=3", NULL);
    struct {
        int32_t rv;
        uint32_t zero;
        struct dure_list_ids head;
        int64_t id;
        char name[sizeof((struct account *)0)->name];
    } ids = {0, 0, {.count = 1, .total = 1, .key_bytes = sizeof ids.name}, 7, "a"};
    size_t before = questions;
    answer(&ids, sizeof ids);
    while (questions == before) rounds(1); /* Now for the item. */
    struct dure_buf kept = {0};
    dure_buf_add(&kept, asked.data, asked.len);
    struct {
        int32_t rv;
        uint32_t zero;
        struct dure_list_row row;
        char json[8];
    } part = {0, 0, {.id = 7, .len = 8}, {'{', '"', 'i', '"', ':', '7', '}', ' '}};
    answer(&part, sizeof part);
    dure_buf_byte(&exchange.body, '\0');
    assert_int_equal(exchange.status, 200);
    has("{\"i\":7} ]"); /* Falling names: ours first. */
    has("\"totalElements\":2");
    asked.len = 0;
    dure_buf_add(&asked, kept.data, kept.len);
    dure_buf_fini(&kept);
    hostile_frames(DURE_PEER_GATHER);
}

/* Answers of any bytes: the client hears 503, or the list says who is missing. */
static void test_hostile_answers(void **state)
{
    (void)state;
    for (int i = 0; i < 600; i++) {
        uint64_t bytes[16];
        for (size_t j = 0; j < 16; j++) bytes[j] = below(4) ? below(3) : below(UINT32_MAX);
        bool list = i % 2;
        request(DURE_GET, list ? "/accounts?sort=name" : "/accounts/1", NULL);
        assert_false(exchange.ended);
        answer(bytes, below(sizeof bytes));
        while (!exchange.ended) answer(bytes, below(sizeof bytes)); /* A list may ask again. */
        if (!list)
            assert_int_equal(exchange.status, 503);
        else
            assert_true(exchange.status == 200 || exchange.status >= 400);
    }
}

/* What is asked of a node that goes is answered when it goes. */
static void test_gone(void **state)
{
    (void)state;
    request(DURE_GET, "/accounts/1", NULL);
    assert_false(exchange.ended);
    dure_peer_hint(here, 1, false);
    for (int i = 0; i < 2; i++) round_of_loop(); /* Nothing from node 1: it stays away. */
    assert_int_equal(exchange.status, 503);
    assert_int_equal(call(DURE_PATCH, "/accounts/1", "{}", NULL), 503);
    has("node 1");
    has_header("Retry-After: 1\r\n");
    assert_int_equal(call(DURE_GET, "/accounts", NULL, NULL), 200);
    has("\"partial\":true");
    has_header("Dure-Partial: nodes 1\r\n");
    while (!dure_peer_is_up(here, 1)) rounds(1);
    request(DURE_DELETE, "/accounts/1", NULL);
    assert_false(exchange.ended);
    dure_remote_cut(remotes);
    assert_int_equal(exchange.status, 503);
}

/* Asked for here, it is made at node 1, since it is to stand beside what lies there. */
static bool goes_there(const char *body)
{
    size_t before = questions;
    clear();
    header("Host", "h");
    ask(DURE_POST, "/accounts", body);
    for (int i = 0; i < 20 && questions == before && !exchange.ended; i++) rounds(1);
    assert_int_equal(exchange.ended, questions == before);
    return !exchange.ended;
}

/* A new aggregate is made beside the one that it names: there while its node is reached, else here. */
static void test_beside(void **state)
{
    (void)state;
    assert_true(goes_there("{\"name\":\"a\",\"balance\":3}"));
    assert_int_equal(asked_kind, DURE_PEER_FORWARD);
    answer("", 0);
    assert_int_equal(exchange.status, 503);
    assert_false(goes_there("{\"name\":\"b\",\"balance\":4}"));
    assert_int_equal(exchange.status, 201);
    assert_false(goes_there("{\"name\":\"c\"}")); /* Beside nobody. */
    assert_int_equal(exchange.status, 201);
    /* A key is kept where it lives, whatever stands there. */
    for (char key[] = "a"; key[0] <= 'z'; key[0]++) {
        size_t before = questions;
        clear();
        header("Idempotency-Key", key);
        ask(DURE_POST, "/accounts", "{\"name\":\"d\",\"balance\":3}");
        for (int i = 0; i < 20 && questions == before && !exchange.ended; i++) rounds(1);
        if (exchange.ended) break; /* Of our own shard. */
        answer("", 0);
    }
    assert_int_equal(exchange.status, 201);
    dure_peer_hint(here, 1, false);
    rounds(2);
    assert_false(goes_there("{\"name\":\"e\",\"balance\":3}"));
    assert_int_equal(exchange.status, 201);
}

/* Families keep their order, each sample gets its node, and a missing page is said. */
static void test_metrics(void **state)
{
    (void)state;
    static char a[] = "# HELP x What.\n# TYPE x counter\nx 1\n# HELP y Why.\n# TYPE y gauge\n"
                      "y{l=\"1\"} 2\ny{l=\"2\"} 3\n";
    static char b[] = "# HELP z New.\n# TYPE z gauge\nz 9\n# HELP y Why.\n# TYPE y gauge\n"
                      "y{l=\"1\"} 7\n# HELP x What.\n# TYPE x counter\nx 4\n";
    struct dure_buf own = {a, sizeof a - 1, 0}, other = {b, sizeof b - 1, 0}, out = {0};
    const struct dure_buf *pages[] = {&own, NULL, &other};
    dure_metrics_merge(pages, 3, &own, &out);
    dure_buf_byte(&out, '\0');
    assert_string_equal(out.data, "# HELP x What.\n# TYPE x counter\nx{node=\"0\"} 1\n"
                                  "x{node=\"2\"} 4\n"
                                  "# HELP y Why.\n# TYPE y gauge\n"
                                  "y{node=\"0\",l=\"1\"} 2\ny{node=\"0\",l=\"2\"} 3\n"
                                  "y{node=\"2\",l=\"1\"} 7\n"
                                  "# HELP dure_node_up Whether the node could be asked.\n"
                                  "# TYPE dure_node_up gauge\ndure_node_up{node=\"0\"} 1\n"
                                  "dure_node_up{node=\"1\"} 0\ndure_node_up{node=\"2\"} 1\n");
    dure_buf_fini(&out);
}

int main(void)
{
    account.beside = "balance";
    if (dure_registry_init(systems) != 0) return 1;
    node_root = "toy";
    node_shards = 2; /* The odd ids are node 1's. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hostile_requests, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_hostile_questions, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_hostile_items, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_hostile_answers, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_gone, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_beside, open_two, close_two),
        cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
