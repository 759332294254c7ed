/*
 * Answering for our shards.
 *
 *   ids     the query string is read as the entry node has read it, and runs over what is here; all
 *           ids up to the end of the page are given, since they may be the best of all nodes', once
 *           what they were seen in is on disk
 *   items   each is looked up and written as it is now, and the answer waits until that is on disk
 *
 * Fails as a list of our own does; a question that makes no sense (nodes of two versions) is not
 * answered but refused. Loop thread.
 */
#include "proto/list_part.h"

#include "proto/item.h"
#include "proto/list_query.h"

/* ---- Ids ------------------------------------------------------------------------------------ */

static void ids_done(struct dure_query *query)
{
    struct dure_list *list = (struct dure_list *)query;
    struct dure_gather_question *question = list->owner;
    int rv = query->rv;
    struct dure_list_ids head = {.count = query->ids_count,
                                 .total = query->total,
                                 .summed = query->summed,
                                 .key_bytes = (uint32_t)query->key_bytes,
                                 .more = query->more};
    dure_buf_add(&question->answer, &head, sizeof head);
    dure_buf_add(&question->answer, query->ids, query->ids_count * sizeof *query->ids);
    dure_buf_add(&question->answer, query->keys, query->ids_count * query->key_bytes);
    dure_list_free(list);
    if (rv == 0)
        dure_gather_answer_durable(question, dure_list_part_ids);
    else
        dure_gather_answer(question, rv);
}

static struct dure_list *read_ids(const struct dure_gather_question *question)
{
    struct dure_list_ids_question head;
    if (question->len < sizeof head) return NULL;
    memcpy(&head, question->bytes, sizeof head);
    if (head.target_len != question->len - sizeof head) return NULL;
    const char *target = question->bytes + sizeof head;
    const char *mark = memchr(target, '?', head.target_len);
    size_t path_len = mark != NULL ? (size_t)(mark - target) : head.target_len;
    struct dure_route route =
        dure_route_find(&question->gateway->routes, (struct dure_span){target, path_len});
    if (route.kind != DURE_ROUTE_COLLECTION) return NULL;
    struct dure_span query = {0};
    if (mark != NULL) query = (struct dure_span){mark + 1, head.target_len - path_len - 1};
    struct dure_field_errors errors;
    struct dure_list *list = dure_list_new(route.collection, query, &errors);
    if (list == NULL || (errors.count == 0 && !list->impossible)) return list;
    dure_list_free(list);
    return NULL;
}

void dure_list_part_ids(struct dure_gather_question *question)
{
    struct dure_list *list = read_ids(question);
    if (list == NULL) {
        dure_gather_answer(question, DURE_EUNAVAILABLE);
        return;
    }
    list->owner = question;
    list->query.done = ids_done;
    list->query.whole = true;
    dure_list_clamp(list, question->gateway->rt);
    int rv = dure_query_start(question->gateway->rt, &list->query);
    if (rv == 0) return;
    dure_list_free(list);
    dure_gather_answer(question, rv);
}

/* ---- Items ---------------------------------------------------------------------------------- */

static int write_row(const struct dure_gather_question *question, const struct dure_route *route,
                     struct dure_origin origin, int64_t id, struct dure_buf *out)
{
    struct dure_view view;
    int rv = dure_runtime_view(question->gateway->rt, route->collection->type, id, &view);
    if (rv != 0) return rv == DURE_ENOTFOUND ? 0 : rv;
    struct dure_list_row row = {.id = id};
    size_t at = out->len;
    dure_buf_add(out, &row, sizeof row);
    dure_item_write(route->collection, origin, &view, out);
    row.len = out->len - at - sizeof row;
    memcpy(out->data + at, &row, sizeof row);
    return 0;
}

void dure_list_part_items(struct dure_gather_question *question)
{
    struct dure_list_items_question head = {0};
    if (question->len >= sizeof head) memcpy(&head, question->bytes, sizeof head);
    size_t ids_len = head.count * sizeof(int64_t);
    const char *ids = question->bytes + sizeof head, *base = ids + ids_len;
    if (question->len != sizeof head + ids_len + head.base_len + head.path_len ||
        head.path_len >= DURE_ROUTE_PATH_BYTES || head.base_len > DURE_BASE_BYTES) {
        dure_gather_answer(question, DURE_EUNAVAILABLE);
        return;
    }
    struct dure_span path = {base + head.base_len, head.path_len};
    struct dure_route route = dure_route_find(&question->gateway->routes, path);
    if (route.kind != DURE_ROUTE_COLLECTION) {
        dure_gather_answer(question, DURE_EUNAVAILABLE);
        return;
    }
    struct dure_origin origin = {base, head.base_len, route.path};
    for (uint32_t i = 0; i < head.count; i++) {
        int64_t id;
        memcpy(&id, ids + i * sizeof id, sizeof id);
        int rv = write_row(question, &route, origin, id, &question->answer);
        if (rv != 0) {
            dure_gather_answer(question, rv);
            return;
        }
    }
    dure_gather_answer_durable(question, dure_list_part_items);
}
