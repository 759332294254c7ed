/*
 * Writing problems.
 *
 *   1. type is about:blank, so title is the reason phrase of the status (RFC 9457 section 4.2.1)
 *   2. detail says what is wrong here; message repeats it for the originals' UI
 *   3. instance is the resource: the refused one where a command kept it, else what was asked for
 *   4. errors names every wrong field of a 400
 *
 * Cannot fail. Any thread.
 */
#include "proto/problem.h"

void dure_problem_url(struct dure_buf *out, struct dure_span url)
{
    static const char digits[] = "0123456789ABCDEF";
    char *at = dure_buf_reserve(out, url.len * 3);
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.data[i];
        if (c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>') {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    out->len = (size_t)(at - out->data);
}

static void string(struct dure_buf *out, const char *text)
{
    size_t len = strlen(text);
    if (!dure_utf8_valid(text, len)) text = "?", len = 1; /* A cut-off character, say. */
    dure_json_string(out, text, len);
}

void dure_problem_write(struct dure_buf *out, int status, const char *detail,
                        struct dure_span instance, const struct dure_field_errors *errors)
{
    const char *title = dure_http_reason(status);
    if (detail == NULL || detail[0] == '\0') detail = title;
    dure_buf_lit(out, "{\"type\":\"about:blank\",\"title\":");
    string(out, title);
    dure_buf_lit(out, ",\"status\":");
    dure_buf_i64(out, status);
    dure_buf_lit(out, ",\"detail\":");
    string(out, detail);
    dure_buf_lit(out, ",\"instance\":\"");
    dure_problem_url(out, instance.len > 0 ? instance : (struct dure_span){"/", 1});
    dure_buf_lit(out, "\",\"message\":");
    string(out, detail);
    if (errors != NULL && errors->count > 0) {
        dure_buf_lit(out, ",\"errors\":[");
        for (size_t i = 0; i < errors->count; i++) {
            if (i > 0) dure_buf_byte(out, ',');
            dure_buf_lit(out, "{\"field\":");
            string(out, errors->items[i].field);
            dure_buf_lit(out, ",\"message\":");
            string(out, errors->items[i].message);
            dure_buf_byte(out, '}');
        }
        dure_buf_byte(out, ']');
    }
    dure_buf_byte(out, '}');
}
