/*
 * The progress line. It shows after a while, since nobody wonders about less, and then some times a
 * second. Static state: there is one terminal.
 */
#include "cmd/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "runtime/errors.h"

#define QUIET_MS 300
#define EVERY_MS 100
#define BAR 30
#define TEXT_BYTES 128

static struct {
    const char *what; /* Of the last call: another one begins anew. */
    uint64_t began_ms, shown_ms;
    bool shown;
} line;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void dure_progress_text(char *text, size_t size, uint64_t done, uint64_t total)
{
    char bar[BAR + 1];
    DURE_ASSERT(total > 0);
    if (done > total) done = total;
    double part = (double)done / (double)total;
    int full = (int)(part * BAR);
    for (int i = 0; i < BAR; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    snprintf(text, size, "[%s] %3.0f %%, %llu of %llu", bar, part * 100, (unsigned long long)done,
             (unsigned long long)total);
}

void dure_progress_show(const char *what, uint64_t done, uint64_t total)
{
    char text[TEXT_BYTES];
    if (total == 0 || isatty(STDERR_FILENO) != 1) return;
    uint64_t now = now_ms();
    if (line.what != what) {
        line.what = what;
        line.began_ms = now;
    }
    if (now - line.began_ms < QUIET_MS || now - line.shown_ms < EVERY_MS) return;
    dure_progress_text(text, sizeof text, done, total);
    fprintf(stderr, "\r%s %s\033[K", what, text);
    fflush(stderr);
    line.shown_ms = now;
    line.shown = true;
}

void dure_progress_run(void *what, uint64_t done, uint64_t total)
{
    dure_progress_show(what, done, total);
}

void dure_progress_end(void)
{
    if (line.shown) fputs("\r\033[K", stderr);
    line.shown = false;
    line.what = NULL;
}
