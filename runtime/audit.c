/*
 * What the books of every system say the same way.
 */
#include "runtime/audit.h"

int dure_audit_judge(struct dure_buf *out, bool fits, bool exact)
{
    const char *verdict = exact ? ": DOES NOT FIT" : " + sagas under way, left out or removed";
    dure_buf_printf(out, "%s\n", fits ? "" : verdict);
    return fits || !exact ? 0 : DURE_ECORRUPT;
}

int dure_audit_line(struct dure_buf *out, const char *name, int64_t here, int64_t there, bool exact)
{
    dure_buf_printf(out, "%s: %lld = %lld", name, (long long)here, (long long)there);
    return dure_audit_judge(out, here == there, exact);
}
