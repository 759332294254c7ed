/*
 * What a fuzz target gives its driver: libFuzzer's interface
 * (https://llvm.org/docs/LibFuzzer.html#fuzz-target).
 */
#ifndef DURE_TESTS_FUZZ_H
#define DURE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input; aborts when something does not hold. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Once, before the first input; optional. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

#endif
