/*
 * What the books of every system say the same way. Sums wrap, as those of the systems do. Cannot
 * fail. Any thread.
 */
#include "runtime/audit.h"

void dure_audit_count(struct dure_audit_report *out, const char *name, uint64_t value)
{
    DURE_ASSERT(out->counts_count < DURE_AUDIT_COUNTS_MAX);
    out->counts[out->counts_count++] = (struct dure_audit_term){name, (int64_t)value};
}

void dure_audit_add(struct dure_audit_report *out, const struct dure_audit_sum *sum)
{
    DURE_ASSERT(out->sums_count < DURE_AUDIT_SUMS_MAX);
    DURE_ASSERT(sum->right_count > 0 && sum->right_count <= DURE_AUDIT_TERMS_MAX);
    out->sums[out->sums_count++] = *sum;
}

void dure_audit_line(struct dure_audit_report *out, const char *name, int64_t here, int64_t there,
                     bool exact)
{
    const struct dure_audit_sum sum = {.name = name,
                                       .left = {.value = here},
                                       .right = {{.value = there}},
                                       .right_count = 1,
                                       .exact = exact};
    dure_audit_add(out, &sum);
}

int64_t dure_audit_right(const struct dure_audit_sum *sum)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sum->right_count; i++) value += (uint64_t)sum->right[i].value;
    return (int64_t)value;
}

bool dure_audit_sum_fits(const struct dure_audit_sum *sum)
{
    return sum->left.value == dure_audit_right(sum) && !sum->differs;
}

bool dure_audit_fits(const struct dure_audit_report *report)
{
    for (size_t i = 0; i < report->sums_count; i++) {
        if (report->sums[i].exact && !dure_audit_sum_fits(&report->sums[i])) return false;
    }
    return true;
}

static void write_term(const char *before, const struct dure_audit_term *term, struct dure_buf *out)
{
    dure_buf_printf(out, "%s%lld", before, (long long)term->value);
    if (term->name != NULL) dure_buf_printf(out, " %s", term->name);
}

void dure_audit_text(const struct dure_audit_report *report, const char *system,
                     struct dure_buf *out)
{
    dure_buf_text(out, system);
    for (size_t i = 0; i < report->counts_count; i++)
        write_term(i == 0 ? ": " : ", ", &report->counts[i], out);
    dure_buf_lit(out, "\n");
    for (size_t i = 0; i < report->sums_count; i++) {
        const struct dure_audit_sum *sum = &report->sums[i];
        dure_buf_text(out, sum->name);
        write_term(": ", &sum->left, out);
        for (size_t j = 0; j < sum->right_count; j++)
            write_term(j == 0 ? " = " : " + ", &sum->right[j], out);
        const char *verdict =
            sum->exact ? ": DOES NOT FIT" : " + sagas under way, left out or removed";
        dure_buf_printf(out, "%s\n", dure_audit_sum_fits(sum) ? "" : verdict);
    }
}
