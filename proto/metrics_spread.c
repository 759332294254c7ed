/*
 * Metrics of all nodes on one page, since a scrape of the common port reaches any of them.
 *
 *   1. gather   every node writes its page
 *   2. merge    family by family: its HELP and TYPE once, then the samples of each node in turn
 *
 * A page consists of families, each begun by its HELP line. A family that only another node has (of
 * a newer version) is left out. Loop thread.
 */
#include "proto/metrics_spread.h"

#include <stdlib.h>

static const char help[] = "# HELP ";

struct family {
    const char *head, *samples, *end; /* HELP and TYPE; the lines behind them. */
    size_t name_len;                  /* Of the name behind "# HELP ". */
};

static const char *next_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline != NULL ? newline + 1 : end;
}

static bool is_comment(const char *at, const char *end)
{
    return at < end && *at == '#';
}

static bool is_help(const char *at, const char *end)
{
    return (size_t)(end - at) > sizeof help - 1 && memcmp(at, help, sizeof help - 1) == 0;
}

/* The family at `at`; false at the end of the page. */
static bool read_family(const char *at, const char *end, struct family *family)
{
    while (at < end && !is_help(at, end)) at = next_line(at, end);
    if (at == end) return false;
    const char *name = at + sizeof help - 1;
    const char *blank = memchr(name, ' ', (size_t)(end - name));
    if (blank == NULL) return false;
    *family = (struct family){.head = at, .name_len = (size_t)(blank - name)};
    while (is_comment(at, end)) at = next_line(at, end);
    family->samples = at;
    while (at < end && !is_comment(at, end)) at = next_line(at, end);
    family->end = at;
    return true;
}

static bool find_family(const struct dure_buf *page, const struct family *wanted,
                        struct family *found)
{
    const char *at = page->data, *end = page->data + page->len;
    while (read_family(at, end, found)) {
        if (found->name_len == wanted->name_len &&
            memcmp(found->head + sizeof help - 1, wanted->head + sizeof help - 1,
                   wanted->name_len) == 0)
            return true;
        at = found->end;
    }
    return false;
}

/* name{a="b"} 1 → name{node="2",a="b"} 1, and name 1 → name{node="2"} 1 */
static void write_samples(const struct family *family, size_t node, struct dure_buf *out)
{
    const char *line = family->samples, *end;
    for (; line < family->end; line = end) {
        end = next_line(line, family->end);
        size_t name_len = 0;
        while (line + name_len < end && strchr("{ \n", line[name_len]) == NULL) name_len++;
        bool labels = line + name_len < end && line[name_len] == '{';
        dure_buf_add(out, line, name_len);
        dure_buf_printf(out, "{node=\"%zu\"%s", node, labels ? "," : "}");
        dure_buf_add(out, line + name_len + labels, (size_t)(end - line) - name_len - labels);
    }
}

void dure_metrics_merge(const struct dure_buf *const *pages, size_t count,
                        const struct dure_buf *own, struct dure_buf *out)
{
    struct family family, found;
    const char *at = own->data, *end = own->data + own->len;
    while (read_family(at, end, &family)) {
        dure_buf_add(out, family.head, (size_t)(family.samples - family.head));
        for (size_t i = 0; i < count; i++) {
            if (pages[i] != NULL && find_family(pages[i], &family, &found))
                write_samples(&found, i, out);
        }
        at = family.end;
    }
    dure_buf_lit(out, "# HELP dure_node_up Whether the node could be asked.\n"
                      "# TYPE dure_node_up gauge\n");
    for (size_t i = 0; i < count; i++)
        dure_buf_printf(out, "dure_node_up{node=\"%zu\"} %d\n", i, pages[i] != NULL);
}

/* ---- Gathering ------------------------------------------------------------------------------ */

struct spread {
    struct dure_gather gather;
    struct dure_call *call;
};

static void gathered(struct dure_gather *gather)
{
    struct spread *spread = (struct spread *)gather;
    struct dure_call *call = spread->call;
    const struct dure_buf *pages[DURE_NODES_MAX] = {0};
    struct dure_buf own = {0};
    uint16_t nodes = dure_remote_nodes(call->gateway->remotes);
    uint16_t self = dure_remote_self(call->gateway->remotes);
    dure_metrics_write(call->gateway, &own);
    for (uint16_t i = 0; i < nodes; i++) {
        if (i == self)
            pages[i] = &own;
        else if (gather->parts[i].rv == 0 && !gather->parts[i].missing)
            pages[i] = &gather->parts[i].bytes;
    }
    call->status = 200;
    dure_call_clear(call);
    dure_buf_lit(&call->headers, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    dure_metrics_merge(pages, nodes, &own, &call->body);
    dure_buf_fini(&own);
    dure_gather_fini(gather);
    free(spread);
    dure_call_respond(call);
}
_Static_assert(offsetof(struct spread, gather) == 0, "a gather is its spread");

void dure_metrics_spread(struct dure_call *call)
{
    struct spread *spread = calloc(1, sizeof *spread);
    if (spread == NULL) {
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    spread->call = call;
    spread->gather = (struct dure_gather){.gateway = call->gateway, .done = gathered};
    if (dure_gather_init(&spread->gather) != 0) {
        free(spread);
        dure_call_fail(call, DURE_ENOMEM);
        return;
    }
    dure_gather_begin(&spread->gather);
    dure_gather_frame(&spread->gather, DURE_GATHER_METRICS);
    dure_gather_ask_all(&spread->gather);
    dure_gather_end(&spread->gather);
}

void dure_metrics_part(struct dure_gather_question *question)
{
    dure_metrics_write(question->gateway, &question->answer);
    dure_gather_answer(question, 0);
}
