/*
 * Every maximum of dure, with its reason. Reaching one refuses with a status; it never blocks the
 * loop, drops silently, or grows. Those marked (flag) are defaults that `dure node` can change;
 * `dure node --print-config` shows the ones in force.
 */
#ifndef DURE_RUNTIME_BOUNDS_H
#define DURE_RUNTIME_BOUNDS_H

/* Shards: far more than nodes will ever be, so that they can be spread evenly; ids carry theirs. */
#define DURE_SHARDS_DEFAULT 64
#define DURE_SHARDS_MAX 1024

/* A turn group: the soft size at which a journal record is closed. Commits of 256 KB reach three
 * times the rate of 64 KB ones; beyond that the sync no longer dominates and latency grows. */
#define DURE_GROUP_BYTES_MAX (256 * 1024)
/* Turns in one group: bounds how long one round keeps the loop from its sockets (some 10 ms). */
#define DURE_GROUP_TURNS_MAX 8192
/* Effects (events and messages) of one handler call. A handler that needs more pages itself. */
#define DURE_EFFECTS_MAX 512
/* A record can exceed the soft size by one handler's effects, each at most this large packed. */
#define DURE_EFFECT_BYTES_MAX (16 * 1024)
#define DURE_RECORD_BYTES_MAX (DURE_GROUP_BYTES_MAX + DURE_EFFECTS_MAX * DURE_EFFECT_BYTES_MAX)

/* Messages waiting for one actor; more external commands are refused with 503. */
#define DURE_MAILBOX_MSGS_MAX 16384
/* Commands in flight on one node, from HTTP and bulk together (flag); beyond: 503. */
#define DURE_ASKS_MAX 32768
/* Messages handled for one actor before the next actor's turn comes. */
#define DURE_MAILBOX_BURST 64

/* Unacknowledged messages between journals, all destinations; beyond: external commands get 503. */
#define DURE_OUTBOX_MSGS_MAX 65536

/* Messages that have come from other journals and wait for room in a group. Who has nothing else to
 * do sends a few thousand before they are taken; more than this, and they are sent again later. */
#define DURE_BACKLOG_BYTES_MAX (16 * 1024 * 1024)
/* What a message adds to its group's record, by and large, itself and what it brings about: a step of
 * an order's saga is some 500 bytes. */
#define DURE_MAIL_BYTES_MEAN 512

/* Nodes of a cluster: each keeps a little for every other, and each has a share of the shards. */
#define DURE_NODES_MAX 64
/* Between nodes (peer.h). A datagram is closed at the first size and never exceeds the second: large
 * ones carry the most bytes a second over nng. */
#define DURE_PEER_DATAGRAM_BYTES (32 * 1024)
#define DURE_PEER_DATAGRAM_BYTES_MAX (64 * 1024)
/* One frame: a request or a page of a list with its heads. */
#define DURE_PEER_FRAME_BYTES_MAX (4 * 1024 * 1024)
/* On their way to one peer; beyond, the sender waits. Few enough datagrams for nng's buffers (8192
 * for all peers together). */
#define DURE_PEER_WINDOW_BYTES (4 * 1024 * 1024)
#define DURE_PEER_WINDOW_DATAGRAMS 1024
#define DURE_PEER_HEARTBEAT_MS 100
#define DURE_PEER_SILENCE_MS 600
/* Not acknowledged by then, a datagram is sent again; acks are held back for less than that. */
#define DURE_PEER_RESEND_MS 50
#define DURE_PEER_ACK_MS 5

/* Between nodes, on nng: datagrams kept for a connection that is slow; beyond, the oldest are lost
 * and sent again. Twice what one peer may have on its way, since all peers' pass through each queue. */
#define DURE_BUS_DATAGRAMS (2 * DURE_PEER_WINDOW_DATAGRAMS)
/* Received and not yet taken by the loop. */
#define DURE_BUS_INBOX_DATAGRAMS 4096
/* A node that is not reached for so long is dialled anew. */
#define DURE_BUS_REDIAL_MS 1000
#define DURE_BUS_PEM_BYTES_MAX (256 * 1024)

/* Memory for actors and what is needed to work on them (flag). Clean actors leave, longest unused
 * first; when even dirty ones exceed it (the disk is full or too slow), commands are refused
 * with 503. */
#define DURE_MEMORY_BYTES_DEFAULT (512LL * 1024 * 1024)
#define DURE_MEMORY_BYTES_MIN (1LL * 1024 * 1024)
/* An actor in memory, small ones counted in: the actor table is made for the budget by it. */
#define DURE_ACTOR_BYTES_MEAN 320

/* Checkpoints: a batch begins when this many journal bytes or half its rows have gathered, or after
 * the interval. */
#define DURE_CHECKPOINT_JOURNAL_BYTES (16 * 1024 * 1024)
/* Journal behind the rows: a restart replays it, at some 150 MB/s. More, and asks wait. */
#define DURE_JOURNAL_TAIL_BYTES_MAX (96 * 1024 * 1024)
#define DURE_CHECKPOINT_INTERVAL_MS 2000
/* Rows copied out for a checkpoint in one round of the loop: some 0.2 ms. */
#define DURE_CHECKPOINT_SLICE 512
/* Rows of one checkpoint transaction: LMDB keeps its dirty pages in memory until it commits. */
#define DURE_CHECKPOINT_ROWS_MAX 65536

/* HTTP (flags). */
#define DURE_HTTP_LINE_BYTES_MAX (8 * 1024)
#define DURE_HTTP_HEADERS_BYTES_MAX (32 * 1024)
#define DURE_HTTP_HEADERS_MAX 100
#define DURE_HTTP_BODY_BYTES_MAX (1024 * 1024)
/* Requests that are arriving or unanswered, heads and bodies, of all connections together: some 250
 * of the largest bodies, or hundreds of thousands of usual ones. */
#define DURE_HTTP_REQUESTS_BYTES_MAX (256 * 1024 * 1024)
#define DURE_HTTP_CONNECTIONS_MAX 10000
#define DURE_HTTP_PIPELINE_MAX 128
#define DURE_HTTP_OUTPUT_BYTES_MAX (1024 * 1024)
/* Answers that clients have not read, of all connections together: some 600 pages of 1000 items. */
#define DURE_HTTP_UNREAD_BYTES_MAX (256 * 1024 * 1024)
#define DURE_HTTP_HEADER_TIMEOUT_MS 10000
#define DURE_HTTP_BODY_TIMEOUT_MS 20000
#define DURE_HTTP_IDLE_TIMEOUT_MS 75000
#define DURE_HTTP_WRITE_TIMEOUT_MS 20000
#define DURE_HTTP_DRAIN_MS 5000

/* Event streams over HTTP; beyond: 503. And the silence on one after which it beats: proxies cut silent ones after 30 s
 * and more (flag). */
#define DURE_SSE_STREAMS_MAX 1000
#define DURE_SSE_HEARTBEAT_MS 15000

/* What a node keeps of its own past, for charts (proto/samples.h): a sample every 2 s, since a line
 * that moves less often looks stuck, and ten minutes of them, twice what a chart shows: 90 KB. And
 * how long behind the end of its slot a sample is shown: by then every node has taken its own. */
#define DURE_SAMPLE_MS 2000
#define DURE_SAMPLES_MAX 300
#define DURE_SAMPLE_SETTLE_MS 500

/* How long an answer waits for its saga by default, and at most (SPEC A6). */
#define DURE_WAIT_MS_DEFAULT 2000
#define DURE_WAIT_MS_MAX 30000

/* Idempotency keys (SPEC A7). */
#define DURE_KEY_BYTES_MAX 255
#define DURE_KEY_TTL_MS (24LL * 3600 * 1000)
#define DURE_KEY_REPLY_BYTES_MAX (64 * 1024)

/* Bulk: one line, and lines in flight of one request; beyond, the body is not read on. */
#define DURE_BULK_LINE_BYTES_MAX (64 * 1024)
#define DURE_BULK_INFLIGHT_MAX 4096
/* Results that the client of a bulk request has not read (flag): room for some 40 000 lines, so that
 * who sends all lines before reading anything is served; beyond, the body is not read on. And those
 * of all bulk requests together; when many share it, each still has what any connection has. */
#define DURE_BULK_UNREAD_BYTES_MAX (16 * 1024 * 1024)
#define DURE_BULK_UNREAD_BYTES_ALL (128 * 1024 * 1024)

/* Lists (SPEC A4). A page deeper than this needs `after`; refused with 400. */
#define DURE_PAGE_SIZE_DEFAULT 20
#define DURE_PAGE_SIZE_MAX 1000
#define DURE_PAGE_DEPTH_MAX 1000000
#define DURE_QUERY_FILTERS_MAX 8
#define DURE_QUERY_SORTS_MAX 4
/* Queries on pool threads at a time; beyond: 503. */
#define DURE_QUERIES_MAX 64
/* Events shown of one aggregate's history. */
#define DURE_HISTORY_EVENTS_MAX 10000

/* Sagas. */
#define DURE_SAGA_STEPS_MAX 16
#define DURE_SAGA_REASON_BYTES 192
#define DURE_SAGA_DEADLINE_MS_DEFAULT (10LL * 60 * 1000)

/* Looks at another aggregate before a command (look.h): SPEC F wants an answer within 600 ms, so the
 * look itself has 500. */
#define DURE_LOOK_MS 500
#define DURE_LOOKS_MAX 16

/* Rounds: actors of a page, and the pause behind it: some 0.5 ms of work and a commit, then the rest
 * for others. Pages of 128 every 2 ms made the orders of another system six times as slow. */
#define DURE_ROUND_PAGE 64
#define DURE_ROUND_PAUSE_MS 5

/* Log lines that nobody has taken from standard output; beyond, they are counted and dropped. */
#define DURE_LOG_BYTES_MAX (1024 * 1024)

/* What an answer to a request of ours may hold. */
#define DURE_OUTGOING_ANSWER_BYTES_MAX (64 * 1024)
/* Questions to the outside that wait on one node, some 400 bytes each. */
#define DURE_PORT_CALLS_MAX 131072

/* A circuit breaker (breaker.h) opens after so many failures in a row, and stays open this long: a
 * store that is back is noticed within 2 s, and one that is down costs one try in that time. */
#define DURE_BREAKER_FAILURES 5
#define DURE_BREAKER_OPEN_MS 2000

/* Registry. */
#define DURE_TYPES_MAX 128
#define DURE_RULES_MAX 16 /* Policies or projections of one event. */

_Static_assert(DURE_GROUP_TURNS_MAX <= DURE_MAILBOX_MSGS_MAX, "a group's mail fits any mailbox");
_Static_assert(DURE_SHARDS_DEFAULT <= DURE_SHARDS_MAX, "the default is in range");
_Static_assert(DURE_NODES_MAX <= DURE_SHARDS_DEFAULT, "every node gets a shard");
_Static_assert(DURE_PEER_DATAGRAM_BYTES < DURE_PEER_DATAGRAM_BYTES_MAX,
               "there is room for a piece");
_Static_assert(DURE_HTTP_BODY_BYTES_MAX + DURE_HTTP_HEADERS_BYTES_MAX + DURE_HTTP_LINE_BYTES_MAX <
                   DURE_PEER_FRAME_BYTES_MAX, "a request fits a frame");
_Static_assert(DURE_PEER_ACK_MS < DURE_PEER_RESEND_MS, "an ack comes before it is missed");
_Static_assert(DURE_PEER_RESEND_MS < DURE_PEER_HEARTBEAT_MS, "a loss is mended before silence");
_Static_assert(4 * DURE_PEER_HEARTBEAT_MS < DURE_PEER_SILENCE_MS, "one lost heartbeat is no end");
_Static_assert(DURE_GROUP_BYTES_MAX < DURE_RECORD_BYTES_MAX, "a group fits its record");
_Static_assert(DURE_RECORD_BYTES_MAX < 0x7fffffff, "record lengths are 32-bit");
/* Memory grows by doubling. */
_Static_assert(2 * DURE_HTTP_BODY_BYTES_MAX <= DURE_HTTP_REQUESTS_BYTES_MAX, "any one body fits");
_Static_assert(DURE_BULK_UNREAD_BYTES_MAX <= DURE_BULK_UNREAD_BYTES_ALL, "one gets its full share");
_Static_assert(DURE_HTTP_OUTPUT_BYTES_MAX <= DURE_BULK_UNREAD_BYTES_MAX,
               "bulk gets more, not less");
_Static_assert(DURE_BULK_UNREAD_BYTES_ALL < DURE_HTTP_UNREAD_BYTES_MAX, "bulk alone cuts nobody");
_Static_assert(DURE_BULK_LINE_BYTES_MAX <= DURE_HTTP_BODY_BYTES_MAX, "a line is a small body");
_Static_assert(DURE_BULK_INFLIGHT_MAX < DURE_ASKS_MAX, "one bulk request cannot take every place");
_Static_assert(DURE_BULK_INFLIGHT_MAX <= DURE_MAILBOX_MSGS_MAX, "a bulk run for one actor fits");
_Static_assert(DURE_ROUND_PAGE < DURE_GROUP_TURNS_MAX / 8, "a page leaves room for what it causes");
_Static_assert(DURE_SAMPLE_SETTLE_MS < DURE_SAMPLE_MS, "one sample settles before the next");
_Static_assert(DURE_SAMPLE_SETTLE_MS + DURE_SAMPLE_MS + DURE_PEER_SILENCE_MS < 4000,
               "who is gone is shown within 4 s");
_Static_assert(DURE_WAIT_MS_DEFAULT <= DURE_WAIT_MS_MAX, "the default is in range");
_Static_assert(DURE_PAGE_SIZE_DEFAULT <= DURE_PAGE_SIZE_MAX, "the default is in range");
_Static_assert(DURE_CHECKPOINT_SLICE <= DURE_CHECKPOINT_ROWS_MAX, "a slice fits a checkpoint");

#endif
