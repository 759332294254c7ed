/*
 * What the files of `dure up` share. One supervisor process, one thread (and the event door's).
 */
#ifndef DURE_CMD_UP_H
#define DURE_CMD_UP_H

#include "cmd/cluster_file.h"
#include "cmd/logline.h"
#include "cmd/supervisor.h"

#define DURE_UP_NODES_DEFAULT 3
#define DURE_UP_SOCKET "up.status" /* In DIR/run. */
#define DURE_UP_CLUSTER_NAME "cluster" /* The cluster file, in DIR. */

enum dure_up_setting {
    DURE_UP_NODES,
    DURE_UP_DATA,
    DURE_UP_HOST,
    DURE_UP_HTTP,
    DURE_UP_EVENTS,
    DURE_UP_REPLAY,
    DURE_UP_SYSTEMS,
    DURE_UP_ROOT,
    DURE_UP_SHARDS,
    DURE_UP_DRAIN,
    DURE_UP_PIN,
    DURE_UP_LOG_FORMAT,
    DURE_UP_SETTINGS
};

struct dure_up_options {
    const char *data, *host, *systems, *root;
    uint32_t nodes, shards;  /* 0: what the directory says, else the default. */
    uint16_t http;
    int64_t events, replay;  /* -1: none. */
    uint64_t drain_ms;
    bool pin;
    const char *log_format_name;
    enum dure_log_format log_format; /* What the name says. */
    const char *config;      /* The file that --config names, or NULL. */
    const char *flags[DURE_UP_SETTINGS]; /* As the command line gave them; NULL: not given. */
    char **node_options;     /* NULL-terminated: handed to every node. */
    size_t node_options_count;
};

/* ---- up_config.c: the settings' sources --------------------------------------------------------- */

/* Sets what the file says, over it what the environment says, over it the flags. Settings of the
 * nodes in the file go to them by our environment. 0, or DURE_EINVAL, DURE_ENOMEM after a sentence on
 * stderr. Texts stay lent by the flags and the environment. */
DURE_MUST_CHECK int dure_up_configure(struct dure_up_options *options);

/* ---- up_claim.c: what must be ours before a node starts ----------------------------------------- */

struct dure_up_claim {
    struct dure_cluster_file cluster;
    char file[DURE_CLUSTER_PATH_BYTES + 16]; /* The cluster file's path. */
    int run_dir;  /* DIR/run */
    int lock;     /* Held by us and every node: the directory is in use while one of us lives. */
    int port;     /* Bound to the HTTP port, so that it stays ours while no node listens. */
};

/* Takes the directory (made when absent) and the port; *options gets the port that `--http 0` took.
 * 0, or DURE_EINVAL, DURE_ELOCKED, DURE_ESYSTEM after a sentence on stderr. */
DURE_MUST_CHECK int dure_up_claim(struct dure_up_claim *claim, struct dure_up_options *options);
/* Safe on one that failed. */
void dure_up_claim_close(struct dure_up_claim *claim);

/* ---- up_print.c: what the user sees -------------------------------------------------------------- */

/* From now on its lines are of this format, those of nodes too; at first they are text. */
void dure_up_say_format(enum dure_log_format format);
/* A line on stdout, and the progress line of a terminal out of its way. */
void dure_up_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One line for a member's move. */
void dure_up_say_moved(const struct dure_member *member, enum dure_member_state was);
/* What a node has printed. A line of the log is passed on as it is. */
void dure_up_say_line(const struct dure_member *member, const char *line);
/* Shows how far the starting nodes are, when that takes long enough for somebody to wonder. */
void dure_up_progress_start(struct dure_supervisor *supervisor);
void dure_up_progress_stop(void);

/* ---- up_status.c: answers `dure status` ----------------------------------------------------------- */

/* Listens at DIR/run/up.status. All are kept until stop. 0, or DURE_ESYSTEM after a sentence. */
DURE_MUST_CHECK int dure_up_status_start(struct dure_supervisor *supervisor,
                                         const struct dure_up_claim *claim,
                                         const struct dure_up_options *options);
/* A node has answered. */
void dure_up_status_heard(const struct dure_member *member, const char *json);
void dure_up_status_stop(void);

/* ---- up_systemd.c: tells systemd, when it has started us ------------------------------------------ */

/* Takes NOTIFY_SOCKET and the like out of the environment; before there is any other thread. The
 * supervisor is kept. */
void dure_up_systemd_read(struct dure_supervisor *supervisor);
/* The watchdog, if systemd wants one, is a timer of the loop; who closes the loop's handles closes it. */
void dure_up_systemd_start(uv_loop_t *loop);
/* After every change of a node. */
void dure_up_systemd_look(void);
/* The stop has begun: nodes that end from now on are no news. */
void dure_up_systemd_stopping(void);

#endif
