/*
 * The bare limit: what libuv and llhttp reach on one thread when nothing else is done. Answers any
 * request with a constant 201 and a small JSON body. The yardstick of DESIGN section 15, so it is
 * as lean as it can be made:
 *
 *   1. one input buffer for all connections; llhttp parses where the bytes lie, with one callback
 *   2. the answers of one read leave in one write, from a prepared run of copies: no formatting
 *   3. keep-alive and pipelining; no time-outs, no limits, no checks
 *
 * A malformed request, or a client that does not read its answers, is cut off. Stops on SIGINT or
 * SIGTERM.
 *
 *   bare [--port N]     loopback; 0 is any port, which is printed
 */
#include <llhttp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BACKLOG 4096
#define COPIES 256 /* Answers in one write; more go in several. */

static const char answer[] = "HTTP/1.1 201 Created\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 46\r\n"
                             "\r\n"
                             "{\"id\":1,\"productId\":1,\"quantity\":1,\"userId\":1}";
#define ANSWER_BYTES (sizeof answer - 1)

struct client {
    uv_tcp_t tcp;
    llhttp_t parser;
    unsigned complete; /* Requests that this read completed. */
};

static char input[64 * 1024];
static char answers[COPIES * ANSWER_BYTES];
static llhttp_settings_t settings;

static int on_message_complete(llhttp_t *parser)
{
    ((struct client *)parser->data)->complete++;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void cut_off(struct client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp))
        uv_close((uv_handle_t *)&client->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle, (void)suggested;
    *buf = uv_buf_init(input, sizeof input);
}

struct rest {
    uv_write_t write;
    char bytes[];
};

static void on_rest_written(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
}

/* What the kernel did not take at once. */
static int write_rest(struct client *client, const char *bytes, size_t len)
{
    struct rest *rest = malloc(sizeof *rest + len);
    if (rest == NULL) return UV_ENOMEM;
    memcpy(rest->bytes, bytes, len);
    rest->write.data = rest;
    uv_buf_t buf = uv_buf_init(rest->bytes, (unsigned)len);
    int rv = uv_write(&rest->write, (uv_stream_t *)&client->tcp, &buf, 1, on_rest_written);
    if (rv != 0) free(rest);
    return rv;
}

static int answer_all(struct client *client)
{
    while (client->complete > 0) {
        unsigned count = client->complete < COPIES ? client->complete : COPIES;
        client->complete -= count;
        size_t len = count * ANSWER_BYTES;
        uv_buf_t buf = uv_buf_init(answers, (unsigned)len);
        int taken = uv_try_write((uv_stream_t *)&client->tcp, &buf, 1);
        if (taken == UV_EAGAIN) taken = 0;
        if (taken < 0) return taken;
        if ((size_t)taken == len) continue;
        int rv = write_rest(client, answers + taken, len - (size_t)taken);
        if (rv != 0) return rv;
    }
    return 0;
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct client *client = stream->data;
    if (len == 0) return;
    if (len < 0 || llhttp_execute(&client->parser, buf->base, (size_t)len) != HPE_OK ||
        answer_all(client) != 0)
        cut_off(client);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status != 0) return;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) return;
    uv_tcp_init(listener->loop, &client->tcp);
    client->tcp.data = client;
    llhttp_init(&client->parser, HTTP_REQUEST, &settings);
    client->parser.data = client;
    if (uv_accept(listener, (uv_stream_t *)&client->tcp) != 0) {
        cut_off(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static int listen_on(uv_loop_t *loop, uv_tcp_t *listener, int port)
{
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(loop, listener);
    int rv = uv_tcp_bind(listener, (const struct sockaddr *)&address, 0);
    if (rv == 0) rv = uv_listen((uv_stream_t *)listener, BACKLOG, on_connection);
    if (rv != 0) return rv;
    int len = sizeof address;
    rv = uv_tcp_getsockname(listener, (struct sockaddr *)&address, &len);
    if (rv == 0) printf("bare: ready on http://127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return rv;
}

int main(int argc, char **argv)
{
    int port = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = atoi(argv[++i]);
        } else {
            fprintf(stderr, "usage: bare [--port N]\n");
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COPIES; i++) memcpy(answers + i * ANSWER_BYTES, answer, ANSWER_BYTES);
    llhttp_settings_init(&settings);
    settings.on_message_complete = on_message_complete;

    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    uv_signal_t signals[2];
    int numbers[2] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &signals[i]);
        uv_signal_start(&signals[i], on_signal, numbers[i]);
    }
    int rv = listen_on(loop, &listener, port);
    if (rv != 0) {
        fprintf(stderr, "bare: cannot listen on port %d: %s\n", port, uv_strerror(rv));
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
