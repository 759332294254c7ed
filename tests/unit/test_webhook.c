/*
 * Webhooks are signed as the Standard Webhooks specification says, and by good secrets only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/notify.h"

/* The example of the specification's reference libraries. */
static void test_example(void **state)
{
    (void)state;
    static struct dure_notify notify;
    static const char body[] = "{\"test\": 2432232314}";
    struct dure_buf out = {0};
    assert_int_equal(dure_webhook_secrets(&notify, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0);
    dure_webhook_sign(&notify, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body), &out);
    static const char expected[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    dure_buf_fini(&out);
}

static void test_secrets(void **state)
{
    (void)state;
    static struct dure_notify notify;
    static const char *const bad[] = {
        "", " ", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!!!",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw x",
        /* 66 bytes. */
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (dure_webhook_secrets(&notify, bad[i]) == 0) fail_msg("\"%s\" was taken", bad[i]);
    }
    assert_int_equal(
        dure_webhook_secrets(&notify, " whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
                                      "  whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw "), 0);
    assert_int_equal(notify.secrets_count, 2);
    assert_int_equal(notify.secrets[0].len, 64);
    assert_int_equal(notify.secrets[1].len, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_example),
                                       cmocka_unit_test(test_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
