/*
 * The part of CRC-32C that machines without the instruction use, for the test that both agree.
 */
#ifndef DURE_STORE_CRC32C_H
#define DURE_STORE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As dure_crc32c, whatever the machine can do. */
uint32_t dure_crc32c_by_table(uint32_t crc, const void *bytes, size_t len);
/* Whether dure_crc32c uses the processor's instruction here. */
bool dure_crc32c_by_machine(void);

#endif
