/*
 * Mail as it comes from another node: any bytes are refused or give mail that, written and read
 * again, is the same, and that has what its receiver relies on. Codes are hashes, which no fuzzer
 * would guess: small numbers in their place stand for the ones that there are.
 */
#include "runtime/mailbox.c"

#include "actors/systems.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return dure_registry_init(dure_systems());
}

static uint32_t type_code(uint32_t number)
{
    return number < dure_registry_count() ? dure_registry_type(number)->code : number;
}

static uint32_t command_code(const struct dure_type *owner, uint32_t number)
{
    if (owner == NULL || owner->aggregate == NULL || owner->aggregate->commands == NULL)
        return number;
    const struct dure_command *const *commands = owner->aggregate->commands;
    for (uint32_t i = 0; commands[i] != NULL; i++) {
        if (i == number) return dure_registry_code(commands[i]->name);
    }
    return number;
}

static void use_codes(struct dure_buf *bytes)
{
    struct wire wire;
    if (bytes->len < sizeof wire) return;
    memcpy(&wire, bytes->data, sizeof wire);
    wire.type_code = type_code(wire.type_code);
    if (wire.from_type_code != 0) wire.from_type_code = type_code(wire.from_type_code - 1);
    if (wire.command_type_code != 0) wire.command_type_code = type_code(wire.command_type_code - 1);
    wire.command_code =
        command_code(dure_registry_type_by_code(wire.command_type_code), wire.command_code);
    memcpy(bytes->data, &wire, sizeof wire);
}

static void check(const struct dure_mail *mail)
{
    DURE_ASSERT(mail->type != NULL);
    enum dure_type_kind kind = mail->type->kind;
    switch (mail->kind) {
    case DURE_MAIL_COMMAND:
        DURE_ASSERT(mail->command != NULL && !dure_type_by_state(mail->type));
        DURE_ASSERT((mail->command->schema != NULL) == (mail->data != NULL));
        DURE_ASSERT(mail->type->aggregate == mail->command->aggregate);
        break;
    case DURE_MAIL_FEED: DURE_ASSERT(kind == DURE_KIND_VIEW && mail->event != NULL); break;
    case DURE_MAIL_START: DURE_ASSERT(dure_type_by_state(mail->type) && mail->data != NULL); break;
    case DURE_MAIL_OUTCOME: DURE_ASSERT(dure_type_by_state(mail->type)); break;
    case DURE_MAIL_THEN: DURE_ASSERT(kind == DURE_KIND_ROUND); break;
    case DURE_MAIL_RETRY:
    case DURE_MAIL_SKIP: DURE_ASSERT(kind == DURE_KIND_SAGA); break;
    case DURE_MAIL_WAKE: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct dure_buf input = {0}, first = {0}, second = {0};
    dure_buf_add(&input, bytes, len);
    use_codes(&input);
    struct dure_mail *mail = dure_mail_decode(input.data, input.len);
    dure_buf_fini(&input);
    if (mail == NULL) return 0;
    check(mail);
    dure_mail_encode(mail, &first);
    struct dure_mail *again = dure_mail_decode(first.data, first.len);
    DURE_ASSERT(again != NULL);
    dure_mail_encode(again, &second);
    DURE_ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    dure_buf_fini(&first);
    dure_buf_fini(&second);
    dure_mail_free(again);
    dure_mail_free(mail);
    return 0;
}
