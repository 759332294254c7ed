/*
 * JSON on a terminal: two blanks a level, names, texts, numbers and words in a colour each. Texts
 * are written by jansson, so that nothing in them reaches the terminal unescaped. Main thread only.
 */
#include "cmd/json_view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum colour { PLAIN, NAME, TEXT, NUMBER, WORD };

struct view {
    bool colours;
    FILE *out;
};

static void begin(const struct view *view, enum colour colour)
{
    static const char *const codes[] = {"", "\033[34m", "\033[32m", "\033[36m", "\033[35m"};
    if (view->colours) fputs(codes[colour], view->out);
}

static void end(const struct view *view)
{
    if (view->colours) fputs("\033[0m", view->out);
}

static void write_scalar(const struct view *view, json_t *value)
{
    enum colour colour = json_is_string(value) ? TEXT : json_is_number(value) ? NUMBER : WORD;
    begin(view, colour);
    if (json_is_real(value))
        fprintf(view->out, "%.17g", json_real_value(value));
    else
        json_dumpf(value, view->out, JSON_ENCODE_ANY | JSON_COMPACT);
    end(view);
}

static void line(const struct view *view, int depth)
{
    fprintf(view->out, "\n%*s", 2 * depth, "");
}

static void write_value(const struct view *view, json_t *value, int depth);

static void write_name(const struct view *view, const char *name)
{
    json_t *text = json_string(name);
    begin(view, NAME);
    json_dumpf(text, view->out, JSON_ENCODE_ANY);
    end(view);
    fputs(": ", view->out);
    json_decref(text);
}

static void write_object(const struct view *view, json_t *object, int depth)
{
    const char *name, *comma = "";
    json_t *member;
    fputc('{', view->out);
    json_object_foreach(object, name, member)
    {
        fputs(comma, view->out);
        comma = ",";
        line(view, depth + 1);
        write_name(view, name);
        write_value(view, member, depth + 1);
    }
    if (json_object_size(object) > 0) line(view, depth);
    fputc('}', view->out);
}

static void write_array(const struct view *view, json_t *array, int depth)
{
    size_t i;
    json_t *member;
    fputc('[', view->out);
    json_array_foreach(array, i, member)
    {
        if (i > 0) fputc(',', view->out);
        line(view, depth + 1);
        write_value(view, member, depth + 1);
    }
    if (json_array_size(array) > 0) line(view, depth);
    fputc(']', view->out);
}

/* As deep as jansson reads: 2048 levels. */
static void write_value(const struct view *view, json_t *value, int depth)
{
    if (json_is_object(value))
        write_object(view, value, depth);
    else if (json_is_array(value))
        write_array(view, value, depth);
    else
        write_scalar(view, value);
}

void dure_json_view(json_t *value, bool colours, FILE *out)
{
    struct view view = {.colours = colours, .out = out};
    write_value(&view, value, 0);
    fputc('\n', out);
}

bool dure_json_view_colours(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no != NULL && *no != '\0') return false;
    if (term == NULL || strcmp(term, "dumb") == 0) return false;
    return isatty(fileno(out)) == 1;
}
