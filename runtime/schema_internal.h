/*
 * What the schema_*.c files share with each other and with nobody else.
 */
#ifndef DURE_RUNTIME_SCHEMA_INTERNAL_H
#define DURE_RUNTIME_SCHEMA_INTERNAL_H

#include "runtime/schema.h"

/* Sets a field from a value's text, "" meaning null. 0, or DURE_EINVAL with what is wrong added to
 * `errors` (may be NULL) and the field untouched. The text is lent and not NUL-terminated. */
DURE_MUST_CHECK int dure_schema_text_set(const struct dure_field *field, void *object,
                                         const char *text, size_t len,
                                         struct dure_field_errors *errors);

/* Bytes of the number at the start of the text: RFC 8259 section 6, leading zeros allowed. 0: none.
 */
size_t dure_schema_text_number(const char *text, size_t len);

/* The field's tag in the packed form. */
uint16_t dure_schema_pack_tag(const struct dure_field *field);

#endif
