/*
 * dure sagas: those under way, and what a person can do about parked ones, over HTTP.
 *
 *   dure sagas                    GET /sagas as a table
 *   dure sagas retry TYPE ID      POST /sagas/TYPE/ID/retry
 *
 * Exit status: 0 done, 1 no answer, 2 wrong usage, 4 and 5 refused.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/json_view.h"
#include "cmd/parse.h"

#define TIMEOUT_S 60

struct sagas {
    const char *url, *words[3]; /* "retry", TYPE, ID */
    size_t words_count;
    bool json, parked;
};

/* NULL after a message; *exit_status says what it means. The answer is given. */
static json_t *ask(const char *base, const char *method, const char *path, int *exit_status)
{
    struct dure_client *client = dure_client_new();
    struct dure_client_reply reply = {0};
    char url[2048];
    json_t *answer = NULL;
    DURE_ASSERT(client != NULL);
    snprintf(url, sizeof url, "%s%s%s", strstr(base, "://") != NULL ? "" : "http://", base, path);
    struct dure_client_request request = {.method = method, .url = url, .timeout_s = TIMEOUT_S};
    *exit_status = 1;
    if (dure_client_send(client, &request, &reply) != 0) {
        fprintf(stderr, "dure sagas: %s\n", dure_client_error(client));
    } else {
        answer = json_loadb(reply.body.len > 0 ? reply.body.data : "", reply.body.len, 0, NULL);
        *exit_status = dure_client_exit(reply.status);
        const char *detail = json_string_value(json_object_get(answer, "detail"));
        if (*exit_status != 0)
            fprintf(stderr, "dure sagas: %d: %s\n", reply.status,
                    detail != NULL ? detail : "the answer says no more");
        if (*exit_status == 0 && answer == NULL) {
            fprintf(stderr, "dure sagas: %s is no node: its answer is no JSON\n", base);
            *exit_status = 1;
        }
        if (*exit_status != 0) {
            json_decref(answer);
            answer = NULL;
        }
    }
    dure_client_reply_fini(&reply);
    dure_client_free(client);
    return answer;
}

static const char *text(const json_t *saga, const char *name)
{
    const char *value = json_string_value(json_object_get(saga, name));
    return value != NULL ? value : "-";
}

static void print_row(const json_t *saga)
{
    bool parked = json_is_true(json_object_get(saga, "parked"));
    printf("%-20s %8lld  %-9s %-12s %-24.23s %s\n", text(saga, "type"),
           (long long)json_integer_value(json_object_get(saga, "id")),
           parked ? "parked" : text(saga, "phase"), text(saga, "step"), text(saga, "since"),
           text(saga, "reason"));
}

static int list(const struct sagas *sagas)
{
    int exit_status;
    json_t *answer = ask(sagas->url, "GET", "/sagas", &exit_status), *saga;
    if (answer == NULL) return exit_status;
    json_t *all = json_object_get(json_object_get(answer, "_embedded"), "sagas");
    json_t *shown = json_array();
    size_t i;
    json_array_foreach(all, i, saga)
    {
        if (!sagas->parked || json_is_true(json_object_get(saga, "parked")))
            json_array_append(shown, saga);
    }
    if (sagas->json) {
        json_dumpf(shown, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (json_array_size(shown) == 0) {
        puts(sagas->parked ? "no saga is parked" : "no saga is under way");
    } else {
        printf("%-20s %8s  %-9s %-12s %-24s %s\n", "type", "id", "state", "step", "since",
               "reason");
        json_array_foreach(shown, i, saga) print_row(saga);
    }
    if (json_is_true(json_object_get(json_object_get(answer, "page"), "partial")))
        fputs("dure sagas: some nodes are not reachable, theirs are missing\n", stderr);
    json_decref(shown);
    json_decref(answer);
    return 0;
}

static int push(const struct sagas *sagas)
{
    char path[512];
    int exit_status;
    snprintf(path, sizeof path, "/sagas/%s/%s/%s", sagas->words[1], sagas->words[2],
             sagas->words[0]);
    json_t *answer = ask(sagas->url, "POST", path, &exit_status);
    if (answer == NULL) return exit_status;
    if (sagas->json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        printf("%s %s: %s at %s\n", sagas->words[1], sagas->words[2],
               strcmp(sagas->words[0], "skip") == 0 ? "goes on behind the step left out,"
                                                    : "tries again,",
               text(answer, "step"));
    }
    json_decref(answer);
    return 0;
}

static void check(const struct sagas *sagas, struct argp_state *state)
{
    if (sagas->words_count == 0) return;
    const char *what = sagas->words[0];
    if (strcmp(what, "retry") != 0 && strcmp(what, "skip") != 0)
        argp_error(state, "retry or skip, not '%s'", what);
    if (sagas->words_count < 3)
        argp_error(state, "%s which one? TYPE ID, as the list has them", what);
    if (strspn(sagas->words[2], "0123456789") != strlen(sagas->words[2]))
        argp_error(state, "an id is a number, not '%s'", sagas->words[2]);
    if (strpbrk(sagas->words[1], "/?#% ") != NULL)
        argp_error(state, "'%s' is no type", sagas->words[1]);
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct sagas *sagas = state->input;
    switch (key) {
    case 'u': sagas->url = arg; return 0;
    case 'p': sagas->parked = true; return 0;
    case 'j': sagas->json = true; return 0;
    case ARGP_KEY_ARG:
        if (sagas->words_count == 3)
            argp_error(state, "unexpected argument '%s'", arg);
        else
            sagas->words[sagas->words_count++] = arg;
        return 0;
    case ARGP_KEY_END: check(sagas, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    {"url", 'u', "URL", 0, "the node (default: " DURE_CLIENT_URL ")", 0},
    {"parked", 'p', NULL, 0, "list only those that wait for a person", 0},
    {"json", 'j', NULL, 0, "JSON instead of a table", 0},
    {0},
};

static const char doc[] =
    "Lists the sagas under way of a running node or cluster; or gives a parked one a push."
    "\v"
    "retry asks the step's participant once more, for when the reason is gone. skip leaves the "
    "step "
    "out as if it were done, for when it has been settled by hand. TYPE and ID are those of the "
    "list.\n"
    "\n"
    "Exit status: 0 done; 1 no answer (the message says why); 2 wrong command line; 4 refused, say "
    "because the saga is not parked; 5 the node cannot now.\n"
    "\n"
    "Examples:\n"
    "  dure sagas --parked\n"
    "  dure sagas retry shop.order-saga 17\n"
    "  dure sagas --json | jq '.[].reason'";

int dure_cmd_sagas(int argc, char **argv)
{
    struct sagas sagas = {.url = DURE_CLIENT_URL};
    const struct argp argp = {.options = option_table,
                              .parser = on_option,
                              .args_doc = "[retry|skip TYPE ID]",
                              .doc = doc};
    static char name[] = "dure sagas";
    if (dure_parse(&argp, name, argc, argv, &sagas) != 0) return DURE_EXIT_USAGE;
    return sagas.words_count == 0 ? list(&sagas) : push(&sagas);
}
